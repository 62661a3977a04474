/* Values of the store as a whole, by name. */
#ifndef RETRIEVAL_META_H
#define RETRIEVAL_META_H

#include <stdbool.h>

#include "retrieval/db/db.h"

/* Whether the value is this one; false also after a failure, which db_result tells. */
bool meta_is(struct db *db, const char *key, const char *value);
void meta_set(struct db *db, const char *key, const char *value);

#endif
