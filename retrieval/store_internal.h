/* The store from inside: what its files share. */
#ifndef RETRIEVAL_STORE_INTERNAL_H
#define RETRIEVAL_STORE_INTERNAL_H

#include <stdatomic.h>

#include "retrieval/catalog.h"
#include "retrieval/chunk.h"
#include "retrieval/embed.h"
#include "retrieval/lane.h"
#include "retrieval/store.h"
#include "retrieval/tend.h"
#include "retrieval/vectors.h"
#include "retrieval/writer.h"

/* An embedder and the vectors it made. */
struct meaning {
	struct embedder *embedder; /* NULL: nothing learned */
	struct vectors *vectors;
};

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

	/*
	 * Changed on the writer's thread with the catalog locked for writing: read them there, or with
	 * the catalog locked for reading. `next` is learned and being filled, beside `now`.
	 */
	struct meaning now;
	struct meaning next;

	/* The writer's alone. */
	struct terms *terms;
	struct arena *arena;
	uint32_t next_document;
	uint32_t next_passage;
};

void store_tell(struct store *s, enum store_event event, const char *fmt, ...) RAGD_PRINTF(3, 4);
int64_t store_now(void); /* Unix time */
/* -ETIMEDOUT or -ECANCELED with a sentence, if nobody waits for the answer any more. */
int store_still_wanted(const struct ragd_call *call, struct ragd_err *err);

/* A copy of the collection as the caller may use it: -ENOENT, -EACCES with a sentence. */
int store_collection(struct store *s, const struct ragd_call *call, const char *name, unsigned want,
		     struct catalog_collection *out, struct ragd_err *err);
/* The same as the transaction sees it, on the writer's connection: -ENOENT or a failure. */
struct collection_row {
	uint32_t id;
	struct acl acl;
};
int collection_row_find(struct db *db, const char *name, struct collection_row *out,
			struct ragd_err *err);
/*
 * Inside a transaction: a new collection with row->acl; sets row->id. The catalog has it from now on
 * but does not show it: show it once committed, unmake it after a rollback.
 */
int collection_make(struct store *s, struct db *db, const char *name, struct collection_row *row,
		    struct ragd_err *err);
void collection_unmake(struct store *s, uint32_t id);
/* Take what removed collections left behind out of the store. */
int collections_sweep(struct store *s, struct ragd_err *err);

/* One document that a job changes. */
struct change {
	bool removed;
	bool added;
	struct catalog_document old;
	struct catalog_document now;
	uint16_t *half[2]; /* malloc'd: its vectors on each side, NULL if none */
};

struct prepared;

/* Whether the row of SQL_DOCUMENT_FIND is the prepared document: content, title, kind and tags. */
bool document_same(sqlite3_stmt *row, const struct prepared *p);
/*
 * Inside a transaction: replace or add a document; *status says what it came to. What changed is
 * noted in *change for change_apply.
 */
int document_write(struct store *s, struct db *db, uint32_t collection, const struct prepared *p,
		   enum ragd_put_status *status, struct change *change, struct ragd_err *err);
/* Inside a transaction: take a document out of every table. -ENOENT, having changed nothing. */
int document_drop(struct store *s, struct db *db, uint32_t collection, struct ragd_str id,
		  struct change *change, struct ragd_err *err);
/* With the catalog locked for writing. */
void change_apply(struct store *s, const struct change *change);
/* Free what it points to, and make it no change. */
void change_clear(struct change *change);

/* Inside a transaction that changes what can be found: counted, see vectors_stamp. */
int store_count_change(struct db *db, struct ragd_err *err);

/* Load the embedder and its vectors, from their files or from SQLite. On the writer's connection. */
int meaning_open(struct store *s, struct db *db, struct ragd_err *err);
/* Save the vectors as files. */
void meaning_close(struct store *s);
int meaning_write(struct db *db, uint32_t document, unsigned side, const uint16_t *half, size_t n,
		  struct ragd_err *err);
int64_t meta_int(struct db *db, const char *key, int64_t dflt, int *rc, struct ragd_err *err);
int meta_set_int(struct db *db, const char *key, int64_t value, struct ragd_err *err);

#endif
