/* Collections: looked up for a caller, made inside a transaction, swept away. */
#ifndef RETRIEVAL_COLLECTIONS_H
#define RETRIEVAL_COLLECTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "retrieval/db/db.h"
#include "retrieval/store/catalog.h"
#include "retrieval/store/collection_row.h"

struct store;

/* A copy of a collection that is shown, whoever may use it; false if there is none. */
bool store_collection_copy(struct store *s, const char *name, struct catalog_collection *out);
/* The same as the caller may use it: -ENOENT, -EACCES with a sentence. */
int store_collection(struct store *s, const struct ragd_call *call, const char *name, unsigned want,
		     struct catalog_collection *out, struct ragd_err *err);
/*
 * How many a user who is not an administrator may own: each one slows the searches of all its
 * readers down a little.
 */
#define COLLECTIONS_PER_OWNER 100
/* On the writer's thread: whether the caller may make one more. -EACCES with a sentence. */
int collection_room(const struct store *s, const struct ragd_caller *caller, struct ragd_err *err);
/*
 * Inside a transaction: a new collection with row->acl; sets row->id. The catalog has it from now
 * on but does not show it: show it once committed, unmake it after a rollback.
 */
int collection_make(struct store *s, struct db *db, const char *name, struct collection_row *row,
		    struct ragd_err *err);
void collection_unmake(struct store *s, uint32_t id);
/* Take what removed collections left behind out of the store. */
int collections_sweep(struct store *s, struct ragd_err *err);

#endif
