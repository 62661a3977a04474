/* The embedder and its vectors, from the disk and back. */
#include "retrieval/store_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

int64_t meta_int(struct db *db, const char *key, int64_t dflt, int *rc, struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_stmt(db, SQL_META_GET, err);
	int64_t value = dflt;

	if (stmt == NULL) {
		*rc = db_fail(db, "read", err);
		return dflt;
	}
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	if (db_row(db, stmt, rc, err)) {
		*rc = 0;
		value = sqlite3_column_int64(stmt, 0);
	}
	db_reset(stmt);
	return value;
}

int meta_set_int(struct db *db, const char *key, int64_t value, struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_stmt(db, SQL_META_PUT, err);

	if (stmt == NULL)
		return db_fail(db, "write", err);
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, value);
	return db_done(db, stmt, err);
}

int store_count_change(struct db *db, struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_stmt(db, SQL_META_BUMP, err);

	return stmt != NULL ? db_done(db, stmt, err) : db_fail(db, "write", err);
}

int meaning_write(struct db *db, uint32_t document, unsigned side, const uint16_t *half, size_t n,
		  struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_stmt(db, SQL_VECTOR_ADD, err);

	if (stmt == NULL)
		return db_fail(db, "write", err);
	sqlite3_bind_int64(stmt, 1, (int64_t)document << 1 | side);
	db_bind_blob(stmt, 2, half, n * sizeof(*half));
	return db_done(db, stmt, err);
}

/* ---- open ---------------------------------------------------------------------------------- */

static int load_embedder(struct db *db, int64_t generation, struct embedder **out,
			 struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_stmt(db, SQL_EMBEDDER_GET, err);
	struct ragd_str digest, model;
	int rc = 0;

	if (stmt == NULL)
		return db_fail(db, "read", err);
	sqlite3_bind_int64(stmt, 1, generation);
	if (!db_row(db, stmt, &rc, err)) {
		rc = rc < 0 ? rc : ragd_err_set(err, -EBADMSG, "the embedder is missing");
		goto out;
	}
	digest = db_column_str(stmt, 0);
	model = db_column_str(stmt, 1);
	rc = embedder_load(model.s, model.len, out, err);
	if (rc == 0 &&
	    (digest.len != DIGEST_HEX || memcmp(digest.s, (*out)->digest, DIGEST_HEX) != 0)) {
		embedder_unref(*out);
		*out = NULL;
		rc = ragd_err_set(err, -EBADMSG, "the stored embedder is damaged");
	}
	if (rc == 0) {
		(*out)->generation = (uint64_t)generation;
		(*out)->n_fitted = (uint32_t)sqlite3_column_int64(stmt, 2);
	}
out:
	db_reset(stmt);
	return rc;
}

static int take_vectors(struct store *s, struct db *db, const struct catalog_document *d,
			struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_stmt(db, SQL_VECTOR_GET, err);
	size_t size = (size_t)d->n_passages * s->now.embedder->dim * sizeof(uint16_t);
	struct ragd_str data;
	uint16_t *half;
	int rc = 0;

	if (stmt == NULL)
		return db_fail(db, "read", err);
	sqlite3_bind_int64(stmt, 1, (int64_t)d->id << 1 | meaning_side(s->now.embedder));
	if (db_row(db, stmt, &rc, err)) {
		data = db_column_str(stmt, 0);
		half = malloc(size + 1); /* SQLite's bytes may lie anywhere */
		if (half == NULL) {
			rc = ragd_err_set(err, -ENOMEM, "out of memory for vectors");
		} else if (data.len == size) {
			memcpy(half, data.s, size);
			vectors_add(s->now.vectors, &s->catalog, d, half);
		} else {
			rc = ragd_err_set(err, -EBADMSG, "vectors of document %u are damaged",
					  d->id);
		}
		free(half);
	} else if (rc == 0) {
		rc = ragd_err_set(err, -EBADMSG, "vectors of document %u are missing", d->id);
	}
	db_reset(stmt);
	return rc;
}

/* Every document's vectors out of SQLite. */
static int rebuild(struct store *s, struct db *db, struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_stmt(db, SQL_DOCUMENT_LOAD, err);
	int rc = 0;

	if (stmt == NULL)
		return db_fail(db, "read", err);
	while (rc == 0 && db_row(db, stmt, &rc, err)) {
		struct catalog_document d = {
			.id = (uint32_t)sqlite3_column_int64(stmt, 0),
			.collection = (uint32_t)sqlite3_column_int64(stmt, 1),
			.first_passage = (uint32_t)sqlite3_column_int64(stmt, 3),
			.n_passages = (uint32_t)sqlite3_column_int64(stmt, 4),
		};

		rc = take_vectors(s, db, &d, err);
	}
	db_reset(stmt);
	return rc;
}

static void make_stamp(const struct embedder *e, int64_t changes, struct vectors_stamp *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->digest, e->digest, sizeof(out->digest));
	out->changes = (uint64_t)changes;
}

static int load_vectors(struct store *s, struct db *db, struct ragd_err *err)
{
	struct vectors_stamp stamp;
	struct ragd_err why = { 0 };
	int64_t changes;
	int rc = 0;

	s->now.vectors = vectors_new(s->now.embedder->dim, meaning_side(s->now.embedder));
	if (s->now.vectors == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for vectors");
	changes = meta_int(db, "changes", 0, &rc, err);
	if (rc < 0)
		return rc;
	make_stamp(s->now.embedder, changes, &stamp);
	if (vectors_load(s->now.vectors, &s->catalog, s->dir, &stamp, &why) == 0)
		return 0;
	rc = rebuild(s, db, err);
	if (rc == 0)
		store_tell(s, STORE_VECTORS_REBUILT, "index of vectors rebuilt: %s", why.msg);
	return rc;
}

int meaning_open(struct store *s, struct db *db, struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	int rc = 0;
	int64_t generation = meta_int(db, "generation", 0, &rc, err);

	if (rc < 0 || generation == 0)
		return rc;
	rc = load_embedder(db, generation, &s->now.embedder, &why);
	if (rc == 0)
		rc = load_vectors(s, db, &why);
	if (rc == 0)
		return 0;
	if (rc == -ENOMEM)
		return ragd_err_set(err, rc, "%s", why.msg);
	/* Nothing is lost by learning again. */
	store_tell(s, STORE_TROUBLE, "%s; learning again", why.msg);
	if (s->now.vectors != NULL)
		vectors_clear(s->now.vectors, &s->catalog);
	vectors_free(s->now.vectors);
	embedder_unref(s->now.embedder);
	s->now = (struct meaning){ 0 };
	return meta_set_int(db, "generation", 0, err);
}

/* ---- close --------------------------------------------------------------------------------- */

/* Files of collections that are gone. */
static void remove_strays(struct store *s)
{
	const struct catalog *c = &s->catalog;
	struct dirent *entry;
	DIR *dir = opendir(s->dir);
	unsigned id;
	int end;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		end = 0;
		if (sscanf(entry->d_name, "vectors-%u.faiss%n", &id, &end) == 1 && end > 0 &&
		    (entry->d_name[end] != '\0' || id >= c->n_collections ||
		     c->collections[id] == NULL || c->collections[id]->n_passages == 0))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
}

void meaning_close(struct store *s)
{
	struct vectors_stamp stamp;
	struct ragd_err err = { 0 };
	struct lane *lane = NULL;
	int64_t changes = 0;
	int rc = 0;

	if (s->now.embedder != NULL && s->writer != NULL && vectors_whole(s->now.vectors)) {
		rc = lane_get(&s->lanes, &lane, &err);
		if (rc == 0)
			changes = meta_int(&lane->db, "changes", 0, &rc, &err);
		lane_put(&s->lanes, lane);
		if (rc == 0) {
			make_stamp(s->now.embedder, changes, &stamp);
			rc = vectors_save(s->now.vectors, s->dir, &stamp, &err);
		}
		if (rc < 0)
			store_tell(s, STORE_TROUBLE, "the index of vectors was not saved: %s",
				   err.msg);
		remove_strays(s);
	}
	vectors_free(s->now.vectors);
	vectors_free(s->next.vectors);
	embedder_unref(s->now.embedder);
	embedder_unref(s->next.embedder);
}
