#include "retrieval/store/collections.h"

#include <string.h>

#include "base/util.h"
#include "retrieval/index/embedding_index.h"
#include "retrieval/passages/passages.h"
#include "retrieval/store/document.h"
#include "retrieval/store/store_events.h"
#include "retrieval/store/store_private.h"
#include "retrieval/passages/document_validate.h"

bool store_collection_copy(struct store *s, const char *name, struct catalog_collection *out)
{
	const struct catalog_collection *col;

	pthread_rwlock_rdlock(&s->catalog.lock);
	col = catalog_find(&s->catalog, name);
	if (col != NULL)
		*out = *col;
	pthread_rwlock_unlock(&s->catalog.lock);
	return col != NULL;
}

int store_collection(struct store *s, const struct ragd_call *call, const char *name, unsigned want,
		     struct catalog_collection *out, struct ragd_err *err)
{
	if (!store_collection_copy(s, name, out))
		return acl_absent(name, err);
	return acl_check(&out->acl, name, call->caller, want, err);
}

int collection_room(const struct store *s, const struct ragd_caller *caller, struct ragd_err *err)
{
	const struct catalog *c = &s->catalog;
	unsigned n = 0;

	if (caller->admin)
		return 0;
	for (uint32_t i = 0; i < c->n_collections; i++)
		n += c->collections[i] != NULL && c->collections[i]->acl.owner == caller->uid;
	if (n < COLLECTIONS_PER_OWNER)
		return 0;
	return ragd_err_set(err, -EACCES,
			    "you own %u collections, and only an administrator may own more: "
			    "remove one",
			    n);
}

int collection_make(struct store *s, struct db *db, const char *name, struct collection_row *row,
		    struct ragd_err *err)
{
	int rc = collection_row_add(db, name, row, err);

	if (rc < 0)
		return rc;
	pthread_rwlock_wrlock(&s->catalog.lock);
	rc = catalog_add_collection(&s->catalog, row->id, name, &row->acl, store_now());
	pthread_rwlock_unlock(&s->catalog.lock);
	return rc < 0 ? ragd_err_set(err, rc, "out of memory for a collection") : 0;
}

void collection_unmake(struct store *s, uint32_t id)
{
	pthread_rwlock_wrlock(&s->catalog.lock);
	catalog_drop_collection(&s->catalog, id);
	pthread_rwlock_unlock(&s->catalog.lock);
}

/* ---- make or change ----------------------------------------------------------------------- */

struct collection_job {
	struct writer_job job;
	struct store *store;
	const struct ragd_collection *want;
	struct collection_row row;
	bool created;
};

static int put_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct collection_job *j = container_of(job, struct collection_job, job);
	int rc = collection_row_find(db, j->want->name, &j->row, err);

	if (rc == 0) {
		job->rc = acl_change(j->job.call->caller, j->want, &j->row.acl, &job->err);
		if (job->rc < 0)
			return 0;
		collection_row_change(db, &j->row);
		return db_result(db, err);
	}
	if (rc != -ENOENT)
		return rc;
	job->rc = acl_new(j->job.call->caller, j->want, &j->row.acl, &job->err);
	if (job->rc == 0)
		job->rc = collection_room(j->store, j->job.call->caller, &job->err);
	if (job->rc < 0)
		return 0;
	rc = collection_make(j->store, db, j->want->name, &j->row, err);
	j->created = rc == 0;
	return rc;
}

static void put_applied(struct writer_job *job)
{
	struct collection_job *j = container_of(job, struct collection_job, job);
	struct catalog_collection *col = j->store->catalog.collections[j->row.id];

	col->acl = j->row.acl;
	col->updated_s = store_now();
	col->shown = true;
}

static void put_undo(struct writer_job *job)
{
	struct collection_job *j = container_of(job, struct collection_job, job);

	if (j->created)
		collection_unmake(j->store, j->row.id);
	j->created = false;
}

int store_collection_put(struct store *s, const struct ragd_call *call,
			 const struct ragd_collection *c, bool *created, struct ragd_err *err)
{
	struct collection_job j = { .job.call = call, .store = s, .want = c };
	int rc = acl_name_check(c->name, err);

	if (rc < 0)
		return rc;
	j.job.run = put_run;
	j.job.applied = put_applied;
	j.job.undo = put_undo;
	rc = writer_run(s->writer, &j.job, err);
	if (rc == 0 && created != NULL)
		*created = j.created;
	return rc;
}

/* ---- remove ------------------------------------------------------------------------------- */

/*
 * Two steps: one short transaction hides the collection, so that nothing finds it from then on;
 * then its documents go, a few in each transaction, so that others are not kept waiting. What a
 * crash leaves of the second step is done when the store opens again.
 */
static int hide_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct collection_job *j = container_of(job, struct collection_job, job);
	const struct ragd_caller *caller = j->job.call->caller;
	int rc = collection_row_find(db, j->want->name, &j->row, err);

	if (rc == -ENOENT || (rc == 0 && !acl_knows(&j->row.acl, caller))) {
		job->rc = acl_absent(j->want->name, &job->err);
		return 0;
	}
	if (rc < 0)
		return rc;
	if (!caller->admin && caller->uid != j->row.acl.owner) {
		job->rc = ragd_err_set(&job->err, -EACCES,
				       "only its owner or an administrator may remove collection "
				       "'%s'",
				       j->want->name);
		return 0;
	}
	job->removes = true;
	collection_row_hide(db, j->row.id);
	return db_result(db, err);
}

static void hide_applied(struct writer_job *job)
{
	struct collection_job *j = container_of(job, struct collection_job, job);

	j->store->catalog.collections[j->row.id]->shown = false;
}

#define SWEEP_DOCS 16

struct sweep_job {
	struct writer_job job;
	struct store *store;
	uint32_t collection;
	struct change changes[SWEEP_DOCS];
	size_t n;
	bool emptied; /* the collection itself is gone */
};

/* The id of one document of the collection into name; false if it has none. */
static bool any_document(struct db *db, uint32_t collection, char *name, size_t *len)
{
	sqlite3_stmt *stmt = db_query(db, SQL_DOCUMENT_ANY, DB_ARGS(db_int(collection)));
	bool found = db_next(db, stmt);

	if (found) {
		struct ragd_str s = db_column_str(stmt, 0);

		*len = MIN(s.len, DOCUMENT_ID_MAX);
		memcpy(name, s.s, *len);
	}
	db_reset(stmt);
	return found;
}

static int sweep_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct sweep_job *j = container_of(job, struct sweep_job, job);
	char name[DOCUMENT_ID_MAX];
	size_t len = 0;
	int rc;

	job->removes = true;
	for (j->n = 0; j->n < SWEEP_DOCS && any_document(db, j->collection, name, &len); j->n++) {
		rc = document_drop(j->store, db, j->collection, (struct ragd_str){ name, len },
				   &j->changes[j->n], err);
		if (rc < 0)
			return rc;
	}
	collection_row_count_change(db, j->collection);
	if (j->n < SWEEP_DOCS) {
		j->emptied = true;
		db_run(db, SQL_EMBEDDER_DROP, DB_ARGS(db_int(j->collection), db_int(0)));
		collection_row_drop(db, j->collection);
	}
	return db_result(db, err);
}

static void sweep_applied(struct writer_job *job)
{
	struct sweep_job *j = container_of(job, struct sweep_job, job);
	struct catalog_collection *col = j->store->catalog.collections[j->collection];

	for (size_t i = 0; i < j->n; i++) {
		change_apply(j->store, &j->changes[i]);
		change_clear(&j->changes[i]);
	}
	if (!j->emptied || col == NULL) /* another sweep of it was faster */
		return;
	embedding_index_fini(&col->now);
	embedding_index_fini(&col->next);
	catalog_drop_collection(&j->store->catalog, j->collection);
}

static void sweep_undo(struct writer_job *job)
{
	struct sweep_job *j = container_of(job, struct sweep_job, job);

	j->n = 0;
	j->emptied = false;
}

static int collection_sweep(struct store *s, uint32_t collection, struct ragd_err *err)
{
	struct sweep_job j = { .store = s, .collection = collection };
	int rc;

	j.job.run = sweep_run;
	j.job.applied = sweep_applied;
	j.job.undo = sweep_undo;
	do
		rc = writer_run(s->writer, &j.job, err);
	while (rc == 0 && !j.emptied);
	return rc;
}

int collections_sweep(struct store *s, struct ragd_err *err)
{
	struct session *session = NULL;
	uint32_t id;
	int rc;

	do {
		sqlite3_stmt *stmt;

		id = 0;
		rc = session_acquire(&s->sessions, &session, err);
		if (rc < 0)
			return rc;
		stmt = db_query(&session->db, SQL_COLLECTION_HIDDEN, NULL);
		if (db_next(&session->db, stmt))
			id = (uint32_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
		rc = db_result(&session->db, err);
		session_release(&s->sessions, session);
		if (rc == 0 && id != 0)
			rc = collection_sweep(s, id, err);
	} while (rc == 0 && id != 0);
	return rc;
}

int store_collection_remove(struct store *s, const struct ragd_call *call, const char *name,
			    struct ragd_err *err)
{
	struct ragd_collection want = { .name = name };
	struct collection_job j = { .job.call = call, .store = s, .want = &want };
	int rc = acl_name_check(name, err);

	if (rc < 0)
		return rc;
	j.job.run = hide_run;
	j.job.applied = hide_applied;
	rc = writer_run(s->writer, &j.job, err);
	return rc < 0 ? rc : collection_sweep(s, j.row.id, err);
}

/* ---- tell --------------------------------------------------------------------------------- */

static int collection_describe(const struct ragd_call *call, const struct catalog_collection *col,
			       struct ragd_collection *out)
{
	struct memory m = memory_of_call(call);

	out->name = memory_copy(&m, (struct ragd_str){ col->name, strlen(col->name) });
	out->owner = col->acl.owner;
	out->group = col->acl.group;
	out->mode = col->acl.mode;
	out->n_documents = col->n_documents;
	out->n_passages = col->n_passages;
	out->n_bytes = col->n_bytes;
	out->updated_s = col->updated_s;
	return out->name != NULL ? 0 : -ENOMEM;
}

int store_collections(struct store *s, const struct ragd_call *call,
		      const struct ragd_collection **out, size_t *n, struct ragd_err *err)
{
	const struct catalog *c = &s->catalog;
	struct ragd_collection *list;
	size_t found = 0;
	int rc = 0;

	pthread_rwlock_rdlock(&s->catalog.lock);
	list = call->alloc(call, (size_t)c->n_collections + 1, sizeof(*list));
	if (list == NULL)
		rc = -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < c->n_collections; i++) {
		const struct catalog_collection *col = c->collections[i];

		if (col != NULL && col->shown && acl_may(&col->acl, call->caller, ACL_READ))
			rc = collection_describe(call, col, &list[found++]);
	}
	pthread_rwlock_unlock(&s->catalog.lock);
	if (rc < 0)
		return ragd_err_set(err, rc,
				    "the request's memory has no room for all collections");
	*out = list;
	*n = found;
	return 0;
}
