#include "retrieval/index/embedding_index.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "retrieval/index/vectors.h"
#include "retrieval/store/collection_row.h"
#include "retrieval/store/store_events.h"
#include "retrieval/store/store_private.h"

struct embedder *embedding_index_embedder(struct store *s, uint32_t collection)
{
	struct catalog_collection *col;
	struct embedder *e = NULL;

	pthread_rwlock_rdlock(&s->catalog.lock);
	col = catalog_collection(&s->catalog, collection);
	if (col != NULL)
		e = embedder_ref(col->now.embedder);
	pthread_rwlock_unlock(&s->catalog.lock);
	return e;
}

void embedding_index_fini(struct embedding_index *m)
{
	vectors_free(m->vectors);
	embedder_unref(m->embedder);
	*m = (struct embedding_index){ 0 };
}

/* Rows small enough that one which is read or dropped alone costs little. */
#define ROW_PASSAGES 256

void embedding_index_write(struct db *db, const struct embedder *e, uint32_t first, uint32_t n,
			   const uint16_t *f16)
{
	for (uint32_t i = 0; i < n; i += ROW_PASSAGES) {
		int64_t id = (int64_t)(first + i) << 1 | embedder_side(e);
		size_t n_row = MIN(n - i, ROW_PASSAGES);

		db_run(db, SQL_VECTOR_ADD,
		       DB_ARGS(db_int(id),
			       db_blob(f16 + (size_t)i * e->dim, n_row * e->dim * sizeof(*f16))));
	}
}

/* ---- open ---------------------------------------------------------------------------------- */

/* A row of the embedders: learned, or the name of an encoder. */
static int read_embedder(sqlite3_stmt *stmt, struct embedder **out, struct ragd_err *err)
{
	struct ragd_str digest = db_column_str(stmt, 0), model = db_column_str(stmt, 4);
	const char *encoder = (const char *)sqlite3_column_text(stmt, 3);
	int64_t dim = sqlite3_column_int64(stmt, 1);
	int rc;

	if (encoder != NULL && encoder[0] != '\0') {
		if (dim < 1 || dim > EMBED_DIM_MAX || digest.len != DIGEST_HEX ||
		    strlen(encoder) > EMBED_ENCODER_MAX)
			return ragd_err_set(err, -EBADMSG, "the stored embedder is damaged");
		return embedder_of_encoder(encoder, digest.s, (uint32_t)dim, out, err);
	}
	rc = embedder_load(model.s, model.len, out, err);
	if (rc == 0 &&
	    (digest.len != DIGEST_HEX || memcmp(digest.s, (*out)->digest, DIGEST_HEX) != 0)) {
		embedder_unref(*out);
		*out = NULL;
		rc = ragd_err_set(err, -EBADMSG, "the stored embedder is damaged");
	}
	return rc;
}

/* -ENOENT if there is none of this generation. */
static int load_embedder(struct db *db, uint32_t collection, int64_t generation,
			 struct embedder **out, struct ragd_err *err)
{
	sqlite3_stmt *stmt =
		db_query(db, SQL_EMBEDDER_GET, DB_ARGS(db_int(collection), db_int(generation)));
	bool found = db_next(db, stmt);
	int rc = db_result(db, err);

	if (rc == 0 && !found)
		rc = ragd_err_set(err, -ENOENT, "the embedder is missing");
	if (rc == 0)
		rc = read_embedder(stmt, out, err);
	if (rc == 0) {
		(*out)->generation = (uint64_t)generation;
		*(embedder_is_learned(*out) ? &(*out)->n_fitted : &(*out)->n_foreign) =
			(uint32_t)sqlite3_column_int64(stmt, 2);
	}
	db_reset(stmt);
	return rc;
}

/* One row's vectors into the index. SQLite's bytes may lie anywhere. */
static int take_row(struct store *s, const struct embedding_index *m, uint32_t first,
		    struct ragd_str data, struct ragd_err *err)
{
	uint16_t *f16 = malloc(data.len + 1);

	if (f16 == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for vectors");
	memcpy(f16, data.s, data.len);
	vectors_add(m->vectors, &s->catalog, first,
		    (uint32_t)(data.len / (m->embedder->dim * sizeof(*f16))), f16);
	free(f16);
	return 0;
}

/* The rows of a document. Those of an encoder may have gaps, and be fewer than it has passages. */
static int take_vectors(struct store *s, struct db *db, const struct embedding_index *m,
			const struct catalog_document *d, struct ragd_err *err)
{
	const size_t size = m->embedder->dim * sizeof(uint16_t);
	uint32_t next = d->first_passage, end = next + d->n_passages;
	bool gaps = !embedder_is_learned(m->embedder);
	sqlite3_stmt *stmt =
		db_query(db, SQL_VECTOR_RUNS,
			 DB_ARGS(db_int((int64_t)next << 1), db_int((int64_t)(end - 1) << 1 | 1),
				 db_int(embedder_side(m->embedder))));
	int rc = 0;

	while (rc == 0 && next < end && db_next(db, stmt)) {
		uint32_t first = (uint32_t)(sqlite3_column_int64(stmt, 0) >> 1);
		struct ragd_str data = db_column_str(stmt, 1);

		if (first < next || (first > next && !gaps) || data.len == 0 ||
		    data.len % size != 0 || data.len / size > end - first) {
			gaps = false;
			break;
		}
		rc = take_row(s, m, first, data, err);
		next = first + (uint32_t)(data.len / size);
	}
	db_reset(stmt);
	if (rc == 0)
		rc = db_result(db, err);
	if (rc == 0 && next < end && !gaps)
		rc = ragd_err_set(err, -EBADMSG, "vectors of document %u are missing or damaged",
				  d->id);
	return rc;
}

/* The vectors of the collection's documents out of SQLite. */
static int rebuild_vectors(struct store *s, struct db *db, uint32_t collection,
			   const struct embedding_index *m, struct ragd_err *err)
{
	sqlite3_stmt *stmt = db_query(db, SQL_DOCUMENT_OF, DB_ARGS(db_int(collection)));
	int rc = 0;

	while (rc == 0 && db_next(db, stmt)) {
		struct catalog_document d = {
			.id = (uint32_t)sqlite3_column_int64(stmt, 0),
			.collection = collection,
			.first_passage = (uint32_t)sqlite3_column_int64(stmt, 1),
			.n_passages = (uint32_t)sqlite3_column_int64(stmt, 2),
		};

		rc = take_vectors(s, db, m, &d, err);
	}
	db_reset(stmt);
	return rc < 0 ? rc : db_result(db, err);
}

static int make_stamp(struct db *db, const struct catalog_collection *col,
		      struct vectors_stamp *out, struct ragd_err *err)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->digest, col->now.embedder->digest, sizeof(out->digest));
	out->changes = collection_row_changes(db, col->id);
	return db_result(db, err);
}

/* From the file of those in use, else from SQLite. */
static int load_now(struct store *s, struct db *db, struct catalog_collection *col,
		    struct ragd_err *err)
{
	struct vectors_stamp stamp;
	struct ragd_err why = { 0 };
	int rc;

	if (col->n_passages == 0)
		return 0;
	rc = make_stamp(db, col, &stamp, err);
	if (rc < 0)
		return rc;
	if (vectors_load(col->now.vectors, &s->catalog, s->dir, &stamp, &why) == 0)
		return 0;
	rc = rebuild_vectors(s, db, col->id, &col->now, err);
	if (rc == 0 && vectors_count(col->now.vectors) > 0)
		store_tell(s, STORE_VECTORS_REBUILT, "index of vectors rebuilt: %s", why.msg);
	return rc;
}

static int open_index(struct db *db, uint32_t collection, int64_t generation,
		      struct embedding_index *m, struct ragd_err *err)
{
	int rc = load_embedder(db, collection, generation, &m->embedder, err);

	if (rc < 0)
		return rc;
	m->vectors = vectors_new(collection, m->embedder->dim, embedder_side(m->embedder));
	return m->vectors != NULL ? 0 : ragd_err_set(err, -ENOMEM, "out of memory for vectors");
}

static void drop_index(struct store *s, struct embedding_index *m)
{
	if (m->vectors != NULL)
		vectors_clear(m->vectors, &s->catalog);
	embedding_index_fini(m);
}

static int open_now(struct store *s, struct db *db, struct catalog_collection *col,
		    struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	int rc = open_index(db, col->id, col->generation, &col->now, &why);

	if (rc == 0)
		rc = load_now(s, db, col, &why);
	if (rc == 0)
		return 0;
	if (rc == -ENOMEM)
		return ragd_err_set(err, rc, "%s", why.msg);
	/* Nothing is lost by making them again. */
	store_tell(s, STORE_TROUBLE, "%s; making vectors again", why.msg);
	drop_index(s, &col->now);
	collection_row_learned(db, col->id, 0);
	return db_result(db, err);
}

/* The encoder's vectors that were being made when the last process ended: they are gone on with. */
static int open_next(struct store *s, struct db *db, struct catalog_collection *col,
		     struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	int rc = open_index(db, col->id, col->generation + 1, &col->next, &why);

	if (rc == 0 && !embedder_is_learned(col->next.embedder))
		rc = rebuild_vectors(s, db, col->id, &col->next, &why);
	else if (rc == 0)
		rc = -ESTALE; /* half a round of learning is worth nothing */
	if (rc < 0)
		drop_index(s, &col->next);
	return rc == -ENOMEM ? ragd_err_set(err, rc, "%s", why.msg) : 0;
}

int embedding_indexes_open(struct store *s, struct db *db, struct ragd_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < s->catalog.n_collections; i++) {
		struct catalog_collection *col = s->catalog.collections[i];

		if (col == NULL || col->generation == 0)
			continue;
		rc = open_now(s, db, col, err);
		if (rc == 0 && col->now.embedder != NULL)
			rc = open_next(s, db, col, err);
	}
	return rc;
}

/* ---- close --------------------------------------------------------------------------------- */

/* Files of collections that have no vectors (any more). */
static void remove_strays(struct store *s)
{
	const struct catalog_collection *col;
	struct dirent *entry;
	DIR *dir = opendir(s->dir);
	unsigned id;
	int end;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		end = 0;
		if (sscanf(entry->d_name, "vectors-%u.faiss%n", &id, &end) != 1 || end == 0)
			continue;
		col = catalog_collection(&s->catalog, id);
		if (entry->d_name[end] != '\0' || col == NULL || col->now.vectors == NULL ||
		    col->n_passages == 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	closedir(dir);
}

static int save_all(struct store *s, struct ragd_err *err)
{
	struct session *session = NULL;
	int rc = session_acquire(&s->sessions, &session, err);

	for (uint32_t i = 0; rc == 0 && i < s->catalog.n_collections; i++) {
		struct catalog_collection *col = s->catalog.collections[i];
		struct vectors_stamp stamp;

		if (col == NULL || col->now.vectors == NULL)
			continue;
		if (!vectors_whole(col->now.vectors)) {
			vectors_unlink(col->now.vectors, s->dir);
			continue;
		}
		rc = make_stamp(&session->db, col, &stamp, err);
		if (rc == 0)
			rc = vectors_save(col->now.vectors, s->dir, &stamp, err);
	}
	session_release(&s->sessions, session);
	return rc;
}

void embedding_indexes_close(struct store *s)
{
	struct ragd_err err = { 0 };

	if (s->writer != NULL) {
		if (save_all(s, &err) < 0)
			store_tell(s, STORE_TROUBLE, "the index of vectors was not saved: %s",
				   err.msg);
		remove_strays(s);
	}
	for (uint32_t i = 0; i < s->catalog.n_collections; i++) {
		struct catalog_collection *col = s->catalog.collections[i];

		if (col == NULL)
			continue;
		embedding_index_fini(&col->now);
		embedding_index_fini(&col->next);
	}
}
