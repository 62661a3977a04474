/* The catalog from the database, when the store opens. */
#ifndef RETRIEVAL_CATALOG_LOAD_H
#define RETRIEVAL_CATALOG_LOAD_H

#include <ragd/plugin.h>

#include "retrieval/db/db.h"
#include "retrieval/store/catalog.h"

/* The ids to give out next. */
struct catalog_next {
	uint32_t document;
	uint32_t passage;
};

/* Into an empty catalog. -EBADMSG: the rows contradict each other. */
int catalog_load(struct catalog *c, struct db *db, struct catalog_next *next, struct ragd_err *err);

#endif
