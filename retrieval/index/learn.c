#include "retrieval/index/learn.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/fill.h"
#include "retrieval/index/generation.h"
#include "retrieval/passages/passages.h"
#include "retrieval/passages/prepare.h"
#include "retrieval/store/store_events.h"
#include "retrieval/store/store_private.h"
#include "retrieval/wanted.h"

#define FILL_PASSAGES 256 /* in one transaction */

/* Of one collection, from its own passages and nothing else. */
struct round {
	struct store *store;
	uint32_t collection;
	uint32_t n_met; /* passages, those that are not in the sample as well */
	bool (*stop)(void *arg);
	void *arg;
	struct session *session;
};

/* A document as the round meets it. */
struct met {
	struct catalog_document place;
	struct ragd_str title; /* the session's arena's */
};

static int round_cancelled(const struct round *r, struct ragd_err *err)
{
	if (r->stop(r->arg))
		return ragd_err_set(err, -ECANCELED, "the store is closing");
	return 0;
}

/* 1 and the collection's first document with an id above `after`; 0 at the end. */
static int next_document(struct round *r, uint32_t after, struct met *out, struct ragd_err *err)
{
	struct db *db = &r->session->db;
	sqlite3_stmt *stmt =
		db_query(db, SQL_DOCUMENT_OF_NEXT, DB_ARGS(db_int(r->collection), db_int(after)));
	bool found = db_next(db, stmt);
	int rc;

	if (found) {
		out->place = (struct catalog_document){
			.id = (uint32_t)sqlite3_column_int64(stmt, 0),
			.collection = r->collection,
			.first_passage = (uint32_t)sqlite3_column_int64(stmt, 1),
			.n_passages = (uint32_t)sqlite3_column_int64(stmt, 2),
		};
		out->title = arena_str(r->session->arena, db_column_str(stmt, 3));
	}
	db_reset(stmt);
	rc = db_result(db, err);
	return rc < 0 ? rc : found;
}

/* The terms of passages first .. first + n of a document. */
static ssize_t read_terms(struct round *r, const struct met *met, uint32_t first, uint32_t n,
			  struct prepared_passage **out, struct ragd_err *err)
{
	struct arena *arena = r->session->arena;
	struct memory m = memory_of_arena(arena);
	struct passage *passages;
	ssize_t found = passages_read(&r->session->db, &m, met->place.id, first, n, &passages, err);
	int rc = 0;

	if (found < 0)
		return found;
	*out = arena_alloc(arena, (size_t)found + 1, sizeof(**out));
	if (*out == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for learning");
	for (ssize_t i = 0; rc == 0 && i < found; i++)
		rc = terms_passage(r->session->terms, arena, met->title, passages[i].heading,
				   passages[i].text, &(*out)[i].terms, err);
	return rc < 0 ? rc : found;
}

/* ---- gather --------------------------------------------------------------------------------- */

/*
 * A passage is in the sample or not by its number in the collection alone, so that the same
 * collection teaches the same, whatever else the store holds.
 */
static bool in_sample(uint32_t number, uint64_t n_passages)
{
	return n_passages <= EMBED_MAX_PASSAGES ||
	       (uint64_t)(number * 2654435761u) * n_passages < (uint64_t)EMBED_MAX_PASSAGES << 32;
}

/* Those of its passages that are in the sample, in runs of neighbours. */
static int gather_document(struct round *r, const struct met *met, uint64_t n_passages,
			   struct embed_rows *rows, struct ragd_err *err)
{
	uint32_t first = met->place.first_passage, end = first + met->place.n_passages;
	uint32_t number = r->n_met + 1;
	int rc = 0;

	r->n_met += met->place.n_passages;
	for (uint32_t i = first; rc == 0 && i < end; i++) {
		struct prepared_passage *p;
		uint32_t run = 0;
		ssize_t n;

		while (i + run < end && in_sample(number + i + run - first, n_passages))
			run++;
		if (run == 0)
			continue;
		n = read_terms(r, met, i, run, &p, err);
		for (ssize_t j = 0; rc == 0 && j < n; j++)
			if (embed_rows_add(rows, p[j].terms.terms, p[j].terms.n_terms) < 0)
				rc = ragd_err_set(err, -ENOMEM, "out of memory for learning");
		if (n < 0)
			rc = (int)n;
		i += run;
	}
	return rc;
}

/*
 * What is added meanwhile is not in it: one that comes late must not make it larger than its bound.
 */
static int round_gather(struct round *r, uint64_t n_passages, struct embed_rows *rows,
			struct ragd_err *err)
{
	struct met met = { 0 };
	int found = 1, rc = 0;

	while (rc == 0 && found > 0 && rows->n <= EMBED_MAX_PASSAGES + EMBED_MAX_PASSAGES / 8) {
		arena_reset(r->session->arena);
		rc = round_cancelled(r, err);
		if (rc == 0)
			rc = session_begin(r->session, err);
		if (rc < 0)
			return rc;
		found = next_document(r, met.place.id, &met, err);
		rc = found > 0 ? gather_document(r, &met, n_passages, rows, err) : found;
		session_end(r->session);
	}
	return rc;
}

/* ---- fill: every document gets its vectors -------------------------------------------------- */

static int fill_document(struct round *r, const struct met *met, struct fill *f,
			 struct ragd_err *err)
{
	struct prepared_passage *p;
	ssize_t n = read_terms(r, met, met->place.first_passage, met->place.n_passages, &p, err);
	struct fill_run *run;

	if (n < 0)
		return (int)n;
	if (n == 0 || (uint32_t)n != met->place.n_passages)
		return 0; /* replaced meanwhile: what replaced it has its vectors */
	run = fill_add(f, &met->place, met->place.first_passage, (uint32_t)n);
	if (run == NULL || embedder_project_passages(f->embedder, p, run->n, run->f16) < 0)
		return ragd_err_set(err, -ENOMEM, "out of memory for vectors");
	return 0;
}

/* The next documents as of one moment; *found is 0 at the end. */
static int fill_batch(struct round *r, struct met *met, struct fill *f, int *found,
		      struct ragd_err *err)
{
	int rc;

	arena_reset(r->session->arena);
	rc = session_begin(r->session, err);
	while (rc == 0 && f->n < FILL_RUNS && f->n_passages < FILL_PASSAGES) {
		*found = next_document(r, met->place.id, met, err);
		if (*found <= 0) {
			rc = *found;
			break;
		}
		rc = fill_document(r, met, f, err);
	}
	session_end(r->session);
	return rc;
}

static int round_fill(struct round *r, const struct embedder *e, struct ragd_err *err)
{
	struct fill *f = malloc(sizeof(*f));
	struct met met = { 0 };
	int found = 1, rc = 0;

	if (f == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for vectors");
	fill_init(f, r->store, r->collection, e);
	while (rc == 0 && found > 0) {
		rc = round_cancelled(r, err);
		if (rc == 0)
			rc = fill_batch(r, &met, f, &found, err);
		if (rc == 0)
			rc = fill_write(f, err);
	}
	fill_clear(f);
	free(f);
	return rc;
}

/* ---- the round ------------------------------------------------------------------------------ */

/* As many directions as asked for, but no more than a few passages each can speak for. */
static uint32_t dim_for(const struct store *s, size_t n_rows)
{
	return (uint32_t)MIN(s->options.dim, MAX(n_rows / 16, 64));
}

static int round_fit(struct round *r, struct embedder **out, struct ragd_err *err)
{
	struct store *s = r->store;
	struct embed_rows rows = { 0 };
	const struct catalog_collection *col;
	uint64_t n_passages = 0;
	int rc;

	pthread_rwlock_rdlock(&s->catalog.lock);
	col = catalog_collection(&s->catalog, r->collection);
	if (col != NULL)
		n_passages = col->n_passages;
	pthread_rwlock_unlock(&s->catalog.lock);
	rc = round_gather(r, n_passages, &rows, err);
	if (rc == 0)
		rc = embedder_fit(&rows, dim_for(s, rows.n), r->stop, r->arg, out, err);
	if (rc == 0)
		(*out)->n_fitted = (uint32_t)MIN(n_passages, UINT32_MAX);
	embed_rows_fini(&rows);
	return rc;
}

int learn_collection(struct store *s, uint32_t collection, bool (*stop)(void *arg), void *arg,
		     struct ragd_err *err)
{
	struct round r = { .store = s, .collection = collection, .stop = stop, .arg = arg };
	struct embedder *e = NULL;
	int rc;

	rc = generation_clean(s, collection, stop, arg, err); /* of a round that a crash ended */
	if (rc == 0)
		rc = session_acquire(&s->sessions, &r.session, err);
	if (rc == 0)
		rc = round_fit(&r, &e, err);
	if (rc == 0)
		rc = generation_begin(s, collection, e, err);
	if (rc == 0) {
		rc = round_fill(&r, e, err);
		if (rc == 0)
			rc = generation_switch(s, collection, err);
		if (rc < 0)
			generation_abandon(s, collection, NULL);
	}
	if (rc == 0) {
		store_tell(s, STORE_LEARNED, "learned %u-dimensional vectors from %u passages",
			   e->dim, e->n_fitted);
		rc = generation_clean(s, collection, stop, arg, err);
	}
	embedder_unref(e);
	session_release(&s->sessions, r.session);
	return rc;
}
