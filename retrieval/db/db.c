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

/* SQLite's last error as ours, unless there was one before. */
static void note_failure(struct db *db, const char *doing)
{
	int code = db->h != NULL ? sqlite3_extended_errcode(db->h) : SQLITE_NOMEM;
	const char *why = db->h != NULL ? sqlite3_errmsg(db->h) : "out of memory";

	if (db->rc < 0)
		return;
	db->rc = errno_of(db, code);
	if (db->rc == -ENOSPC)
		ragd_err_set(&db->err, db->rc,
			     "the disk under '%s' is full: nothing was lost; free some space "
			     "and try again",
			     db->path);
	else if (db->rc == -EBADMSG)
		db_damaged(db, why, &db->err);
	else
		ragd_err_set(&db->err, db->rc, "%s the store '%s': %s", doing, db->path, why);
}

void db_close(struct db *db)
{
	for (size_t i = 0; i < ARRAY_LEN(db->stmts); i++)
		sqlite3_finalize(db->stmts[i]);
	sqlite3_close_v2(db->h);
	buf_fini(&db->texts);
	memset(db, 0, sizeof(*db));
}

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
		note_failure(db, "open");
	} else {
		sqlite3_busy_timeout(db->h, 10000);
		db_exec(db, mode == DB_WRITER ? writer_pragmas : reader_pragmas);
	}
	rc = db_result(db, err);
	if (rc < 0)
		db_close(db);
	return rc;
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

void db_reset(sqlite3_stmt *stmt)
{
	if (stmt == NULL)
		return;
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

void db_exec(struct db *db, const char *sql)
{
	if (db->rc < 0)
		return;
	errno = 0;
	if (sqlite3_exec(db->h, sql, NULL, NULL, NULL) != SQLITE_OK)
		note_failure(db, "use");
}

void db_roll_back(struct db *db)
{
	if (!sqlite3_get_autocommit(db->h)) /* SQLite may have done so by itself */
		sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
}

sqlite3_stmt *db_prepare(struct db *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (db->rc == 0 && sqlite3_prepare_v2(db->h, sql, -1, &stmt, NULL) != SQLITE_OK)
		note_failure(db, "read");
	return stmt;
}

int64_t db_read_int(struct db *db, const char *sql)
{
	sqlite3_stmt *stmt = db_prepare(db, sql);
	int64_t n = db_next(db, stmt) ? sqlite3_column_int64(stmt, 0) : 0;

	sqlite3_finalize(stmt);
	return n;
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
