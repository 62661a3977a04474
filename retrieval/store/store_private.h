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
#include "retrieval/store/collection_row.h"
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

/* A copy of a collection that is shown, whoever may use it; false if there is none. */
bool store_collection_copy(struct store *s, const char *name, struct catalog_collection *out);
/* The same as the caller may use it: -ENOENT, -EACCES with a sentence. */
int store_collection(struct store *s, const struct ragd_call *call, const char *name, unsigned want,
		     struct catalog_collection *out, struct ragd_err *err);
/*
 * How many a user may own who is no administrator: each makes the searches of all who may read it a little
 * longer.
 */
#define COLLECTIONS_PER_OWNER 100
/* On the writer's thread: whether the caller may make one more. -EACCES with a sentence. */
int collection_room(const struct store *s, const struct ragd_caller *caller, struct ragd_err *err);
/*
 * Inside a transaction: a new collection with row->acl; sets row->id. The catalog has it from now on
 * but does not show it: show it once committed, unmake it after a rollback.
 */
int collection_make(struct store *s, struct db *db, const char *name, struct collection_row *row,
		    struct ragd_err *err);
void collection_unmake(struct store *s, uint32_t id);
/* Take what removed collections left behind out of the store. */
int collections_sweep(struct store *s, struct ragd_err *err);

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
