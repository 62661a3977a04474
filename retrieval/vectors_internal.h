/* What the index of vectors and its files share. */
#ifndef RETRIEVAL_VECTORS_INTERNAL_H
#define RETRIEVAL_VECTORS_INTERNAL_H

#include <faiss/c_api/IndexFlat_c.h>

#include "retrieval/vectors.h"

/* Of one collection. */
struct vectors_index {
	FaissIndexFlatIP *faiss; /* NULL: no vector yet */
	uint32_t *passages;      /* whose vector is at each place */
	uint32_t n;              /* places in use; FAISS may hold more, zeros */
	uint32_t cap;
};

struct vectors {
	uint32_t dim;
	unsigned side;
	struct vectors_index *indexes; /* by collection */
	uint32_t n_indexes;
	uint64_t n;
	bool whole;
	bool changed; /* since it was loaded or saved */
};

/* Room for the collection's index; NULL when memory is out. */
struct vectors_index *vectors_index_at(struct vectors *v, uint32_t collection);
void vectors_index_fini(struct vectors_index *ix);

#endif
