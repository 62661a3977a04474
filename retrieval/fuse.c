#include "retrieval/fuse.h"

#include <stdlib.h>

#include <cblas.h>

#include "base/util.h"
#include "retrieval/search.h"
#include "retrieval/store_internal.h"

#define POOL_MIN 256 /* how many of the best by either part are looked at by both, at least */
#define AGREE    10  /* how many of the best by both are compared */

/* The question as a vector. */
struct question {
	const struct meaning *meaning; /* NULL: words only */
	float *vector;
	float weight; /* of the vector part */
	size_t pool;
};

static int nomem(struct ragd_err *err)
{
	return ragd_err_set(err, -ENOMEM, "out of memory for a search");
}

/* Score of the words, taken away so that a passage is met once. */
static float take_score(struct search *se, const struct catalog_page *page, uint32_t place)
{
	float *score = &se->lane->scores[page->dense * CATALOG_PAGE + place];
	float taken = *score;

	*score = 0;
	return taken;
}

/* All passages with a score of the words into the candidates, with a vector part of -1: unknown. */
static int collect_words(struct search *se, const struct catalog *c, struct ragd_err *err)
{
	bool failed = false; /* but go on: the scores must become zero */
	uint32_t place;

	for (ssize_t i = 0; se->lists != NULL && i < se->n_words; i++) {
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
	return failed ? nomem(err) : 0;
}

/* ---- vectors ------------------------------------------------------------------------------- */

static int make_question(struct search *se, struct question *q, struct ragd_err *err)
{
	const struct store *s = se->store;
	struct term *terms;
	double weight = s->options.weight_vector;

	if (s->now.embedder == NULL || !(weight > 0))
		return 0;
	terms = arena_alloc(se->lane->arena, (size_t)se->n_words + 1, sizeof(*terms));
	q->vector = arena_alloc(se->lane->arena, s->now.embedder->dim, sizeof(*q->vector));
	if (terms == NULL || q->vector == NULL)
		return nomem(err);
	for (ssize_t i = 0; i < se->n_words; i++)
		terms[i] = (struct term){ se->words[i].hash, se->words[i].n };
	q->weight = (float)weight;
	if (embedder_project(s->now.embedder, terms, (uint32_t)se->n_words, q->vector) > 0)
		q->meaning = &s->now;
	return 0;
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
			return nomem(err);
	}
	return 0;
}

/* The nearest of each collection that may be read. */
static int search_collections(struct search *se, const struct catalog *c, const struct question *q,
			      struct ragd_err *err)
{
	struct near *near = arena_alloc(se->lane->arena, q->pool, sizeof(*near));
	int rc = 0;

	if (near == NULL)
		return nomem(err);
	for (uint32_t i = 0; rc == 0 && i < se->n_allowed; i++) {
		ssize_t n;

		if (se->allowed[i] == 0)
			continue;
		n = vectors_search(q->meaning->vectors, i, q->vector, q->pool, near, err);
		rc = n < 0 ? (int)n : add_near(se, c, near, (size_t)n, err);
	}
	return rc;
}

/* Only some documents: each of their passages is looked at. */
static int search_documents(struct search *se, const struct catalog *c, const struct question *q,
			    struct ragd_err *err)
{
	for (uint32_t n = 0; n < c->n_pages; n++) {
		const struct catalog_page *page = c->pages[n];

		for (uint32_t place = 0; page != NULL && place < CATALOG_PAGE; place++) {
			struct near near = { n * CATALOG_PAGE + place, 0 };
			int rc;

			if (!search_sees(se, page, place))
				continue;
			near.cosine = vectors_cosine(q->meaning->vectors, page, place, q->vector);
			rc = add_near(se, c, &near, 1, err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

/* ---- both ---------------------------------------------------------------------------------- */

/*
 * Keep the pool's best by words and those that the vectors found; give each the part it lacks.
 */
static void complete(struct search *se, const struct catalog *c, const struct question *q,
		     size_t n_near)
{
	struct candidates words = { se->found.p + n_near, se->found.n - n_near, 0 };
	struct candidate *best = se->found.p + n_near;
	size_t kept = 0;

	if (words.n > q->pool) {
		/* The heap shrinks from its end: the best are put there, then moved to the front. */
		size_t n = words.n;
		struct candidate next;

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

		best[i].vector = vectors_cosine(q->meaning->vectors, page, place, q->vector);
	}
	se->found.n = n_near + kept;
}

/* The best few values that were offered, and what was offered along with each. */
struct top {
	float value[AGREE];
	float with[AGREE];
	size_t n;
};

static void offer(struct top *t, float value, float with)
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
 * first, as a share of what the best cosines are. Where the vectors have not caught what the question is
 * about, they prefer passages that share nothing with it, and the share is low.
 */
static float agreement(const struct top *words, const struct top *vectors)
{
	float found = 0, best = 0;

	for (size_t i = 0; i < MIN(words->n, vectors->n); i++) {
		found += MAX(words->with[i], 0);
		best += vectors->value[i];
	}
	return best > 0 ? MIN(found / best, 1) : 1;
}

static void weigh(struct search *se, const struct question *q)
{
	struct top words = { .n = 0 }, vectors = { .n = 0 };
	float weight = 0, most, nearest;

	for (size_t i = 0; i < se->found.n; i++) {
		const struct candidate *p = &se->found.p[i];

		offer(&words, p->lexical, p->vector);
		offer(&vectors, p->vector, p->lexical);
	}
	most = words.n > 0 ? words.value[0] : 1;
	nearest = vectors.n > 0 ? vectors.value[0] : 1;
	if (q->meaning != NULL)
		weight = q->weight * agreement(&words, &vectors);
	for (size_t i = 0; i < se->found.n; i++) {
		struct candidate *p = &se->found.p[i];

		p->lexical /= most;
		p->vector = MAX(p->vector, 0) / nearest;
		p->score = (1 - weight) * p->lexical + weight * p->vector;
	}
	candidates_order(&se->found);
}

int fuse(struct search *se, const struct catalog *c, struct ragd_err *err)
{
	struct question q = { .pool = MAX(POOL_MIN, 2 * (size_t)se->query->k) };
	size_t n_near;
	int rc, rc_words;

	rc = make_question(se, &q, err);
	if (rc == 0 && q.meaning != NULL)
		rc = se->by_document ? search_documents(se, c, &q, err)
				     : search_collections(se, c, &q, err);
	n_near = se->found.n;
	rc_words = collect_words(se, c, rc == 0 ? err : NULL);
	if (rc == 0)
		rc = rc_words;
	if (rc < 0)
		return rc;
	if (q.meaning != NULL)
		complete(se, c, &q, n_near);
	weigh(se, &q);
	return 0;
}
