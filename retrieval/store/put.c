/* Adding documents: preparing them in the caller's thread while the writer stores those before. */
#include "retrieval/store/store_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/embedding_index.h"
#include "retrieval/passages/prepare.h"
#include "retrieval/store/collections.h"
#include "retrieval/store/document.h"
#include "retrieval/store/store_events.h"
#include "retrieval/wanted.h"

#define BATCH_BYTES ((size_t)512 << 10) /* of content: what one job carries at most, if it can */
#define BATCH_DOCS  256

/* One document on its way. */
struct put_item {
	struct prepared p;
	struct change change;
	struct ragd_put_result *result;
};

/* Some documents of one put: one job of the writer. */
struct put_batch {
	struct writer_job job;
	struct store *store;
	const char *collection;
	struct arena *arena;
	struct put_item *items;
	size_t n;
	size_t bytes;
	bool created_collection;
	struct collection_row row;
	struct put_batch *next;
};

/* ---- on the writer's thread --------------------------------------------------------------- */

/*
 * Where there is none, put makes one. So a collection that the caller may not know of is told as a
 * name that is taken, not as missing.
 */
static int check_write(const struct acl *acl, const char *name, const struct ragd_caller *caller,
		       struct ragd_err *err)
{
	return acl_knows(acl, caller) ? acl_check(acl, name, caller, ACL_WRITE, err)
				      : acl_taken(name, err);
}

static int find_or_make(struct put_batch *b, struct db *db, struct ragd_err *err)
{
	struct ragd_collection want = { .owner = (uid_t)-1,
					.group = (gid_t)-1,
					.mode = ACL_MODE_DEFAULT };
	int rc = collection_row_find(db, b->collection, &b->row, err);

	if (rc == 0) {
		b->job.rc =
			check_write(&b->row.acl, b->collection, b->job.call->caller, &b->job.err);
		return 0;
	}
	if (rc != -ENOENT)
		return rc;
	b->job.rc = collection_room(b->store, b->job.call->caller, &b->job.err);
	if (b->job.rc < 0)
		return 0;
	want.name = b->collection;
	rc = acl_new(b->job.call->caller, &want, &b->row.acl, err);
	if (rc == 0)
		rc = collection_make(b->store, db, b->collection, &b->row, err);
	b->created_collection = rc == 0;
	return rc;
}

static int batch_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct put_batch *b = container_of(job, struct put_batch, job);
	bool changed = false, reads;
	int rc;

	job->rc = wanted_check(b->job.call, &job->err);
	if (job->rc < 0)
		return 0;
	rc = find_or_make(b, db, err);
	reads = rc == 0 && acl_may(&b->row.acl, b->job.call->caller, ACL_READ);
	for (size_t i = 0; rc == 0 && job->rc == 0 && i < b->n; i++) {
		struct put_item *it = &b->items[i];

		rc = document_write(b->store, db, b->job.call, b->row.id, &it->p, !reads,
				    &it->result->status, &it->change, err);
		if (!reads) /* what was there is not told */
			it->result->status = RAGD_PUT_UPDATED;
		it->result->n_passages = it->change.now.n_passages;
		changed = changed || it->change.added;
		job->removes = job->removes || it->change.removed;
	}
	if (rc < 0 || !changed)
		return rc;
	collection_row_touch(db, b->row.id);
	collection_row_count_change(db, b->row.id);
	return db_result(db, err);
}

static void batch_applied(struct writer_job *job)
{
	struct put_batch *b = container_of(job, struct put_batch, job);
	struct catalog *c = &b->store->catalog;
	bool changed = false;

	if (b->created_collection)
		c->collections[b->row.id]->shown = true;
	for (size_t i = 0; i < b->n; i++) {
		change_apply(b->store, &b->items[i].change);
		changed = changed || b->items[i].change.added;
	}
	if (!changed)
		return;
	c->collections[b->row.id]->updated_s = store_now();
	maintenance_note_write(b->store->maintenance, c->collections[b->row.id]);
}

static void batch_undo(struct writer_job *job)
{
	struct put_batch *b = container_of(job, struct put_batch, job);

	if (b->created_collection)
		collection_unmake(b->store, b->row.id);
	b->created_collection = false;
	for (size_t i = 0; i < b->n; i++)
		change_clear(&b->items[i].change);
}

/* ---- on the caller's thread --------------------------------------------------------------- */

static void fail_item(struct ragd_put_result *result, const struct ragd_err *err)
{
	result->status = RAGD_PUT_FAILED;
	result->n_passages = 0;
	result->err = *err;
}

static struct put_batch *batch_new(struct store *s, const struct ragd_call *call,
				   const char *collection, size_t bytes)
{
	struct put_batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->job.run = batch_run;
	b->job.applied = batch_applied;
	b->job.undo = batch_undo;
	b->job.call = call;
	b->store = s;
	b->collection = collection;
	b->arena = arena_new(prepare_arena_bytes(bytes) + BATCH_DOCS * prepare_arena_bytes(0));
	b->items = calloc(BATCH_DOCS, sizeof(*b->items));
	if (b->arena == NULL || b->items == NULL) {
		arena_free(b->arena);
		free(b->items);
		free(b);
		return NULL;
	}
	return b;
}

static void batch_free(struct put_batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		change_clear(&b->items[i].change);
	arena_free(b->arena);
	free(b->items);
	free(b);
}

/* Whether it is stored as it is. Only a first look: the writer decides. */
static bool is_stored(struct session *session, uint32_t collection, const struct prepared *p,
		      uint32_t *n_passages)
{
	struct db *db = &session->db;
	sqlite3_stmt *stmt;
	bool same = false;

	if (collection == 0)
		return false;
	stmt = db_query(db, SQL_DOCUMENT_FIND, DB_ARGS(db_int(collection), db_str(p->id)));
	if (db_next(db, stmt)) {
		same = document_same(stmt, p);
		*n_passages = (uint32_t)sqlite3_column_int64(stmt, 9);
	}
	db_reset(stmt);
	db_result(db, NULL); /* the writer meets the failure again, and tells it */
	return same;
}

/* One put under way. */
struct put {
	struct store *store;
	const struct ragd_call *call;
	struct wanted wanted;
	struct session *session;
	const char *collection;
	uint32_t collection_id; /* 0: it did not exist when the put began */
	bool reads;             /* the caller may, so that it may know what is stored already */
	struct put_batch *first;
	struct put_batch **last;
	struct put_batch *open;    /* being filled, not submitted */
	struct embedder *embedder; /* as it was when the put began */
	uint64_t *seen;            /* hashes of ids met, open addressing */
	size_t n_seen;             /* places, a power of two */
};

/* Whether this put may have met the id before: then what is stored is not yet the last word. */
static bool met_before(struct put *put, struct ragd_str id)
{
	uint64_t hash = hash_bytes(id.s, id.len) | 1;
	size_t at = (size_t)(hash >> 20) & (put->n_seen - 1);

	while (put->seen[at] != 0) {
		if (put->seen[at] == hash)
			return true;
		at = (at + 1) & (put->n_seen - 1);
	}
	put->seen[at] = hash;
	return false;
}

static void put_submit(struct put *put)
{
	struct put_batch *b = put->open;

	if (b == NULL)
		return;
	put->open = NULL;
	if (b->n == 0) {
		batch_free(b);
		return;
	}
	b->job.cost = b->bytes * 4;
	*put->last = b;
	put->last = &b->next;
	writer_submit(put->store->writer, &b->job);
}

/* Documents that fail take no place but memory. */
static bool is_full(const struct put_batch *b, size_t len)
{
	return b->n == BATCH_DOCS || b->bytes + len > BATCH_BYTES ||
	       arena_used(b->arena) > prepare_arena_bytes(BATCH_BYTES);
}

static int put_one(struct put *put, const struct ragd_document *doc, struct ragd_put_result *result,
		   struct ragd_err *err)
{
	struct store *s = put->store;
	struct put_item *it;
	int rc;

	rc = wanted_check(put->call, err);
	if (rc < 0)
		return rc;
	if (put->open != NULL && is_full(put->open, doc->content.len))
		put_submit(put);
	if (put->open == NULL)
		put->open = batch_new(s, put->call, put->collection,
				      MAX(doc->content.len, BATCH_BYTES));
	if (put->open == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a document");
	it = &put->open->items[put->open->n];
	rc = prepare_start(put->open->arena, doc, s->options.max_document, &it->p, err);
	if (rc < 0)
		return rc;
	if (!met_before(put, doc->id) && put->reads &&
	    is_stored(put->session, put->collection_id, &it->p, &result->n_passages)) {
		result->status = RAGD_PUT_UNCHANGED;
		return 0;
	}
	rc = prepare_finish(put->open->arena, put->session->terms, doc, &s->chunks, &put->wanted,
			    &it->p, err);
	if (rc == 0)
		rc = prepare_vectors(put->open->arena, put->embedder, &put->wanted, &it->p, err);
	if (rc < 0)
		return rc;
	it->result = result;
	put->open->n++;
	put->open->bytes += doc->content.len + 256;
	return 0;
}

/* Wait for all jobs; the error of the first that failed as a whole. */
static int put_collect(struct put *put, struct ragd_err *err)
{
	struct put_batch *b, *next;
	int rc = 0;

	for (b = put->first; b != NULL; b = next) {
		struct ragd_err why = { 0 };
		int one = writer_wait(put->store->writer, &b->job, &why);

		next = b->next;
		for (size_t i = 0; one < 0 && i < b->n; i++)
			fail_item(b->items[i].result, &why);
		if (one < 0 && rc == 0) {
			rc = one;
			if (err != NULL)
				*err = why;
		}
		batch_free(b);
	}
	return rc;
}

/* What the whole put returns: an error only if every document met one that concerned them all. */
static int put_verdict(const struct ragd_put_result *results, size_t n, int rc)
{
	for (size_t i = 0; i < n; i++)
		if (results[i].status != RAGD_PUT_FAILED)
			return 0;
	return rc;
}

static int put_open(struct put *put, size_t n, struct ragd_err *err)
{
	struct catalog_collection col;
	int rc;

	rc = acl_name_check(put->collection, err);
	if (rc < 0)
		return rc;
	if (store_collection_copy(put->store, put->collection, &col)) {
		rc = check_write(&col.acl, put->collection, put->call->caller, err);
		if (rc < 0)
			return rc;
		put->collection_id = col.id;
		put->reads = acl_may(&col.acl, put->call->caller, ACL_READ);
	}
	put->n_seen = 64;
	while (put->n_seen < 2 * n)
		put->n_seen *= 2;
	put->seen = calloc(put->n_seen, sizeof(*put->seen));
	if (put->seen == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for %zu documents", n);
	put->embedder = embedding_index_embedder(put->store, put->collection_id);
	return session_acquire(&put->store->sessions, &put->session, err);
}

int store_put(struct store *s, const struct ragd_call *call, const char *collection,
	      const struct ragd_document *docs, size_t n, struct ragd_put_result *results,
	      struct ragd_err *err)
{
	struct put put = {
		.store = s, .call = call, .wanted = { .call = call }, .collection = collection
	};
	int rc;

	put.last = &put.first;
	rc = put_open(&put, n, err);
	if (rc < 0)
		goto out;
	for (size_t i = 0; i < n; i++) {
		struct ragd_err why = { 0 };

		memset(&results[i], 0, sizeof(results[i]));
		if (put_one(&put, &docs[i], &results[i], &why) < 0)
			fail_item(&results[i], &why);
	}
	put_submit(&put);
	rc = put_verdict(results, n, put_collect(&put, err));
out:
	session_release(&s->sessions, put.session);
	embedder_unref(put.embedder);
	free(put.seen);
	return rc;
}
