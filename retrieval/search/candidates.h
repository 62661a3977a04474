/* What a search found so far: a list, then turned into a heap that gives the best first. */
#ifndef RETRIEVAL_CANDIDATES_H
#define RETRIEVAL_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct search_candidate {
	uint32_t passage;
	uint32_t document;
	uint32_t collection;
	float lexical;
	float vector;
	float score;
};

struct candidates {
	struct search_candidate *p; /* malloc'd */
	size_t n;
	size_t cap;
};

int candidates_push(struct candidates *list, uint32_t passage, uint32_t document,
		    uint32_t collection, float lexical, float vector);
/* Make a heap of them; then pop gives the best, each time. */
void candidates_order(struct candidates *list);
bool candidates_pop(struct candidates *list, struct search_candidate *out);

#endif
