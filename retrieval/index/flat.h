/*
 * Vectors at places 0 .. n - 1, and an exact search among all of them by inner product: FAISS's
 * flat index (flat_faiss.c), or plain C where ragd is built without it (flat_plain.c). Whoever
 * shares one keeps changes and searches apart.
 */
#ifndef RETRIEVAL_INDEX_FLAT_H
#define RETRIEVAL_INDEX_FLAT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <ragd/plugin.h>

struct flat;

/* NULL: out of memory. */
struct flat *flat_new(uint32_t dim);
/* Accepts NULL. */
void flat_free(struct flat *f);

size_t flat_count(const struct flat *f);
/* [n][dim], to be read and written until the number changes. */
float *flat_data(const struct flat *f);
/* At least n of them, those that are new all zeros; -ENOMEM. */
int flat_grow(struct flat *f, size_t n);
/* Only the first n; some memory comes back if it can. */
void flat_shrink(struct flat *f, size_t n);

/* One of those nearest to a question. */
struct flat_hit {
	size_t place;
	float product;
};

/* The k nearest to q[dim], best first, k at most n. 0 or -ENOMEM, -EIO. */
int flat_search(const struct flat *f, const float *q, size_t k, struct flat_hit *out,
		struct ragd_err *err);

/* To where the file stands. 0 or a negative errno. */
int flat_write(const struct flat *f, FILE *file);
/*
 * From where the file stands; whatever else it is, its bytes are those that were written (there is
 * a checksum). -EBADMSG: not by this build, or not of dim and n_min vectors at least; -ENOMEM.
 */
int flat_read(FILE *file, uint32_t dim, size_t n_min, struct flat **out);

#endif
