/*
 * One document's rows, written and dropped inside the writer's transaction, and what the catalog
 * and the indexes of vectors have to learn of it once the transaction is committed.
 */
#ifndef RETRIEVAL_DOCUMENT_H
#define RETRIEVAL_DOCUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "retrieval/db/db.h"
#include "retrieval/store/catalog.h"

struct prepared;
struct store;

/* One document that a job changes. */
struct change {
	bool removed;
	bool added;
	struct catalog_document old;
	struct catalog_document now;
	uint16_t *f16[2]; /* malloc'd: its vectors on each side, NULL if none */
};

/* Whether the row of SQL_DOCUMENT_FIND is the prepared document: content, title, kind and tags. */
bool document_same(sqlite3_stmt *row, const struct prepared *p);
/*
 * Inside a transaction: replace or add a document; *status says what it came to. What changed is
 * noted in *change for change_apply. `always`: also one that is stored as it is, so that the work
 * does not tell.
 */
int document_write(struct store *s, struct db *db, const struct ragd_call *call,
		   uint32_t collection, const struct prepared *p, bool always,
		   enum ragd_put_status *status, struct change *change, struct ragd_err *err);
/* Inside a transaction: take a document out of every table. -ENOENT, having changed nothing. */
int document_drop(struct store *s, struct db *db, uint32_t collection, struct ragd_str id,
		  struct change *change, struct ragd_err *err);
/* With the catalog locked for writing. */
void change_apply(struct store *s, const struct change *change);
/* Free what it points to, and make it no change. */
void change_clear(struct change *change);

#endif
