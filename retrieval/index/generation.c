#include "retrieval/index/generation.h"

#include <stdlib.h>

#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/embedding_index.h"
#include "retrieval/index/vectors.h"
#include "retrieval/store/collection_row.h"
#include "retrieval/store/store_private.h"

#define CLEAN_DOCS 256 /* in one transaction */

/*
 * The collection may have been removed meanwhile. The writer's thread is the only one that adds to
 * the catalog or takes from it, so that it may look without a lock.
 */
static struct catalog_collection *still_there(struct store *s, uint32_t collection,
					      struct writer_job *job)
{
	struct catalog_collection *col = catalog_collection(&s->catalog, collection);

	if (col == NULL)
		job->rc = ragd_err_set(&job->err, -ENOENT, "the collection was removed");
	return col;
}

/* ---- begin --------------------------------------------------------------------------------- */

struct begin_job {
	struct writer_job job;
	struct store *store;
	uint32_t collection;
	struct embedding_index next;
};

static int begin_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct begin_job *j = container_of(job, struct begin_job, job);
	const struct embedder *e = j->next.embedder;
	void *blob = NULL;
	size_t len = 0;
	int rc;

	if (still_there(j->store, j->collection, job) == NULL)
		return 0;
	rc = embedder_save(e, &blob, &len, err);
	if (rc < 0)
		return rc;
	collection_row_renewal_drop(db, j->collection);
	db_run(db, SQL_EMBEDDER_ADD,
	       DB_ARGS(db_int(j->collection), db_int((int64_t)e->generation), db_text(e->digest),
		       db_int(e->dim), db_int(e->n_fitted), db_text(e->encoder),
		       db_blob(blob, len)));
	free(blob);
	return db_result(db, err);
}

static void begin_applied(struct writer_job *job)
{
	struct begin_job *j = container_of(job, struct begin_job, job);

	struct catalog_collection *col = j->store->catalog.collections[j->collection];

	col->next = j->next;
	col->renewal = false;
	j->next = (struct embedding_index){ 0 };
}

int generation_begin(struct store *s, uint32_t collection, struct embedder *e, struct ragd_err *err)
{
	struct begin_job j = { .store = s, .collection = collection };
	struct embedder *now = embedding_index_embedder(s, collection);
	int rc;

	e->generation = now != NULL ? now->generation + 1 : 1;
	embedder_unref(now);
	j.next.vectors = vectors_new(collection, e->dim, embedder_side(e));
	if (j.next.vectors == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for vectors");
	j.next.embedder = embedder_ref(e);
	j.job.run = begin_run;
	j.job.applied = begin_applied;
	rc = writer_run(s->writer, &j.job, err);
	embedding_index_fini(&j.next);
	return rc;
}

/* ---- end ----------------------------------------------------------------------------------- */

struct end_job {
	struct writer_job job;
	struct store *store;
	uint32_t collection;
	struct embedding_index old;
};

static int switch_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct end_job *j = container_of(job, struct end_job, job);
	struct catalog_collection *col = still_there(j->store, j->collection, job);

	if (col == NULL)
		return 0;
	collection_row_learned(db, col->id, (int64_t)col->next.embedder->generation);
	return db_result(db, err);
}

static void switch_applied(struct writer_job *job)
{
	struct end_job *j = container_of(job, struct end_job, job);
	struct catalog_collection *col = j->store->catalog.collections[j->collection];

	j->old = col->now;
	if (j->old.vectors != NULL)
		vectors_clear(j->old.vectors, &j->store->catalog);
	col->now = col->next;
	col->next = (struct embedding_index){ 0 };
}

static int abandon_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct end_job *j = container_of(job, struct end_job, job);

	(void)db;
	(void)err;
	still_there(j->store, j->collection, job);
	return 0;
}

static void abandon_applied(struct writer_job *job)
{
	struct end_job *j = container_of(job, struct end_job, job);
	struct catalog_collection *col = j->store->catalog.collections[j->collection];

	j->old = col->next;
	if (j->old.vectors != NULL)
		vectors_clear(j->old.vectors, &j->store->catalog);
	col->next = (struct embedding_index){ 0 };
}

static int end_next(struct end_job *j, struct ragd_err *err)
{
	int rc = writer_run(j->store->writer, &j->job, err);

	embedding_index_fini(&j->old);
	return rc;
}

int generation_switch(struct store *s, uint32_t collection, struct ragd_err *err)
{
	struct end_job j = { { .run = switch_run, .applied = switch_applied },
			     .store = s,
			     .collection = collection };

	return end_next(&j, err);
}

int generation_abandon(struct store *s, uint32_t collection, struct ragd_err *err)
{
	struct end_job j = { { .run = abandon_run, .applied = abandon_applied },
			     .store = s,
			     .collection = collection };

	return end_next(&j, err);
}

/* ---- clean --------------------------------------------------------------------------------- */

struct clean_job {
	struct writer_job job;
	struct store *store;
	uint32_t collection;
	int64_t after; /* id of the last document that was cleaned */
	bool more;
};

/* The rows of passages first .. last, but for those of the side in use. */
static void clean_document(struct db *db, int64_t first, int64_t last, const struct embedder *now)
{
	if (now == NULL)
		db_run(db, SQL_VECTOR_DROP, DB_ARGS(db_int(first << 1), db_int(last << 1 | 1)));
	else
		db_run(db, SQL_VECTOR_DROP_SIDE,
		       DB_ARGS(db_int(first << 1), db_int(last << 1 | 1),
			       db_int(!embedder_side(now))));
}

static int clean_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct clean_job *j = container_of(job, struct clean_job, job);
	struct catalog_collection *col = still_there(j->store, j->collection, job);
	const struct embedder *now = col != NULL ? col->now.embedder : NULL;
	int64_t generation = now != NULL ? (int64_t)now->generation : 0;

	j->more = col != NULL;
	if (col == NULL)
		return 0;
	db_run(db, SQL_EMBEDDER_DROP, DB_ARGS(db_int(j->collection), db_int(generation)));
	for (int i = 0; j->more && i < CLEAN_DOCS; i++) {
		sqlite3_stmt *find = db_query(db, SQL_DOCUMENT_OF_NEXT,
					      DB_ARGS(db_int(j->collection), db_int(j->after)));
		int64_t first = 0, n = 0;

		j->more = db_next(db, find);
		if (j->more) {
			j->after = sqlite3_column_int64(find, 0);
			first = sqlite3_column_int64(find, 1);
			n = sqlite3_column_int64(find, 2);
		}
		db_reset(find);
		if (n > 0)
			clean_document(db, first, first + n - 1, now);
	}
	return db_result(db, err);
}

int generation_clean(struct store *s, uint32_t collection, bool (*stop)(void *arg), void *arg,
		     struct ragd_err *err)
{
	struct clean_job j = { { .run = clean_run }, .store = s, .collection = collection };
	int rc;

	do
		rc = writer_run(s->writer, &j.job, err);
	while (rc == 0 && j.more && !stop(arg));
	return rc;
}
