#include "daemon/records/journal_file.h"

#include <errno.h>
#include <stdio.h>

static const char schema[] =
	"PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = NORMAL;"
	"PRAGMA cache_size = -512;"
	"CREATE TABLE IF NOT EXISTS answers ("
	" id TEXT PRIMARY KEY, uid INTEGER NOT NULL, at INTEGER NOT NULL, assistant TEXT NOT NULL,"
	" finish TEXT NOT NULL, abstained INTEGER NOT NULL, findings TEXT, sources TEXT,"
	" n_prompt INTEGER NOT NULL, n_output INTEGER NOT NULL, first_us INTEGER NOT NULL,"
	" total_us INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS feedback ("
	" id TEXT PRIMARY KEY, answer_id TEXT NOT NULL UNIQUE, uid INTEGER NOT NULL,"
	" at INTEGER NOT NULL, rating TEXT NOT NULL, reason TEXT, comment TEXT, better TEXT,"
	" question TEXT, answer TEXT);";

/* Since the second format rows have a time that nobody's setting of the clock moves. */
static const char to_second[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE clock (one INTEGER PRIMARY KEY CHECK (one = 1), at_s INTEGER NOT NULL,"
	" boot_ms INTEGER NOT NULL, offset_s INTEGER NOT NULL, unsettled INTEGER NOT NULL,"
	" boot_id TEXT NOT NULL);"
	"ALTER TABLE answers ADD COLUMN steady INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE feedback ADD COLUMN steady INTEGER NOT NULL DEFAULT 0;"
	"UPDATE answers SET steady = at;"
	"UPDATE feedback SET steady = at;"
	"DROP INDEX IF EXISTS answers_at;"
	"CREATE INDEX answers_steady ON answers(steady);"
	"PRAGMA user_version = 2;"
	"COMMIT;";

int journal_file_code(sqlite3 *db)
{
	int saved = errno;
	int code = sqlite3_errcode(db);
	int sys = sqlite3_system_errno(db) != 0 ? sqlite3_system_errno(db) : saved;
	bool full = code == SQLITE_FULL ||
		    (code == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT || sys == EFBIG));

	return full ? -ENOSPC : -EIO;
}

bool journal_tables_make(sqlite3 *db)
{
	sqlite3_stmt *st;
	int version = -1;

	if (sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL) != SQLITE_OK)
		return false;
	if (sqlite3_step(st) == SQLITE_ROW)
		version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return version >= 2 ||
	       (version == 0 && sqlite3_exec(db, to_second, NULL, NULL, NULL) == SQLITE_OK);
}

void journal_clock_save(sqlite3 *db, const struct steady *c)
{
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO clock VALUES (1,?,?,?,?,?)", -1, &st,
			       NULL) != SQLITE_OK)
		return;
	sqlite3_bind_int64(st, 1, c->at_s);
	sqlite3_bind_int64(st, 2, c->boot_ms);
	sqlite3_bind_int64(st, 3, c->offset_s);
	sqlite3_bind_int(st, 4, c->unsettled);
	sqlite3_bind_text(st, 5, c->boot_id, -1, SQLITE_STATIC);
	sqlite3_step(st);
	sqlite3_finalize(st);
}

bool journal_clock_load(sqlite3 *db, steady_read_fn *read, struct steady *c)
{
	struct steady_now now;
	sqlite3_stmt *st;
	int step;

	read(&now);
	if (sqlite3_prepare_v2(db, "SELECT at_s, boot_ms, offset_s, unsettled, boot_id FROM clock",
			       -1, &st, NULL) != SQLITE_OK)
		return false;
	step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		*c = (struct steady){
			.at_s = sqlite3_column_int64(st, 0),
			.boot_ms = sqlite3_column_int64(st, 1),
			.offset_s = sqlite3_column_int64(st, 2),
			.unsettled = sqlite3_column_int(st, 3) != 0,
		};
		snprintf(c->boot_id, sizeof(c->boot_id), "%s",
			 (const char *)sqlite3_column_text(st, 4));
		steady_resume(c, &now);
	} else {
		steady_init(c, &now);
	}
	sqlite3_finalize(st);
	if (step == SQLITE_DONE)
		journal_clock_save(db, c);
	return step == SQLITE_ROW || step == SQLITE_DONE;
}
