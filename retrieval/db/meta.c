#include "retrieval/db/meta.h"

bool meta_is(struct db *db, const char *key, const char *value)
{
	sqlite3_stmt *stmt = db_query(db, SQL_META_GET, DB_ARGS(db_text(key)));
	bool same = false;

	if (db_next(db, stmt)) {
		struct ragd_str stored = db_column_str(stmt, 0);

		same = stored.len == strlen(value) && memcmp(stored.s, value, stored.len) == 0;
	}
	db_reset(stmt);
	return same;
}

void meta_set(struct db *db, const char *key, const char *value)
{
	db_run(db, SQL_META_PUT, DB_ARGS(db_text(key), db_text(value)));
}
