#include "retrieval/store/catalog_load.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static int load_collections(struct catalog *c, struct db *db, struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_query(db, SQL_COLLECTION_ALL, NULL);
	int rc = 0;

	while (rc == 0 && db_next(db, stmt)) {
		uint32_t id = (uint32_t)sqlite3_column_int64(stmt, 0);
		const char *name = (const char *)sqlite3_column_text(stmt, 1);
		struct acl acl = {
			(uid_t)sqlite3_column_int64(stmt, 2),
			(gid_t)sqlite3_column_int64(stmt, 3),
			(uint32_t)sqlite3_column_int64(stmt, 4),
		};

		if (name == NULL || id == 0 || strlen(name) > ACL_NAME_MAX)
			rc = db_damaged(db, "a collection without a name", err);
		else if (catalog_add_collection(c, id, name, &acl, sqlite3_column_int64(stmt, 5)) <
			 0)
			rc = ragd_err_set(err, -ENOMEM, "out of memory for the catalog");
		if (rc == 0) {
			c->collections[id]->shown = name[0] != ' ';
			c->collections[id]->generation = sqlite3_column_int64(stmt, 6);
			c->collections[id]->renewal = sqlite3_column_int(stmt, 7) != 0;
		}
	}
	db_reset(stmt);
	return rc < 0 ? rc : db_result(db, err);
}

static bool is_free(const struct catalog *c, const struct catalog_document *d)
{
	uint32_t place;

	for (uint64_t i = 0; i < d->n_passages; i++)
		if (catalog_at(c, (uint32_t)(d->first_passage + i), &place) != NULL)
			return false;
	return true;
}

static int load_document(struct catalog *c, struct db *db, sqlite3_stmt *stmt,
			 struct catalog_next *next, struct ragd_err *err)
{
	struct ragd_str lengths = db_column_str(stmt, 5);
	struct catalog_document d = {
		.id = (uint32_t)sqlite3_column_int64(stmt, 0),
		.collection = (uint32_t)sqlite3_column_int64(stmt, 1),
		.n_bytes = (uint64_t)sqlite3_column_int64(stmt, 2),
		.first_passage = (uint32_t)sqlite3_column_int64(stmt, 3),
		.n_passages = (uint32_t)sqlite3_column_int64(stmt, 4),
	};
	uint16_t *copy;
	int rc;

	if (lengths.len != d.n_passages * sizeof(uint16_t) || d.collection >= c->n_collections ||
	    c->collections[d.collection] == NULL || !is_free(c, &d))
		return db_damaged(db, "a document does not add up", err);
	copy = malloc(lengths.len + 1);
	if (copy == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the catalog");
	memcpy(copy, lengths.s, lengths.len);
	d.lengths = copy;
	rc = catalog_reserve(c, &d, err);
	if (rc == 0)
		catalog_add(c, &d);
	free(copy);
	next->document = MAX(next->document, d.id + 1);
	next->passage = MAX(next->passage, d.first_passage + d.n_passages);
	return rc;
}

static int load_documents(struct catalog *c, struct db *db, struct catalog_next *next,
			  struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_query(db, SQL_DOCUMENT_LOAD, NULL);
	int rc = 0;

	while (rc == 0 && db_next(db, stmt))
		rc = load_document(c, db, stmt, next, err);
	db_reset(stmt);
	return rc < 0 ? rc : db_result(db, err);
}

int catalog_load(struct catalog *c, struct db *db, struct catalog_next *next, struct ragd_err *err)
{
	int rc;

	*next = (struct catalog_next){ .document = 1, .passage = 1 };
	rc = load_collections(c, db, err);
	return rc < 0 ? rc : load_documents(c, db, next, err);
}
