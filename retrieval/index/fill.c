#include "retrieval/index/fill.h"

#include <stdlib.h>

#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/embedding_index.h"
#include "retrieval/index/vectors.h"
#include "retrieval/store/collection_row.h"
#include "retrieval/store/store_private.h"

/*
 * The index of the collection that this embedder's vectors belong to; NULL: none. The writer's
 * thread is the only one that changes the catalog, so that it may look without a lock.
 */
static struct embedding_index *index_of(const struct fill *f)
{
	struct catalog_collection *col = catalog_collection(&f->store->catalog, f->collection);

	if (col != NULL && col->now.embedder == f->embedder)
		return &col->now;
	return col != NULL && col->next.embedder == f->embedder ? &col->next : NULL;
}

/*
 * Whether the document is still the one that was read, and the run has no vectors yet. The database
 * is asked, not the catalog, which does not know yet what this transaction did before.
 */
static bool run_wanted(struct db *db, const struct fill_run *run, unsigned side)
{
	int64_t first = (int64_t)run->first << 1,
		last = (int64_t)(run->first + run->n - 1) << 1 | 1;
	sqlite3_stmt *stmt = db_query(db, SQL_DOCUMENT_AT, DB_ARGS(db_int(run->document)));
	bool wanted = db_next(db, stmt) && sqlite3_column_int64(stmt, 0) == run->document_first;

	db_reset(stmt);
	if (!wanted)
		return false;
	stmt = db_query(db, SQL_VECTOR_RUNS, DB_ARGS(db_int(first), db_int(last), db_int(side)));
	wanted = !db_next(db, stmt);
	db_reset(stmt);
	return wanted;
}

static int fill_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct fill *f = container_of(job, struct fill, job);

	if (catalog_collection(&f->store->catalog, f->collection) == NULL) {
		job->rc = ragd_err_set(&job->err, -ENOENT, "the collection was removed");
		return 0;
	}
	if (index_of(f) == NULL) {
		job->rc = ragd_err_set(&job->err, -ESTALE, "the collection has another embedder");
		return 0;
	}
	for (size_t i = 0; i < f->n; i++) {
		struct fill_run *run = &f->runs[i];

		run->wanted = run_wanted(db, run, embedder_side(f->embedder));
		if (run->wanted)
			embedding_index_write(db, f->embedder, run->first, run->n, run->f16);
	}
	if (f->n_foreign > 0)
		db_run(db, SQL_EMBEDDER_FOREIGN,
		       DB_ARGS(db_int(f->collection), db_int((int64_t)f->embedder->generation),
			       db_int(f->n_foreign)));
	collection_row_count_change(db, f->collection);
	return db_result(db, err);
}

static void fill_applied(struct writer_job *job)
{
	struct fill *f = container_of(job, struct fill, job);
	struct embedding_index *index = index_of(f);

	index->embedder->n_foreign += f->n_foreign;
	for (size_t i = 0; i < f->n; i++)
		if (f->runs[i].wanted)
			vectors_add(index->vectors, &f->store->catalog, f->runs[i].first,
				    f->runs[i].n, f->runs[i].f16);
}

void fill_init(struct fill *f, struct store *s, uint32_t collection, const struct embedder *e)
{
	*f = (struct fill){
		.job = { .run = fill_run, .applied = fill_applied },
		.store = s,
		.collection = collection,
		.embedder = e,
	};
}

struct fill_run *fill_add(struct fill *f, const struct catalog_document *d, uint32_t first,
			  uint32_t n)
{
	struct fill_run *run = &f->runs[f->n];

	*run = (struct fill_run){ d->id, d->first_passage, first, n, NULL, false };
	run->f16 = malloc(((size_t)n * f->embedder->dim + 1) * sizeof(*run->f16));
	if (run->f16 == NULL)
		return NULL;
	f->n++;
	f->n_passages += n;
	return run;
}

void fill_clear(struct fill *f)
{
	while (f->n > 0)
		free(f->runs[--f->n].f16);
	f->n_passages = 0;
}

int fill_write(struct fill *f, struct ragd_err *err)
{
	int rc = f->n > 0 ? writer_run(f->store->writer, &f->job, err) : 0;

	fill_clear(f);
	return rc;
}
