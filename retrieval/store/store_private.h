/* The store from inside: what its files share. */
#ifndef RETRIEVAL_STORE_PRIVATE_H
#define RETRIEVAL_STORE_PRIVATE_H

#include <stdatomic.h>

#include "retrieval/index/embed.h"
#include "retrieval/index/vectors.h"
#include "retrieval/passages/chunk.h"
#include "retrieval/search/lane.h"
#include "retrieval/search/wanted.h"
#include "retrieval/store/catalog.h"
#include "retrieval/store/store.h"
#include "retrieval/store/tend.h"
#include "retrieval/store/writer.h"

static inline unsigned meaning_side(const struct embedder *e)
{
	return (unsigned)(e->generation & 1);
}

struct store {
	struct store_options options;
	char *dir;
	char *path; /* of the database */
	char *language;
	struct chunk_options chunks;
	int lock_fd;

	struct catalog catalog;
	struct lanes lanes;
	struct writer *writer;
	struct tender *tender;
	atomic_uint_fast64_t n_looked_at; /* see store_looked_at */

	/* The writer's alone. */
	struct terms *terms;
	struct arena *arena;
	uint32_t next_document;
	uint32_t next_passage;
};

/*
 * Load each collection's embedder and its vectors, from their files or from SQLite. On the writer's
 * connection.
 */
int meaning_open(struct store *s, struct db *db, struct ragd_err *err);
/* Save the vectors as files. */
void meaning_close(struct store *s);
/* The embedder that a collection has now, referenced; NULL if it has none or is gone. */
struct embedder *meaning_embedder(struct store *s, uint32_t collection);
/* Free one that the catalog no longer has, and make it none. */
void meaning_fini(struct meaning *m);
int meaning_write(struct db *db, uint32_t document, unsigned side, const uint16_t *half, size_t n,
		  struct ragd_err *err);

#endif
