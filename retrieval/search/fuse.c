#include "retrieval/search/fuse.h"

#include <stdlib.h>

#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/vectors.h"
#include "retrieval/search/search.h"
#include "retrieval/search/wanted.h"
#include "retrieval/store/store_private.h"

#define POOL_MIN 256 /* how many of the best by either part are looked at by both, at least */
#define AGREE    10  /* how many of the best by both are compared */

/* The question as vectors. */
struct question_vectors {
	/*
	 * By id of the collection, each made by that collection's own embedder; NULL where it has
	 * none, or where the question shares nothing with what it learned.
	 */
	float **vectors;
	bool some;    /* at least one of them is there */
	float weight; /* of the vector part */
	size_t pool;
};

static int no_memory(struct ragd_err *err)
{
	return ragd_err_set(err, -ENOMEM, "out of memory for a search");
}

/* Score of the words, taken away so that a passage is met once. */
static float take_score(struct search *se, const struct catalog_page *page, uint32_t place)
{
	float *score = &se->session->scores[page->dense * CATALOG_PAGE + place];
	float taken = *score;

	*score = 0;
	return taken;
}

/* All passages with a score of the words into the candidates, with a vector part of -1: unknown. */
static int collect_words(struct search *se, const struct catalog *c, struct ragd_err *err)
{
	bool failed = false; /* but go on: the scores must become zero */
	uint32_t place;

	for (size_t i = 0; i < se->n_lists; i++) {
		const struct postings *list = &se->lists[i];

		for (size_t j = 0; j < list->n; j++) {
			const struct catalog_page *page = catalog_at(c, list->p[j].passage, &place);
			float score = page != NULL ? take_score(se, page, place) : 0;

			if (score > 0 &&
			    candidates_push(&se->found, list->p[j].passage, page->document[place],
					    page->collection[place], score, -1) < 0)
				failed = true;
		}
	}
	return failed ? no_memory(err) : 0;
}

/* ---- vectors ------------------------------------------------------------------------------- */

static int make_question(struct search *se, const struct catalog *c, struct question_vectors *q,
			 struct ragd_err *err)
{
	struct arena *arena = se->session->arena;
	double weight = se->store->options.weight_vector;
	struct term *terms;

	q->vectors = arena_alloc(arena, (size_t)se->n_allowed + 1, sizeof(*q->vectors));
	terms = arena_alloc(arena, (size_t)se->n_words + 1, sizeof(*terms));
	if (terms == NULL || q->vectors == NULL)
		return no_memory(err);
	if (!(weight > 0))
		return 0;
	q->weight = (float)weight;
	for (ssize_t i = 0; i < se->n_words; i++)
		terms[i] = (struct term){ se->words[i].hash, se->words[i].n };
	for (size_t i = 0; i < se->n_ids; i++) {
		const struct embedder *e = c->collections[se->ids[i]]->now.embedder;
		float *v;

		if (e == NULL)
			continue;
		v = arena_alloc(arena, e->dim, sizeof(*v));
		if (v == NULL)
			return no_memory(err);
		if (!(embedder_project(e, terms, (uint32_t)se->n_words, v) > 0))
			continue;
		q->vectors[se->ids[i]] = v;
		q->some = true;
	}
	return 0;
}

/* The cosine of the question and a passage; -1 where its collection has no vectors for it. */
static float passage_cosine(const struct catalog *c, const struct question_vectors *q,
			    const struct catalog_page *page, uint32_t place)
{
	uint32_t collection = page->collection[place];

	if (q->vectors[collection] == NULL)
		return -1;
	return MAX(vectors_cosine(c->collections[collection]->now.vectors, page, place,
				  q->vectors[collection]),
		   0);
}

static int add_near(struct search *se, const struct catalog *c, const struct near *near, size_t n,
		    struct ragd_err *err)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t place;
		const struct catalog_page *page = catalog_at(c, near[i].passage, &place);

		if (page == NULL || !(near[i].cosine > 0))
			continue;
		if (candidates_push(&se->found, near[i].passage, page->document[place],
				    page->collection[place], take_score(se, page, place),
				    near[i].cosine) < 0)
			return no_memory(err);
	}
	return 0;
}

/* The nearest of each collection that may be read. */
static int search_collections(struct search *se, const struct catalog *c,
			      const struct question_vectors *q, struct ragd_err *err)
{
	struct near *near = arena_alloc(se->session->arena, q->pool, sizeof(*near));
	int rc = 0;

	if (near == NULL)
		return no_memory(err);
	for (size_t i = 0; rc == 0 && i < se->n_ids; i++) {
		const struct vectors *v = c->collections[se->ids[i]]->now.vectors;
		ssize_t n;

		if (q->vectors[se->ids[i]] == NULL)
			continue;
		rc = wanted_check(se->call, err);
		if (rc < 0)
			break;
		n = vectors_search(v, q->vectors[se->ids[i]], q->pool, near, err);
		se->n_looked_at += vectors_count(v);
		rc = n < 0 ? (int)n : add_near(se, c, near, (size_t)n, err);
	}
	return rc;
}

/* Each passage of a document. */
static int search_document(struct search *se, const struct catalog *c,
			   const struct question_vectors *q, uint32_t first, uint32_t n,
			   struct ragd_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		struct near near = { .passage = first + i };
		uint32_t place;
		const struct catalog_page *page = catalog_at(c, near.passage, &place);

		if (page == NULL)
			continue;
		near.cosine = passage_cosine(c, q, page, place);
		rc = add_near(se, c, &near, 1, err);
	}
	se->n_looked_at += n;
	return rc;
}

/* Only those documents that have the tags. */
static int search_documents(struct search *se, const struct catalog *c,
			    const struct question_vectors *q, struct ragd_err *err)
{
	struct db *db = &se->session->db;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < se->n_documents; i++) {
		sqlite3_stmt *stmt;
		uint32_t first = 0, n = 0;

		rc = wanted_check(se->call, err);
		if (rc < 0)
			break;
		stmt = db_query(db, SQL_DOCUMENT_AT, DB_ARGS(db_int(se->documents[i])));
		if (db_next(db, stmt)) {
			first = (uint32_t)sqlite3_column_int64(stmt, 0);
			n = (uint32_t)sqlite3_column_int64(stmt, 1);
		}
		db_reset(stmt);
		rc = db_result(db, err);
		if (rc == 0)
			rc = search_document(se, c, q, first, n, err);
	}
	return rc;
}

/* ---- both ---------------------------------------------------------------------------------- */

/*
 * Keep the pool's best by words and those that the vectors found; give each the part it lacks.
 */
static void complete_parts(struct search *se, const struct catalog *c,
			   const struct question_vectors *q, size_t n_near)
{
	struct candidates words = { se->found.p + n_near, se->found.n - n_near, 0 };
	struct search_candidate *best = se->found.p + n_near;
	size_t kept = 0;

	if (words.n > q->pool) {
		/*
		 * The heap shrinks from its end: the best are put there, then moved to the front.
		 */
		size_t n = words.n;
		struct search_candidate next;

		candidates_order(&words);
		while (kept < q->pool && candidates_pop(&words, &next))
			best[n - ++kept] = next;
		for (size_t i = 0; i < kept; i++)
			best[i] = best[n - kept + i];
	} else {
		kept = words.n;
	}
	for (size_t i = 0; i < kept; i++) {
		uint32_t place;
		const struct catalog_page *page = catalog_at(c, best[i].passage, &place);

		best[i].vector = passage_cosine(c, q, page, place);
	}
	se->found.n = n_near + kept;
}

/* The best few values that were offered, and what was offered along with each. */
struct top {
	float value[AGREE];
	float with[AGREE];
	size_t n;
};

static void top_offer(struct top *t, float value, float with)
{
	size_t at = t->n;

	if (!(value > 0) || (t->n == AGREE && value <= t->value[AGREE - 1]))
		return;
	if (t->n < AGREE)
		t->n++;
	else
		at--;
	for (; at > 0 && t->value[at - 1] < value; at--) {
		t->value[at] = t->value[at - 1];
		t->with[at] = t->with[at - 1];
	}
	t->value[at] = value;
	t->with[at] = with;
}

/*
 * How far to trust the vectors for this question: what cosine the passages have that its words find
 * first, as a share of what the best cosines are. Where the vectors have not caught what the
 * question is about, they prefer passages that share nothing with it, and the share is low.
 */
static float vectors_agreement(const struct top *words, const struct top *vectors)
{
	float found = 0, best = 0;

	for (size_t i = 0; i < MIN(words->n, vectors->n); i++) {
		found += MAX(words->with[i], 0);
		best += vectors->value[i];
	}
	return best > 0 ? MIN(found / best, 1) : 1;
}

/*
 * A passage whose collection has no vectors for the question is taken to mean as much as its words
 * do: it would else stand behind all those that have one.
 */
static void weigh_candidates(struct search *se, const struct question_vectors *q)
{
	struct top words = { .n = 0 }, vectors = { .n = 0 };
	float weight = 0, most = 0, nearest;

	for (size_t i = 0; i < se->found.n; i++) {
		const struct search_candidate *p = &se->found.p[i];

		most = MAX(most, p->lexical);
		if (p->vector < 0)
			continue;
		top_offer(&words, p->lexical, p->vector);
		top_offer(&vectors, p->vector, p->lexical);
	}
	most = most > 0 ? most : 1;
	nearest = vectors.n > 0 ? vectors.value[0] : 1;
	if (q->some)
		weight = q->weight * vectors_agreement(&words, &vectors);
	for (size_t i = 0; i < se->found.n; i++) {
		struct search_candidate *p = &se->found.p[i];

		p->lexical /= most;
		p->score = p->lexical;
		if (p->vector >= 0) {
			p->vector /= nearest;
			p->score = (1 - weight) * p->lexical + weight * p->vector;
		}
		p->vector = MAX(p->vector, 0);
	}
	candidates_order(&se->found);
}

int fuse_candidates(struct search *se, const struct catalog *c, struct ragd_err *err)
{
	struct question_vectors q = { .pool = MAX(POOL_MIN, 2 * (size_t)se->query->k) };
	size_t n_near;
	int rc, rc_words;

	rc = make_question(se, c, &q, err);
	if (rc == 0 && q.some)
		rc = se->by_document ? search_documents(se, c, &q, err)
				     : search_collections(se, c, &q, err);
	n_near = se->found.n;
	rc_words = collect_words(se, c, rc == 0 ? err : NULL);
	if (rc == 0)
		rc = rc_words;
	if (rc < 0)
		return rc;
	if (q.some && se->found.n > 0)
		complete_parts(se, c, &q, n_near);
	weigh_candidates(se, &q);
	return 0;
}
