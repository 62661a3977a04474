/*
 * Search: the words of the question to postings, postings to scores over the passages the caller
 * may read, the best of them to hits.
 *
 * The filter comes first: what stands in collections outside it is neither read nor counted in
 * document frequencies and lengths, so that ranks, scores and the work are those of an index that
 * holds nothing else.
 */
#include "retrieval/store/store_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"
#include "retrieval/db/fts.h"
#include "retrieval/passages/passages.h"
#include "retrieval/search/fuse.h"
#include "retrieval/search/question.h"
#include "retrieval/search/rerank.h"
#include "retrieval/search/search.h"
#include "retrieval/wanted.h"
#include "retrieval/passages/document_validate.h"

#define BM25_K1 1.2f
#define BM25_B  0.6f

#define TAG_ROW_BYTES 64 /* of work, see wanted.h */

/* ---- what the caller may see --------------------------------------------------------------- */

static int filter_collections(struct search *se, const struct catalog *c, struct ragd_err *err)
{
	se->n_allowed = c->n_collections;
	se->allowed = arena_alloc(se->session->arena, c->n_collections + 1, 1);
	se->ids = arena_alloc(se->session->arena, c->n_collections + 1, sizeof(*se->ids));
	if (se->allowed == NULL || se->ids == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a search");
	for (uint32_t i = 0; i < c->n_collections; i++) {
		const struct catalog_collection *col = c->collections[i];

		if (col == NULL || !search_includes(se, col))
			continue;
		se->allowed[i] = 1;
		se->ids[se->n_ids++] = i;
		se->n_passages += col->n_passages;
		se->sum_length += col->sum_length;
	}
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

struct id_list {
	uint32_t *p; /* malloc'd */
	size_t n;
	size_t cap;
};

static int id_push(struct id_list *list, uint32_t id, struct ragd_err *err)
{
	if (!array_reserve(&list->p, &list->cap, list->n + 1, sizeof(*list->p)))
		return ragd_err_set(err, -ENOMEM, "out of memory for a search");
	list->p[list->n++] = id;
	return 0;
}

static int read_tag(struct search *se, uint32_t collection, struct ragd_str tag,
		    struct id_list *out, struct ragd_err *err)
{
	struct wanted wanted = { .call = se->call };
	struct db *db = &se->session->db;
	sqlite3_stmt *stmt = db_query(db, SQL_TAG_FIND, DB_ARGS(db_int(collection), db_str(tag)));
	int rc = 0;

	while (rc == 0 && db_next(db, stmt)) {
		se->n_looked_at++;
		if (wanted_still(&wanted, TAG_ROW_BYTES))
			rc = id_push(out, (uint32_t)sqlite3_column_int64(stmt, 0), err);
		else
			rc = ragd_err_set(err, wanted.err.code, "%s", wanted.err.msg);
	}
	db_reset(stmt);
	return rc < 0 ? rc : db_result(db, err);
}

/* The documents of the allowed collections that have the tag, ascending. */
static int documents_of_tag(struct search *se, struct ragd_str tag, struct id_list *out,
			    struct ragd_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < se->n_ids; i++) {
		rc = wanted_check(se->call, err);
		if (rc == 0)
			rc = read_tag(se, se->ids[i], tag, out, err);
	}
	if (rc == 0 && out->n > 1)
		qsort(out->p, out->n, sizeof(*out->p), compare_ids);
	return rc;
}

/* Keep of a what is also in b. */
static size_t ids_intersect(uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b)
{
	size_t kept = 0;

	for (size_t i = 0, j = 0; i < n_a && j < n_b;) {
		if (a[i] < b[j]) {
			i++;
		} else if (a[i] > b[j]) {
			j++;
		} else {
			a[kept++] = a[i++];
			j++;
		}
	}
	return kept;
}

static int filter_tags(struct search *se, struct ragd_err *err)
{
	const struct ragd_query *q = se->query;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < q->n_tags; i++) {
		struct id_list ids = { 0 };

		rc = documents_of_tag(se, q->tags[i], &ids, err);
		if (rc == 0 && i == 0) {
			se->documents = ids.p;
			se->n_documents = ids.n;
			continue;
		}
		if (rc == 0)
			se->n_documents =
				ids_intersect(se->documents, se->n_documents, ids.p, ids.n);
		free(ids.p);
	}
	se->by_document = q->n_tags > 0;
	return rc;
}

/* Whether the passage is inside the filter. */
static bool filter_passes(const struct search *se, const struct catalog_page *page, uint32_t place)
{
	uint32_t collection = page->collection[place];

	if (collection == 0 || collection >= se->n_allowed || se->allowed[collection] == 0)
		return false;
	if (!se->by_document)
		return true;
	return se->n_documents > 0 &&
	       bsearch(&page->document[place], se->documents, se->n_documents,
		       sizeof(*se->documents), compare_ids) != NULL;
}

/* ---- words --------------------------------------------------------------------------------- */

static const struct postings *lists_of(const struct search *se, ssize_t word)
{
	return &se->lists[(size_t)word * se->n_ids];
}

static void score_list(struct search *se, const struct catalog *c, const struct postings *list,
		       float idf)
{
	float mean = MAX((float)se->sum_length / (float)MAX(se->n_passages, 1), 1);
	float *scores = se->session->scores;
	uint32_t place;

	for (size_t i = 0; i < list->n; i++) {
		const struct catalog_page *page = catalog_at(c, list->p[i].passage, &place);
		float tf = list->p[i].tf, norm;

		if (page == NULL || !filter_passes(se, page, place))
			continue;
		norm = BM25_K1 * (1 - BM25_B + BM25_B * (float)page->length[place] / mean);
		scores[page->dense * CATALOG_PAGE + place] +=
			idf * tf * (BM25_K1 + 1) / (tf + norm);
	}
}

/* What is rare is counted in all of the allowed collections; tags do not change it. */
static void score_word(struct search *se, const struct catalog *c, ssize_t word)
{
	const struct postings *lists = lists_of(se, word);
	double n = (double)se->n_passages, df = 0;
	float idf;

	for (size_t i = 0; i < se->n_ids; i++)
		df += (double)lists[i].n;
	idf = (float)log(1.0 + (n - df + 0.5) / (df + 0.5)) * se->words[word].n;
	se->most_words += idf * (BM25_K1 + 1);
	for (size_t i = 0; i < se->n_ids; i++)
		score_list(se, c, &lists[i], idf);
}

/* One list for each word and each allowed collection: no other is opened. */
static int read_lists(struct search *se, struct ragd_err *err)
{
	size_t n = (size_t)se->n_words * se->n_ids;
	int rc = 0;

	se->lists = arena_alloc(se->session->arena, n + 1, sizeof(*se->lists));
	if (se->lists == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a search");
	for (; rc == 0 && se->n_lists < n; se->n_lists++) {
		struct postings *list = &se->lists[se->n_lists];

		rc = wanted_check(se->call, err);
		if (rc == 0)
			rc = fts_postings(&se->session->db, se->ids[se->n_lists % se->n_ids],
					  se->words[se->n_lists / se->n_ids].stem, list, err);
		se->n_looked_at += list->n;
	}
	return rc;
}

static void free_lists(struct search *se)
{
	for (size_t i = 0; i < se->n_lists; i++)
		postings_fini(&se->lists[i]);
}

static int search_words(struct search *se, const struct catalog *c, struct ragd_err *err)
{
	int rc = session_scores(se->session, c->n_dense * CATALOG_PAGE, err);

	if (rc == 0)
		rc = read_lists(se, err);
	if (rc == 0)
		rc = wanted_check(se->call, err);
	for (ssize_t i = 0; rc == 0 && i < se->n_words; i++)
		score_word(se, c, i);
	return rc;
}

/* ---- the best ------------------------------------------------------------------------------- */

static bool has_document(const struct search_candidate *best, size_t n, uint32_t document)
{
	for (size_t i = 0; i < n; i++)
		if (best[i].document == document)
			return true;
	return false;
}

/* The k best, or as many as are reranked, into se->best. */
static int choose_best(struct search *se, struct ragd_err *err)
{
	uint32_t k = rerank_depth(se->store, se->query);
	struct search_candidate next;
	int rc = 0;

	se->best = arena_alloc(se->session->arena, (size_t)k + 1, sizeof(*se->best));
	if (se->best == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a search");
	while (rc == 0 && se->n_best < k && candidates_pop(&se->found, &next)) {
		if (!se->query->per_document || !has_document(se->best, se->n_best, next.document))
			se->best[se->n_best++] = next;
		else
			rc = wanted_check(se->call, err);
	}
	return rc;
}

/* ---- hits ---------------------------------------------------------------------------------- */

/* 1 and *hit; 0 if it is gone. */
static int load_hit(struct search *se, const struct memory *m, const struct search_candidate *found,
		    struct ragd_hit *hit, struct ragd_err *err)
{
	struct db *db = &se->session->db;
	sqlite3_stmt *stmt = db_query(db, SQL_DOCUMENT_GET, DB_ARGS(db_int(found->document)));
	struct passage *p;
	ssize_t n;
	int rc;

	if (db_next(db, stmt)) {
		hit->document = memory_copy(m, db_column_str(stmt, 0));
		hit->passage.title = db_column_str(stmt, 1);
		hit->passage.title.s = memory_copy(m, hit->passage.title);
		hit->collection = se->names[found->collection];
	}
	db_reset(stmt);
	rc = db_result(db, err);
	if (rc < 0)
		return rc;
	n = passages_read(db, m, found->document, found->passage, 1, &p, err);
	if (n <= 0)
		return (int)n;
	if (hit->document == NULL || hit->passage.title.s == NULL)
		return ragd_err_set(err, -ENOMEM, "the request's memory has no room for the hits");
	hit->passage.heading = p->heading;
	hit->passage.text = p->text;
	hit->passage.score = calibrate_score(&se->evidence, found->score);
	hit->start = p->start;
	hit->end = p->end;
	hit->runs = p->runs;
	hit->n_runs = p->n_runs;
	hit->lexical = found->lexical;
	hit->vector = found->vector;
	return 1;
}

/* Names are copied while the catalog is locked. */
static int copy_names(struct search *se, const struct catalog *c, struct ragd_err *err)
{
	struct memory m = memory_of_call(se->call);

	se->names =
		arena_alloc(se->session->arena, (size_t)c->n_collections + 1, sizeof(*se->names));
	if (se->names == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a search");
	for (size_t i = 0; i < se->n_best; i++) {
		uint32_t id = se->best[i].collection;
		const char *name = c->collections[id]->name;

		if (se->names[id] == NULL)
			se->names[id] = memory_copy(&m, (struct ragd_str){ name, strlen(name) });
		if (se->names[id] == NULL)
			return ragd_err_set(err, -ENOMEM, "the request's memory is used up");
	}
	return 0;
}

static int load_hits(struct search *se, struct ragd_hit **out, size_t *n, struct ragd_err *err)
{
	struct memory m = memory_of_call(se->call);
	struct ragd_hit *hits = m.alloc(m.from, se->n_best + 1, sizeof(*hits));
	size_t found = 0;
	int rc = 0;

	if (hits == NULL)
		return ragd_err_set(err, -ENOMEM, "the request's memory has no room for the hits");
	for (size_t i = 0; rc >= 0 && i < se->n_best; i++) {
		rc = wanted_check(se->call, err);
		if (rc < 0)
			return rc;
		rc = load_hit(se, &m, &se->best[i], &hits[found], err);
		found += rc > 0;
	}
	if (rc < 0)
		return rc;
	*out = hits;
	*n = found;
	return 0;
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* With the catalog locked: what is seen in it and in the database's snapshot is one state. */
static int find_passages(struct search *se, struct ragd_err *err)
{
	struct catalog *c = &se->store->catalog;
	int rc;

	pthread_rwlock_rdlock(&c->lock);
	rc = filter_collections(se, c, err);
	if (rc == 0)
		rc = filter_tags(se, err);
	if (rc == 0)
		rc = search_words(se, c, err);
	if (rc == 0)
		rc = fuse_candidates(se, c, err);
	if (rc == 0)
		rc = choose_best(se, err);
	if (rc == 0)
		rc = copy_names(se, c, err);
	pthread_rwlock_unlock(&c->lock);
	return rc;
}

static int check_query(const struct ragd_query *q, struct ragd_err *err)
{
	if (q->k < 1 || q->k > SEARCH_K_MAX)
		return ragd_err_set(err, -EINVAL, "k is %u, not between 1 and %d", q->k,
				    SEARCH_K_MAX);
	return document_validate_tags(q->tags, q->n_tags, err);
}

int store_search(struct store *s, const struct ragd_call *call, const struct ragd_query *query,
		 const struct ragd_hit **hits, size_t *n, struct ragd_err *err)
{
	struct search se = { .store = s, .call = call, .query = query };
	struct ragd_hit *found = NULL;
	size_t n_found = 0;
	int rc;

	rc = check_query(query, err);
	if (rc == 0)
		rc = session_acquire(&s->sessions, &se.session, err);
	if (rc != 0)
		return rc;
	se.n_words = terms_query(se.session->terms, se.session->arena, query->text, &se.words, err);
	rc = se.n_words < 0 ? (int)se.n_words : question_encode(&se, err);
	if (rc == 0)
		rc = session_begin(se.session, err);
	if (rc == 0)
		rc = find_passages(&se, err);
	if (rc == 0)
		rc = load_hits(&se, &found, &n_found, err);
	session_end(se.session);
	atomic_fetch_add_explicit(&s->n_looked_at, se.n_looked_at, memory_order_relaxed);
	free_lists(&se);
	free(se.documents);
	free(se.found.p);
	session_release(&s->sessions, se.session);
	/* With nothing held: a model takes its time. */
	if (rc == 0)
		rc = rerank_hits(s, call, query, found, &n_found, err);
	if (rc < 0)
		return rc;
	*hits = found;
	*n = n_found;
	return 0;
}
