/* What the index of vectors and its files share. */
#ifndef RETRIEVAL_VECTORS_PRIVATE_H
#define RETRIEVAL_VECTORS_PRIVATE_H

#include <faiss/c_api/IndexFlat_c.h>

#include "retrieval/index/vectors.h"

struct vectors {
	uint32_t collection;
	uint32_t dim;
	unsigned side;
	FaissIndexFlatIP *faiss; /* NULL: no vector yet */
	uint32_t *passages;      /* whose vector is at each place */
	uint32_t n;              /* places in use; FAISS may hold more, zeros */
	uint32_t cap;
	bool whole;
	bool changed; /* since it was loaded or saved */
};

#endif
