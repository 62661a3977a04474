/*
 * The embedding index of each collection, struct embedding_index in catalog.h: the embedder that
 * was learned from its passages, and the vectors that it gave them. From the disk and back.
 */
#ifndef RETRIEVAL_EMBEDDING_INDEX_H
#define RETRIEVAL_EMBEDDING_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "retrieval/db/db.h"
#include "retrieval/index/embed.h"
#include "retrieval/store/catalog.h"

struct store;

/*
 * Load each collection's embedder and its vectors, from their files or from SQLite. On the writer's
 * connection.
 */
int embedding_indexes_open(struct store *s, struct db *db, struct ragd_err *err);
/* Save the vectors as files. */
void embedding_indexes_close(struct store *s);
/* The embedder that a collection has now, referenced; NULL if it has none or is gone. */
struct embedder *embedding_index_embedder(struct store *s, uint32_t collection);
/* Free one that the catalog no longer has, and make it none. */
void embedding_index_fini(struct embedding_index *m);
/*
 * In a transaction: the vectors f16[n][dim] of passages first .. first + n of one document. What it
 * came to, db_result tells.
 */
void embedding_index_write(struct db *db, const struct embedder *e, uint32_t first, uint32_t n,
			   const uint16_t *f16);

#endif
