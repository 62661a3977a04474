/* The k nearest of many: a heap, the worst of them on top. */
#ifndef RETRIEVAL_INDEX_NEAREST_H
#define RETRIEVAL_INDEX_NEAREST_H

#include <stddef.h>
#include <stdint.h>

struct nearest_hit {
	uint32_t place;
	float product;
};

struct nearest {
	struct nearest_hit *hits; /* [k] */
	size_t n, k;
};

/* Kept if it is among the k best so far; of equal ones the lower place is better. */
void nearest_add(struct nearest *near, uint32_t place, float product);
/* Best first; nothing may be added any more. */
void nearest_sort(struct nearest *near);

#endif
