#include "retrieval/db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file/private.h"
#include "base/util.h"

/* Rows of sql.h. */
static const char *const sql_text[SQL_N] = {
#define SQL_ROW(name, text) [SQL_##name] = text,
	SQL_ROWS(SQL_ROW)
#undef SQL_ROW
};

/*
 * FULL makes every commit reach the disk before it is acknowledged. The checkpoint bound trades the
 * size of the log against how often a bulk load copies it.
 */
static const char writer_pragmas[] = "PRAGMA synchronous = FULL;"
				     "PRAGMA wal_autocheckpoint = 4000;"
				     "PRAGMA journal_size_limit = 67108864;"
				     "PRAGMA temp_store = MEMORY;"
				     "PRAGMA secure_delete = FAST;"
				     "PRAGMA cache_size = -8192;";
static const char reader_pragmas[] = "PRAGMA query_only = 1;"
				     "PRAGMA temp_store = MEMORY;"
				     "PRAGMA cache_size = -4096;";

int db_open(struct db *db, const char *path, enum db_mode mode, struct ragd_err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int fd, rc;

	memset(db, 0, sizeof(*db));
	db->path = path;
	if (mode == DB_WRITER) {
		/* SQLite would create it readable by all, and give the log the same mode. */
		fd = private_open(path, O_RDWR, err);
		if (fd < 0)
			return fd;
		close(fd);
	}
	if (sqlite3_open_v2(path, &db->h, flags, NULL) != SQLITE_OK) {
		rc = db_fail(db, "open", err);
		goto fail;
	}
	sqlite3_busy_timeout(db->h, 10000);
	rc = db_exec(db, mode == DB_WRITER ? writer_pragmas : reader_pragmas, err);
	if (rc == 0)
		return 0;
fail:
	db_close(db);
	return rc;
}

void db_close(struct db *db)
{
	for (size_t i = 0; i < ARRAY_LEN(db->stmts); i++)
		sqlite3_finalize(db->stmts[i]);
	sqlite3_close_v2(db->h);
	buf_fini(&db->texts);
	memset(db, 0, sizeof(*db));
}

sqlite3_stmt *db_stmt(struct db *db, enum sql id, struct ragd_err *err)
{
	if (db->stmts[id] == NULL &&
	    sqlite3_prepare_v3(db->h, sql_text[id], -1, SQLITE_PREPARE_PERSISTENT, &db->stmts[id],
			       NULL) != SQLITE_OK) {
		db_fail(db, "prepare a statement", err);
		return NULL;
	}
	return db->stmts[id];
}

static void note_failure(struct db *db, const char *doing)
{
	if (db->rc == 0)
		db->rc = db_fail(db, doing, &db->err);
}

static void bind_args(sqlite3_stmt *stmt, const struct db_arg *args)
{
	for (int at = 1; args != NULL && args->type != DB_ARGS_END; args++, at++) {
		const void *bytes = args->p != NULL ? args->p : "";

		switch (args->type) {
		case DB_INT:
			sqlite3_bind_int64(stmt, at, args->i);
			break;
		case DB_TEXT:
			sqlite3_bind_text64(stmt, at, bytes, args->len, SQLITE_STATIC, SQLITE_UTF8);
			break;
		case DB_BLOB:
			sqlite3_bind_blob64(stmt, at, bytes, args->len, SQLITE_STATIC);
			break;
		case DB_POINTER:
			sqlite3_bind_pointer(stmt, at, (void *)(uintptr_t)args->p,
					     args->pointer_type, NULL);
			break;
		case DB_NULL:
		case DB_ARGS_END:
			break;
		}
	}
}

sqlite3_stmt *db_query(struct db *db, enum sql id, const struct db_arg *args)
{
	sqlite3_stmt *stmt = db->stmts[id];

	if (db->rc < 0)
		return NULL;
	if (stmt == NULL && sqlite3_prepare_v3(db->h, sql_text[id], -1, SQLITE_PREPARE_PERSISTENT,
					       &db->stmts[id], NULL) != SQLITE_OK) {
		note_failure(db, "read");
		return NULL;
	}
	stmt = db->stmts[id];
	db_reset(stmt); /* an argument left out is NULL, not what the last caller bound */
	bind_args(stmt, args);
	return stmt;
}

bool db_next(struct db *db, sqlite3_stmt *stmt)
{
	int rc;

	if (stmt == NULL || db->rc < 0)
		return false;
	errno = 0;
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		note_failure(db, "read");
	return rc == SQLITE_ROW;
}

void db_run(struct db *db, enum sql id, const struct db_arg *args)
{
	sqlite3_stmt *stmt = db_query(db, id, args);

	if (stmt == NULL)
		return;
	errno = 0;
	if (sqlite3_step(stmt) != SQLITE_DONE)
		note_failure(db, "write");
	db_reset(stmt);
}

int db_result(struct db *db, struct ragd_err *err)
{
	int rc = db->rc;

	if (rc < 0 && err != NULL)
		*err = db->err;
	db->rc = 0;
	return rc;
}

bool db_row(struct db *db, sqlite3_stmt *stmt, int *rc, struct ragd_err *err)
{
	errno = 0;
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return true;
	case SQLITE_DONE:
		*rc = 0;
		return false;
	default:
		*rc = db_fail(db, "read", err);
		return false;
	}
}

int db_done(struct db *db, sqlite3_stmt *stmt, struct ragd_err *err)
{
	int rc = 0;

	errno = 0;
	if (sqlite3_step(stmt) != SQLITE_DONE)
		rc = db_fail(db, "write", err);
	db_reset(stmt);
	return rc;
}

void db_reset(sqlite3_stmt *stmt)
{
	if (stmt == NULL)
		return;
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

int db_exec(struct db *db, const char *sql, struct ragd_err *err)
{
	errno = 0;
	if (sqlite3_exec(db->h, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_fail(db, "use", err);
	return 0;
}

int db_read_int(struct db *db, const char *sql, int64_t dflt, int64_t *out, struct ragd_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = 0;

	if (sqlite3_prepare_v2(db->h, sql, -1, &stmt, NULL) != SQLITE_OK)
		return db_fail(db, "read", err);
	if (db_row(db, stmt, &rc, err))
		*out = sqlite3_column_int64(stmt, 0);
	else if (rc == 0)
		*out = dflt;
	sqlite3_finalize(stmt);
	return rc;
}

static int errno_of(struct db *db, int code)
{
	/* SQLite 3.40 forgets the number of a failed write; steps begin with errno 0. */
	int sys = db->h != NULL && sqlite3_system_errno(db->h) != 0 ? sqlite3_system_errno(db->h)
								    : errno;

	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		if (sys == ENOSPC || sys == EDQUOT || sys == EFBIG)
			return -ENOSPC;
		return sys == EACCES || sys == EPERM ? -EACCES : -EIO;
	default:
		return -EIO;
	}
}

int db_damaged(struct db *db, const char *why, struct ragd_err *err)
{
	return ragd_err_set(err, -EBADMSG,
			    "the store '%s' is damaged (%.60s): move it away and add the documents "
			    "again; 'sqlite3 FILE .dump' shows what it still holds",
			    db->path, why != NULL ? why : "unreadable");
}

int db_fail(struct db *db, const char *doing, struct ragd_err *err)
{
	int code = db->h != NULL ? sqlite3_extended_errcode(db->h) : SQLITE_NOMEM;
	const char *why = db->h != NULL ? sqlite3_errmsg(db->h) : "out of memory";
	int rc = errno_of(db, code);

	if (rc == -ENOSPC)
		return ragd_err_set(
			err, rc,
			"the disk under '%s' is full: nothing was lost; free some space "
			"and try again",
			db->path);
	if (rc == -EBADMSG)
		return db_damaged(db, why, err);
	return ragd_err_set(err, rc, "%s the store '%s': %s", doing, db->path, why);
}

void db_bind_str(sqlite3_stmt *stmt, int at, struct ragd_str s)
{
	sqlite3_bind_text64(stmt, at, s.s != NULL ? s.s : "", s.len, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_blob(sqlite3_stmt *stmt, int at, const void *data, size_t len)
{
	sqlite3_bind_blob64(stmt, at, data != NULL ? data : "", len, SQLITE_STATIC);
}

struct ragd_str db_column_str(sqlite3_stmt *stmt, int at)
{
	struct ragd_str s;

	s.s = sqlite3_column_blob(stmt, at);
	s.len = (size_t)sqlite3_column_bytes(stmt, at);
	if (s.s == NULL)
		s = RAGD_STR("");
	return s;
}
