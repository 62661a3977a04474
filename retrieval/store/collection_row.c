#include "retrieval/store/collection_row.h"

#include "retrieval/store/catalog.h"
#include "retrieval/store/store_events.h"

int collection_row_find(struct db *db, const char *name, struct collection_row *out,
			struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_query(db, SQL_COLLECTION_FIND, DB_ARGS(db_text(name)));
	bool found = db_next(db, stmt);
	int rc;

	if (found) {
		out->id = (uint32_t)sqlite3_column_int64(stmt, 0);
		out->acl.owner = (uid_t)sqlite3_column_int64(stmt, 1);
		out->acl.group = (gid_t)sqlite3_column_int64(stmt, 2);
		out->acl.mode = (uint32_t)sqlite3_column_int64(stmt, 3);
	}
	db_reset(stmt);
	rc = db_result(db, err);
	return rc < 0 || found ? rc : acl_absent(name, err);
}

int collection_row_add(struct db *db, const char *name, struct collection_row *row,
		       struct ragd_err *err)
{
	const struct acl *acl = &row->acl;
	int64_t id;
	int rc;

	db_run(db, SQL_COLLECTION_ADD,
	       DB_ARGS(db_text(name), db_int(acl->owner), db_int(acl->group), db_int(acl->mode),
		       db_int(store_now())));
	rc = db_result(db, err);
	if (rc < 0)
		return rc;
	id = sqlite3_last_insert_rowid(db->h);
	if (id >= CATALOG_ID_MAX)
		return ragd_err_set(
			err, -EOVERFLOW,
			"the store has given out all ids of collections: make a new one");
	row->id = (uint32_t)id;
	return 0;
}

void collection_row_change(struct db *db, const struct collection_row *row)
{
	const struct acl *acl = &row->acl;

	db_run(db, SQL_COLLECTION_CHANGE,
	       DB_ARGS(db_int(row->id), db_int(acl->owner), db_int(acl->group), db_int(acl->mode),
		       db_int(store_now())));
}

void collection_row_touch(struct db *db, uint32_t collection)
{
	db_run(db, SQL_COLLECTION_TOUCH, DB_ARGS(db_int(collection), db_int(store_now())));
}

void collection_row_hide(struct db *db, uint32_t collection)
{
	db_run(db, SQL_COLLECTION_HIDE, DB_ARGS(db_int(collection)));
}

void collection_row_drop(struct db *db, uint32_t collection)
{
	collection_row_renewal_drop(db, collection);
	db_run(db, SQL_COLLECTION_DROP, DB_ARGS(db_int(collection)));
}

void collection_row_count_change(struct db *db, uint32_t collection)
{
	db_run(db, SQL_COLLECTION_BUMP, DB_ARGS(db_int(collection)));
}

void collection_row_learned(struct db *db, uint32_t collection, int64_t generation)
{
	db_run(db, SQL_COLLECTION_LEARNED, DB_ARGS(db_int(collection), db_int(generation)));
}

void collection_row_renewal_add(struct db *db, uint32_t collection)
{
	db_run(db, SQL_RENEWAL_ADD, DB_ARGS(db_int(collection)));
}

void collection_row_renewal_drop(struct db *db, uint32_t collection)
{
	db_run(db, SQL_RENEWAL_DROP, DB_ARGS(db_int(collection)));
}

uint64_t collection_row_changes(struct db *db, uint32_t collection)
{
	sqlite3_stmt *stmt = db_query(db, SQL_COLLECTION_CHANGES, DB_ARGS(db_int(collection)));
	uint64_t n = db_next(db, stmt) ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;

	db_reset(stmt);
	return n;
}
