/*
 * The index of the vectors of one collection, in eight bits a number (codes.h), by inner product.
 * Collections are what callers may or may not read: a search asks the indexes of those it may,
 * whole, and needs no filter inside. Vectors lie at places 0 .. n - 1 without holes: the last one
 * moves into the place of one that is removed, so removing costs as much as adding.
 *
 * The caller holds the catalog's lock: for writing where something is added or removed.
 */
#ifndef RETRIEVAL_VECTORS_H
#define RETRIEVAL_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "retrieval/index/codes.h"
#include "retrieval/store/catalog.h"

struct vectors;

/* side: which of catalog_page.place tells where a passage's vector is; two generations can live. */
struct vectors *vectors_new(uint32_t collection, uint32_t dim, unsigned side);
/* Accepts NULL. */
void vectors_free(struct vectors *v);

/*
 * The vectors of passages first .. first + n, which the catalog has: f16[n][dim]. When memory runs
 * out they are left out, the vectors are no longer `whole`, and what is missing is found by words
 * alone.
 */
void vectors_add(struct vectors *v, struct catalog *c, uint32_t first, uint32_t n,
		 const uint16_t *f16);
/* Before the catalog forgets the document. */
void vectors_remove(struct vectors *v, struct catalog *c, const struct catalog_document *d);

/* Forget all of them. */
void vectors_clear(struct vectors *v, struct catalog *c);

/* Memory was never out, and what was found of the file was not damaged. */
bool vectors_whole(const struct vectors *v);
uint64_t vectors_count(const struct vectors *v);

struct near {
	uint32_t passage;
	float cosine;
};

/*
 * The k passages nearest to q, best first; q has length 1. Returns their number or a negative
 * errno.
 */
ssize_t vectors_search(const struct vectors *v, const struct codes_query *q, size_t k,
		       struct near *out, struct ragd_err *err);

#define VECTORS_NONE CODES_NONE

/* The cosine of q and a passage's vector; VECTORS_NONE if it has none. */
float vectors_cosine(const struct vectors *v, const struct catalog_page *page, uint32_t place,
		     const struct codes_query *q);

/*
 * As a file in a directory, as a cache of what SQLite has. The stamp tells one state of the
 * collection from every other: embedder, and a count of changes.
 */
struct vectors_stamp {
	char digest[64];
	uint64_t changes;
};

/* So many bytes are checked when they are loaded, of a larger file each part when it is used. */
#define VECTORS_CHECK_MAX ((size_t)16 << 20)

int vectors_save(struct vectors *v, const char *dir, const struct vectors_stamp *stamp,
		 struct ragd_err *err);
/*
 * -ENOENT (the file is missing), -ESTALE (of another state), -EBADMSG (damaged); nothing was
 * loaded.
 */
int vectors_load(struct vectors *v, struct catalog *c, const char *dir,
		 const struct vectors_stamp *stamp, struct ragd_err *err);

/* No file, so that the next start makes the index again. */
void vectors_unlink(const struct vectors *v, const char *dir);

#endif
