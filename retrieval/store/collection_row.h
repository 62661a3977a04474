/*
 * A collection's row, as the transaction sees it: the writer goes by it, since the catalog shows
 * what was committed. All are called on the writer's connection, inside a transaction.
 */
#ifndef RETRIEVAL_COLLECTION_ROW_H
#define RETRIEVAL_COLLECTION_ROW_H

#include <stdint.h>

#include <ragd/plugin.h>

#include "retrieval/db/db.h"
#include "retrieval/store/acl.h"

struct collection_row {
	uint32_t id;
	struct acl acl;
};

/* -ENOENT with a sentence, or a failure. */
int collection_row_find(struct db *db, const char *name, struct collection_row *out,
			struct ragd_err *err);
/* Sets row->id. */
int collection_row_add(struct db *db, const char *name, struct collection_row *row,
		       struct ragd_err *err);

/* What these come to, db_result tells. */
void collection_row_change(struct db *db, const struct collection_row *row);
void collection_row_touch(struct db *db, uint32_t collection);
/* Give it a name that no search and no caller can use: it is being removed. */
void collection_row_hide(struct db *db, uint32_t collection);
void collection_row_drop(struct db *db, uint32_t collection);
/* What can be found in it has changed: counted, see vectors_stamp. */
void collection_row_count_change(struct db *db, uint32_t collection);
/* It has the embedder of this generation now; 0: none. Counted as a change. */
void collection_row_learned(struct db *db, uint32_t collection, int64_t generation);
/* All its vectors are to be made again; drop: that has begun. */
void collection_row_renewal_add(struct db *db, uint32_t collection);
void collection_row_renewal_drop(struct db *db, uint32_t collection);
/* How often it was changed. */
uint64_t collection_row_changes(struct db *db, uint32_t collection);

#endif
