#include "retrieval/index/reindex.h"

#include <stdio.h>
#include <string.h>

#include "retrieval/db/fts.h"
#include "retrieval/db/meta.h"
#include "retrieval/passages/passages.h"
#include "retrieval/store/store_private.h"

/* What decides which terms a text gives. */
static void describe_terms(const struct store *s, char *out, size_t size)
{
	snprintf(out, size, "%d/%s", TERMS_VERSION, s->language);
}

static int write_lengths(struct db *db, uint32_t document, const uint16_t *lengths, size_t n,
			 struct ragd_err *err)
{
	db_run(db, SQL_DOCUMENT_LENGTHS,
	       DB_ARGS(db_int(document), db_blob(lengths, n * sizeof(*lengths))));
	return db_result(db, err);
}

static int index_document(struct store *s, struct db *db, const struct catalog_document *d,
			  struct ragd_str title, struct ragd_err *err)
{
	uint32_t n = d->n_passages;
	struct memory m = memory_of_arena(s->arena);
	uint16_t *lengths = arena_alloc(s->arena, (size_t)n + 1, sizeof(*lengths));
	struct passage *passages;
	struct terms_passage terms;
	ssize_t found = passages_read(db, &m, d->id, d->first_passage, n, &passages, err);
	int rc = 0;

	if (found < 0)
		return (int)found;
	if (lengths == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the full-text index");
	if ((uint32_t)found != n)
		return db_damaged(db, "a document lacks passages", err);
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		rc = terms_passage(s->terms, s->arena, title, passages[i].heading, passages[i].text,
				   &terms, err);
		if (rc == 0)
			rc = fts_add(db, d->collection, passages[i].id, &terms, err);
		lengths[i] = terms.length;
	}
	return rc < 0 ? rc : write_lengths(db, d->id, lengths, n, err);
}

static int index_all(struct store *s, struct db *db, struct ragd_err *err)
{
	struct catalog_document d = { 0 };
	int rc = 0;

	while (rc == 0) {
		sqlite3_stmt *stmt = db_query(db, SQL_DOCUMENT_NEXT, DB_ARGS(db_int(d.id)));
		struct ragd_str title;

		arena_reset(s->arena);
		if (!db_next(db, stmt)) {
			db_reset(stmt);
			return db_result(db, err);
		}
		d.id = (uint32_t)sqlite3_column_int64(stmt, 0);
		d.collection = (uint32_t)sqlite3_column_int64(stmt, 1);
		d.first_passage = (uint32_t)sqlite3_column_int64(stmt, 2);
		d.n_passages = (uint32_t)sqlite3_column_int64(stmt, 3);
		title = arena_str(s->arena, db_column_str(stmt, 4));
		db_reset(stmt);
		rc = index_document(s, db, &d, title, err);
	}
	return rc;
}

int reindex_if_needed(struct store *s, struct db *db, struct ragd_err *err)
{
	char terms[96];
	int64_t n_documents;
	bool same;
	int rc;

	describe_terms(s, terms, sizeof(terms));
	same = meta_is(db, "terms", terms);
	n_documents = db_read_int(db, "SELECT count(*) FROM document");
	rc = db_result(db, err);
	if (rc < 0 || same)
		return rc;
	db_exec(db, "BEGIN IMMEDIATE");
	db_exec(db, "INSERT INTO fts(fts) VALUES('delete-all')");
	rc = db_result(db, err);
	if (rc == 0)
		rc = index_all(s, db, err);
	if (rc == 0) {
		meta_set(db, "terms", terms);
		/* What an encoder made of the texts stays; rows of the others are swept later. */
		db_exec(db, "DELETE FROM embedder WHERE encoder = '';"
			    "UPDATE collection SET generation = 0, changes = changes + 1"
			    " WHERE NOT EXISTS (SELECT 1 FROM embedder WHERE collection ="
			    " collection.id AND embedder.generation = collection.generation)");
		db_exec(db, "COMMIT");
		rc = db_result(db, err);
	}
	if (rc < 0) {
		db_roll_back(db);
		return rc;
	}
	return n_documents > 0;
}
