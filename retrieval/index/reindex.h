/* The full-text index, built again when terms are no longer what they were. */
#ifndef RETRIEVAL_REINDEX_H
#define RETRIEVAL_REINDEX_H

#include <ragd/plugin.h>

#include "retrieval/db/db.h"

struct store;

/*
 * If the index was made with other terms (TERMS_VERSION, language), make it from the stored texts
 * again, in one transaction, and forget what was learned from the old ones. Before the catalog is
 * loaded. Returns 1 if it was, 0 if there was no need, or a negative errno.
 */
int reindex_if_needed(struct store *s, struct db *db, struct ragd_err *err);

#endif
