/*
 * Vectors for passages that are stored already, written in the background: some runs of passages at
 * a time, each of one document. Passages that were replaced or removed meanwhile are left out.
 */
#ifndef RETRIEVAL_FILL_H
#define RETRIEVAL_FILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "retrieval/store/writer.h"

#define FILL_RUNS 64 /* in one transaction */

struct embedder;
struct store;

struct fill_run {
	uint32_t document;
	uint32_t document_first; /* its first passage when it was read */
	uint32_t first;
	uint32_t n;
	uint16_t *f16; /* malloc'd, [n][dim] */
	bool wanted;   /* decided by the writer */
};

struct fill {
	struct writer_job job;
	struct store *store;
	uint32_t collection;
	const struct embedder *embedder; /* borrowed */
	struct fill_run runs[FILL_RUNS];
	size_t n;
	uint32_t n_passages;
	uint32_t n_foreign; /* of them, see struct embedder; the caller's to count */
};

void fill_init(struct fill *f, struct store *s, uint32_t collection, const struct embedder *e);
/* Room for one more run, whose f16 the caller fills; NULL: out of memory. n < FILL_RUNS before. */
struct fill_run *fill_add(struct fill *f, const struct catalog_document *d, uint32_t first,
			  uint32_t n);
/*
 * Write them, and make it empty. -ENOENT: the collection is gone; -ESTALE: it has no index of this
 * embedder any more.
 */
int fill_write(struct fill *f, struct ragd_err *err);
/* Forget what was not written. */
void fill_clear(struct fill *f);

#endif
