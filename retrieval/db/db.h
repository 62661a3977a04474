/*
 * One connection to the store's SQLite database: opened with our pragmas, its statements prepared
 * once, its errors as one errno and one sentence. A connection is used by one thread at a time.
 */
#ifndef RETRIEVAL_DB_H
#define RETRIEVAL_DB_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <sqlite3.h>

#include <ragd/plugin.h>

#include "base/buf.h"
#include "retrieval/db/sql.h"

struct db {
	sqlite3 *h;
	const char *path; /* borrowed */
	sqlite3_stmt *stmts[SQL_N];
	struct buf texts; /* of the row that fts.c writes */
	/* The first failure since db_result handed one on; 0: none. */
	int rc;
	struct ragd_err err;
};

/* An argument of a statement; text and bytes are borrowed until it was run, or is reset. */
struct db_arg {
	enum { DB_ARGS_END, DB_NULL, DB_INT, DB_TEXT, DB_BLOB, DB_POINTER } type;
	int64_t i;
	const void *p;
	size_t len;
	const char *pointer_type; /* static, see sqlite3_bind_pointer */
};

/* ?1, ?2, ... in their order; those that are left out are NULL. */
#define DB_ARGS(...) ((const struct db_arg[]){ __VA_ARGS__, { .type = DB_ARGS_END } })

static inline struct db_arg db_null(void)
{
	return (struct db_arg){ .type = DB_NULL };
}

static inline struct db_arg db_int(int64_t i)
{
	return (struct db_arg){ .type = DB_INT, .i = i };
}

static inline struct db_arg db_str(struct ragd_str s)
{
	return (struct db_arg){ .type = DB_TEXT, .p = s.s, .len = s.len };
}

static inline struct db_arg db_text(const char *s)
{
	return (struct db_arg){ .type = DB_TEXT, .p = s, .len = strlen(s) };
}

static inline struct db_arg db_pointer(void *p, const char *type)
{
	return (struct db_arg){ .type = DB_POINTER, .p = p, .pointer_type = type };
}

static inline struct db_arg db_blob(const void *data, size_t len)
{
	return (struct db_arg){ .type = DB_BLOB, .p = data, .len = len };
}

enum db_mode {
	DB_WRITER, /* creates the file (0600); the only one that writes */
	DB_READER,
};

/* Knows SQLite's own functions only; schema_connect opens one that can use the store's tables. */
int db_open(struct db *db, const char *path, enum db_mode mode, struct ragd_err *err);
/* Accepts one that did not open. */
void db_close(struct db *db);

/*
 * Failures stick: after the first, nothing below does anything until db_result has told it, so that
 * a caller asks once, at its end. A caller must ask before it lets go of the connection.
 *
 * db_run is for a statement without rows. After db_query come db_next and at last db_reset: a
 * statement left in the middle of its rows keeps its snapshot of the database. args may be NULL:
 * there are none.
 */
void db_run(struct db *db, enum sql id, const struct db_arg *args);
/* NULL after a failure, which db_next and db_reset accept. */
sqlite3_stmt *db_query(struct db *db, enum sql id, const struct db_arg *args);
/* True for a row; false after the last one, and after a failure. */
bool db_next(struct db *db, sqlite3_stmt *stmt);
/*
 * The first failure since the last call, or 0; it is then forgotten: -ENOSPC (full disk, quota,
 * file size limit), -EBADMSG (damaged), -ENOMEM, -EBUSY, -EROFS, -EACCES, -EIO.
 */
int db_result(struct db *db, struct ragd_err *err);

void db_reset(sqlite3_stmt *stmt);

/*
 * SQL text without arguments, for what is done once: run, prepared (sqlite3_finalize it), or one
 * number.
 */
void db_exec(struct db *db, const char *sql);
sqlite3_stmt *db_prepare(struct db *db, const char *sql);
int64_t db_read_int(struct db *db, const char *sql);
/* Undo the transaction that is open, if one is, whatever has failed. */
void db_roll_back(struct db *db);

/* -EBADMSG with the sentence for a file that is not what it should be. */
int db_damaged(struct db *db, const char *why, struct ragd_err *err);

/* A column's bytes; valid until the statement is stepped or reset. */
struct ragd_str db_column_str(sqlite3_stmt *stmt, int at);

#endif
