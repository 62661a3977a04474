/*
 * The store's tables: created in an empty file, checked in one that exists. Nothing is ever
 * overwritten to make a file fit: what is not ours, newer than us or damaged is refused with a
 * sentence.
 */
#ifndef RETRIEVAL_SCHEMA_H
#define RETRIEVAL_SCHEMA_H

#include <stdbool.h>

#include <ragd/plugin.h>

#include "retrieval/db/db.h"

/* A connection that can use the tables: db_open, and what the full-text index needs. */
int schema_connect(struct db *db, const char *path, enum db_mode mode, struct ragd_err *err);
/*
 * Bring the file behind a writer's connection to our schema. `thorough`: let SQLite check every
 * page first. Returns 0, or -EBADMSG (damaged), -ENOTSUP (made by a newer ragd), -EINVAL (another
 * program's database).
 */
int schema_ready(struct db *db, bool thorough, struct ragd_err *err);

#endif
