/* What the index of vectors and its files share. */
#ifndef RETRIEVAL_VECTORS_PRIVATE_H
#define RETRIEVAL_VECTORS_PRIVATE_H

#include "retrieval/index/flat.h"
#include "retrieval/index/vectors.h"

struct vectors {
	uint32_t collection;
	uint32_t dim;
	unsigned side;
	struct flat *flat;  /* NULL: no vector yet */
	uint32_t *passages; /* whose vector is at each place */
	uint32_t n;         /* places in use; the index may hold more, zeros */
	uint32_t cap;
	bool whole;
	bool changed; /* since it was loaded or saved */
};

#endif
