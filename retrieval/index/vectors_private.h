/* What the index of vectors and its files share. */
#ifndef RETRIEVAL_VECTORS_PRIVATE_H
#define RETRIEVAL_VECTORS_PRIVATE_H

#include "retrieval/index/codes.h"
#include "retrieval/index/vectors.h"

struct vectors {
	uint32_t collection;
	uint32_t dim;
	unsigned side;
	struct codes *codes; /* NULL: no vector yet */
	uint32_t *passages;  /* whose vector is at each place */
	uint32_t n;
	uint32_t cap;
	bool whole;
	bool changed; /* since it was loaded or saved */
};

#endif
