#include "retrieval/search/fuse.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/vectors.h"
#include "retrieval/search/search.h"
#include "retrieval/store/store_private.h"
#include "retrieval/wanted.h"

#define POOL_MIN  256 /* how many of the best by either part are looked at by both, at least */
#define NEAR_RANK 200 /* V is 0 from the passage that is so many-th nearest */

/* Cosines of one encoder, or of all learned embedders, and what they are measured by. */
struct scale {
	float best;  /* of the nearest passage that the caller may read */
	float floor; /* of the NEAR_RANK-th, or of the last */
};

enum { SCALE_LEARNED, SCALE_ENCODERS, N_SCALES = SCALE_ENCODERS + SEARCH_ENCODERS };

/* The question as a vector of one embedder. */
struct space {
	const struct codes_query *vector; /* NULL: the collection has none for this question */
	float weight;                     /* of the vector part */
	float unrelated;                  /* of an encoder: see unrelated.h */
	unsigned scale;
};

struct question {
	struct space *spaces; /* by id of the collection */
	struct scale scales[N_SCALES];
	bool some; /* a collection has vectors for it */
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

/* All passages with a score of the words into the candidates, without a vector part. */
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
					    page->collection[place], score, VECTORS_NONE) < 0)
				failed = true;
		}
	}
	return failed ? no_memory(err) : 0;
}

/* ---- vectors ------------------------------------------------------------------------------- */

static const struct codes_query *make_query(struct search *se, const float *v, uint32_t dim)
{
	struct codes_query *q = arena_alloc(se->session->arena, 1, codes_query_size(dim));

	if (q != NULL)
		codes_query_set(q, v, dim);
	return q;
}

/* With one question for each embedder that learned, since it depends on that one's terms. */
static int project_question(struct search *se, const struct embedder *e, struct space *space,
			    struct ragd_err *err)
{
	struct arena *arena = se->session->arena;
	struct term *terms = arena_alloc(arena, (size_t)se->n_words + 1, sizeof(*terms));
	float *v = arena_alloc(arena, e->dim, sizeof(*v));
	float weight = FUSE_SHARE_LEARNED * (float)se->store->options.weight_vector;

	if (terms == NULL || v == NULL)
		return no_memory(err);
	for (ssize_t i = 0; i < se->n_words; i++)
		terms[i] = (struct term){ se->words[i].hash, se->words[i].n };
	if (embedder_project(e, terms, (uint32_t)se->n_words, v) <= 0)
		return 0;
	*space = (struct space){ make_query(se, v, e->dim), weight, 0, SCALE_LEARNED };
	return space->vector != NULL ? 0 : no_memory(err);
}

/* What an encoder's vectors of a collection are worth: see the head of this file's header. */
static float collection_trust(const struct catalog_collection *col)
{
	float n = (float)MAX(col->n_passages, (uint64_t)1);

	return 1 - MIN((float)col->now.embedder->n_foreign / n, 0.5f);
}

/* The vector that this encoder made before the search began. */
static int encoded_question(struct search *se, const struct catalog_collection *col,
			    struct space *space, struct ragd_err *err)
{
	float weight = (float)se->store->options.weight_vector * collection_trust(col);
	const struct embedder *e = col->now.embedder;

	for (unsigned i = 0; i < se->n_encoded; i++) {
		const struct search_encoded *q = &se->encoded[i];

		if (q->vector == NULL || q->dim != e->dim || strcmp(q->digest, e->digest) != 0)
			continue;
		*space = (struct space){ make_query(se, q->vector, q->dim), weight * q->trust,
					 q->unrelated, SCALE_ENCODERS + i };
		if (space->vector == NULL)
			return no_memory(err);
	}
	return 0;
}

static int make_question(struct search *se, const struct catalog *c, struct question *q,
			 struct ragd_err *err)
{
	int rc = 0;

	q->spaces = arena_alloc(se->session->arena, (size_t)se->n_allowed + 1, sizeof(*q->spaces));
	if (q->spaces == NULL)
		return no_memory(err);
	if (!(se->store->options.weight_vector > 0))
		return 0;
	for (size_t i = 0; rc == 0 && i < se->n_ids; i++) {
		const struct catalog_collection *col = c->collections[se->ids[i]];
		const struct embedder *e = col->now.embedder;
		struct space *space = &q->spaces[se->ids[i]];

		if (e == NULL)
			continue;
		if (embedder_is_learned(e))
			rc = project_question(se, e, space, err);
		else
			rc = encoded_question(se, col, space, err);
		q->some = q->some || space->vector != NULL;
	}
	return rc;
}

/* The cosine of the question and a passage. */
static float passage_cosine(const struct catalog *c, const struct question *q,
			    const struct catalog_page *page, uint32_t place)
{
	uint32_t collection = page->collection[place];

	if (q->spaces[collection].vector == NULL)
		return VECTORS_NONE;
	return vectors_cosine(c->collections[collection]->now.vectors, page, place,
			      q->spaces[collection].vector);
}

static int add_near(struct search *se, const struct catalog *c, const struct near *near, size_t n,
		    struct ragd_err *err)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t place;
		const struct catalog_page *page = catalog_at(c, near[i].passage, &place);

		if (page == NULL || near[i].cosine == VECTORS_NONE)
			continue;
		if (candidates_push(&se->found, near[i].passage, page->document[place],
				    page->collection[place], take_score(se, page, place),
				    near[i].cosine) < 0)
			return no_memory(err);
	}
	return 0;
}

/* The nearest of each collection that may be read. */
static int search_collections(struct search *se, const struct catalog *c, const struct question *q,
			      struct ragd_err *err)
{
	struct near *near = arena_alloc(se->session->arena, q->pool, sizeof(*near));
	int rc = 0;

	if (near == NULL)
		return no_memory(err);
	for (size_t i = 0; rc == 0 && i < se->n_ids; i++) {
		const struct vectors *v = c->collections[se->ids[i]]->now.vectors;
		const struct codes_query *question = q->spaces[se->ids[i]].vector;
		ssize_t n;

		if (question == NULL)
			continue;
		rc = wanted_check(se->call, err);
		if (rc < 0)
			break;
		n = vectors_search(v, question, q->pool, near, err);
		se->n_looked_at += vectors_count(v);
		rc = n < 0 ? (int)n : add_near(se, c, near, (size_t)n, err);
	}
	return rc;
}

/* Each passage of a document. */
static int search_document(struct search *se, const struct catalog *c, const struct question *q,
			   uint32_t first, uint32_t n, struct ragd_err *err)
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
static int search_documents(struct search *se, const struct catalog *c, const struct question *q,
			    struct ragd_err *err)
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
static void complete_parts(struct search *se, const struct catalog *c, const struct question *q,
			   size_t n_near)
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

static int compare_cosines(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x < y) - (x > y);
}

/* What the cosines that were found by this scale are measured by. */
static int scale_set(struct search *se, const struct question *q, unsigned at, struct scale *scale,
		     struct ragd_err *err)
{
	float *cosines = arena_alloc(se->session->arena, se->found.n + 1, sizeof(*cosines));
	size_t n = 0;

	if (cosines == NULL)
		return no_memory(err);
	for (size_t i = 0; i < se->found.n; i++)
		if (se->found.p[i].vector != VECTORS_NONE &&
		    q->spaces[se->found.p[i].collection].scale == at)
			cosines[n++] = se->found.p[i].vector;
	qsort(cosines, n, sizeof(*cosines), compare_cosines);
	if (n > 0)
		*scale = (struct scale){ cosines[0], cosines[MIN(n, NEAR_RANK) - 1] };
	return 0;
}

/* V of the head of this file's header. */
static float vector_share(const struct scale *scale, float cosine)
{
	if (cosine >= scale->best)
		return 1;
	return cosine > scale->floor ? (cosine - scale->floor) / (scale->best - scale->floor) : 0;
}

/* Leaves out what has none of the words and is not near: the least unlike of what there is. */
static void drop_unlike(struct search *se, const struct question *q)
{
	size_t kept = 0;

	for (size_t i = 0; i < se->found.n; i++) {
		const struct search_candidate *p = &se->found.p[i];
		const struct space *space = &q->spaces[p->collection];
		float near = calibrate_cosine(p->vector, space->unrelated);

		if (p->vector == VECTORS_NONE || space->scale == SCALE_LEARNED) {
			se->found.p[kept++] = *p;
			continue;
		}
		se->evidence.encoded = true;
		se->evidence.nearest = MAX(se->evidence.nearest, near);
		if (p->lexical > 0 || near >= CALIBRATE_NEAR)
			se->found.p[kept++] = *p;
	}
	se->found.n = kept;
}

static void weigh_candidates(struct search *se, const struct question *q)
{
	float most = 0;

	for (size_t i = 0; i < se->found.n; i++)
		most = MAX(most, se->found.p[i].lexical);
	se->evidence.words = most > 0 ? most / se->most_words : 0;
	for (size_t i = 0; i < se->found.n; i++) {
		struct search_candidate *p = &se->found.p[i];
		const struct space *space = &q->spaces[p->collection];
		float w = most > 0 ? space->weight : 1; /* no word is anywhere: vectors alone */

		p->lexical = most > 0 ? p->lexical / most : 0;
		p->score = p->lexical;
		if (p->vector != VECTORS_NONE) {
			p->vector = vector_share(&q->scales[space->scale], p->vector);
			p->score = (1 - w) * p->lexical + w * p->vector;
		} else {
			p->vector = 0;
		}
	}
	candidates_order(&se->found);
}

int fuse_candidates(struct search *se, const struct catalog *c, struct ragd_err *err)
{
	struct question q = { .pool = MAX(POOL_MIN, 2 * (size_t)se->query->k) };
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
	for (unsigned i = 0; rc == 0 && q.some && i < N_SCALES; i++)
		rc = scale_set(se, &q, i, &q.scales[i], err);
	if (rc == 0)
		drop_unlike(se, &q);
	if (rc == 0)
		weigh_candidates(se, &q);
	return rc;
}
