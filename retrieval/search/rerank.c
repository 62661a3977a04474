#include "retrieval/search/rerank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "retrieval/index/encoder.h"
#include "retrieval/inner_call.h"
#include "retrieval/passages/terms.h"
#include "retrieval/store/store_events.h"
#include "retrieval/store/store_private.h"
#include "retrieval/wanted.h"

/* Texts of passages and what the reranker returns. */
#define MEMORY ((size_t)64 << 20)

/* A hit and what the reranker says of it. */
struct ranked_hit {
	struct ragd_hit hit;
	double relevance; /* a logit */
	size_t place;     /* before */
};

/* Nothing is relevant to a blank question, which asks for tags alone. */
static bool is_wanted(const struct store *s, const struct ragd_query *query)
{
	size_t at = 0;

	while (at < query->text.len && ascii_is_space(query->text.s[at]))
		at++;
	return s->options.reranker.name != NULL && at < query->text.len;
}

uint32_t rerank_depth(const struct store *s, const struct ragd_query *query)
{
	return is_wanted(s, query) ? MAX(query->k, s->options.reranker.top) : query->k;
}

/* Of the time that is left half is for what comes after, even if the reranker is late. */
static int64_t time_ms(const struct store *s, const struct ragd_call *call)
{
	int64_t limit_ms = s->options.reranker.time_ms;

	if (call->deadline_ms == 0)
		return limit_ms;
	return MIN(limit_ms, MAX((call->deadline_ms - clock_ms()) / 2, 0));
}

/*
 * The hits that are to be ranked, up to the first that has nothing to read, and their texts. The
 * number of them; -ENOMEM.
 */
static ssize_t hits_collect(const struct store *s, const struct ragd_hit *hits, size_t n,
			    struct arena *arena, struct ranked_hit *ranked, struct ragd_str *texts)
{
	size_t top = MIN(n, (size_t)s->options.reranker.top);

	for (size_t i = 0; i < top; i++) {
		const struct ragd_passage *p = &hits[i].passage;

		texts[i] = encoder_passage_text(arena, p->title, p->heading, p->text);
		if (texts[i].s == NULL)
			return texts[i].len == 0 ? (ssize_t)i : -ENOMEM;
		ranked[i] = (struct ranked_hit){ .hit = hits[i], .place = i };
	}
	return (ssize_t)top;
}

static int hits_score(const struct store *s, const struct ragd_call *call,
		      const struct ragd_query *query, struct arena *arena,
		      const struct ragd_str *texts, struct ranked_hit *ranked, size_t n,
		      struct ragd_err *err)
{
	const struct store_reranker *r = &s->options.reranker;
	double *scores = arena_alloc(arena, n, sizeof(*scores));
	struct inner_call inner = { .outer = call, .arena = arena };
	size_t len = utf8_whole(query->text.s, MIN(query->text.len, TERMS_TEXT_MAX));
	struct ragd_rerank req = {
		.size = sizeof(req),
		.query = { query->text.s, len },
		.passages = texts,
		.n = n,
	};
	int rc;

	if (scores == NULL)
		return ragd_err_set(err, -ENOMEM, "no memory for %zu scores", n);
	inner_call_init(&inner, "rerank", time_ms(s, call));
	rc = r->rerank(r->arg, r->name, &inner.base, &req, scores, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		ranked[i].relevance = scores[i];
	return rc;
}

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked_hit *x = a, *y = b;

	if (x->relevance != y->relevance)
		return x->relevance < y->relevance ? 1 : -1;
	return x->place < y->place ? -1 : 1;
}

/* The first n_ranked by their relevance, the others below them. */
static void hits_order(struct ragd_hit *hits, size_t n, struct ranked_hit *ranked, size_t n_ranked)
{
	float least;

	qsort(ranked, n_ranked, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < n_ranked; i++) {
		hits[i] = ranked[i].hit;
		hits[i].passage.score = (float)(1 / (1 + exp(-ranked[i].relevance)));
	}
	least = hits[n_ranked - 1].passage.score;
	for (size_t i = n_ranked; i < n; i++)
		hits[i].passage.score = MIN(hits[i].passage.score, least);
}

static int hits_rerank(const struct store *s, const struct ragd_call *call,
		       const struct ragd_query *query, struct arena *arena, struct ragd_hit *hits,
		       size_t n, struct ragd_err *err)
{
	size_t top = MIN(n, (size_t)s->options.reranker.top);
	struct ranked_hit *ranked = arena_alloc(arena, top, sizeof(*ranked));
	struct ragd_str *texts = arena_alloc(arena, top, sizeof(*texts));
	ssize_t n_ranked = -ENOMEM;
	int rc;

	if (ranked != NULL && texts != NULL)
		n_ranked = hits_collect(s, hits, n, arena, ranked, texts);
	if (n_ranked < 0)
		return ragd_err_set(err, (int)n_ranked, "no memory for the passages");
	if (n_ranked == 0)
		return 0;
	rc = hits_score(s, call, query, arena, texts, ranked, (size_t)n_ranked, err);
	if (rc == 0)
		hits_order(hits, n, ranked, (size_t)n_ranked);
	return rc;
}

/* Told once until it works again: as many may search as like. */
static void outcome_tell(struct store *s, int rc, const struct ragd_err *why)
{
	bool failed_before = atomic_exchange(&s->rerank_failing, rc < 0);

	if (rc < 0 && !failed_before)
		store_tell(s, STORE_TROUBLE, "searching without the reranker until it answers: %s",
			   why->msg);
}

int rerank_hits(struct store *s, const struct ragd_call *call, const struct ragd_query *query,
		struct ragd_hit *hits, size_t *n, struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	struct arena *arena;
	int rc;

	if (!is_wanted(s, query) || *n == 0)
		return 0;
	arena = arena_new(MEMORY);
	rc = arena != NULL ? hits_rerank(s, call, query, arena, hits, *n, &why)
			   : ragd_err_set(&why, -ENOMEM, "out of memory");
	arena_free(arena);
	if (rc < 0 && wanted_check(call, err) < 0)
		return err != NULL ? err->code : rc;
	outcome_tell(s, rc, &why);
	*n = MIN(*n, (size_t)query->k);
	return 0;
}
