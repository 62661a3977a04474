#include "safety/rules/patterns.h"

#include <hs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text/ascii.h"
#include "base/util.h"
#include "safety/rules/hs_cache.h"
#include "safety/rules/phrases.h"

#define IDLE_MAX 32

/*
 * Scratch space is one thread's at a time; finished ones wait here for the next. It is all that
 * changes while threads scan, so it is apart from `struct patterns`, which they share as const.
 */
struct scratch_pool {
	pthread_mutex_t lock;
	hs_scratch_t *proto;
	hs_scratch_t *idle[IDLE_MAX];
	size_t n;
};

struct patterns {
	struct phrases whole;  /* for prompts and documents: looked up */
	struct phrases pieces; /* for responses: through libhs, which keeps its place in a stream */
	hs_database_t *block_re_db; /* NULL: there is none of the sort */
	hs_database_t *stream_lit_db;
	hs_database_t *stream_re_db;
	size_t re_width; /* of the widest regular expression for responses */
	uint32_t stages;
	struct scratch_pool *scratch; /* owned */
};

struct pattern_stream {
	const struct patterns *p;
	hs_stream_t *lit;
	hs_stream_t *re;
	size_t fed;
};

struct hit_sink {
	const struct phrases *phrases;
	struct pattern_hits *hits;
};

void hits_fini(struct pattern_hits *h)
{
	free(h->item);
	*h = (struct pattern_hits){ 0 };
}

static void hits_add(struct pattern_hits *h, const struct pattern_hit *hit)
{
	if (!array_reserve(&h->item, &h->cap, h->n + 1, sizeof(*h->item))) {
		h->failed = true;
		return;
	}
	h->item[h->n++] = *hit;
}

static struct scratch_pool *scratch_pool_new(void)
{
	struct scratch_pool *pool = calloc(1, sizeof(*pool));

	if (pool != NULL && pthread_mutex_init(&pool->lock, NULL) != 0) {
		free(pool);
		return NULL;
	}
	return pool;
}

static void scratch_pool_free(struct scratch_pool *pool)
{
	for (size_t i = 0; i < pool->n; i++)
		hs_free_scratch(pool->idle[i]);
	hs_free_scratch(pool->proto);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

/* Make the space fit the database, too. */
static int scratch_pool_add(struct scratch_pool *pool, const hs_database_t *db,
			    struct ragd_err *err)
{
	if (db != NULL && hs_alloc_scratch(db, &pool->proto) != HS_SUCCESS)
		return ragd_err_set(err, -ENOMEM, "compile rules: out of memory");
	return 0;
}

static hs_scratch_t *scratch_take(struct scratch_pool *pool)
{
	hs_scratch_t *s = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->n > 0)
		s = pool->idle[--pool->n];
	else if (hs_clone_scratch(pool->proto, &s) != HS_SUCCESS)
		s = NULL;
	pthread_mutex_unlock(&pool->lock);
	return s;
}

static void scratch_give(struct scratch_pool *pool, hs_scratch_t *s)
{
	pthread_mutex_lock(&pool->lock);
	if (pool->n < IDLE_MAX) {
		pool->idle[pool->n++] = s;
		s = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	hs_free_scratch(s);
}

static int phrases_compile(const struct phrases *ph, unsigned mode, const char *cache_dir,
			   hs_database_t **out, struct ragd_err *err)
{
	struct hs_source src = { .mode = mode, .literal = true };
	int rc = 0;

	if (ph->n == 0)
		return 0;
	src.exprs = calloc(ph->n, sizeof(*src.exprs));
	src.lens = calloc(ph->n, sizeof(*src.lens));
	src.flags = calloc(ph->n, sizeof(*src.flags));
	src.ids = calloc(ph->n, sizeof(*src.ids));
	if (src.exprs == NULL || src.lens == NULL || src.flags == NULL || src.ids == NULL)
		rc = ragd_err_set(err, -ENOMEM, "compile rules: out of memory");
	for (size_t i = 0; rc == 0 && i < ph->n; i++) {
		src.exprs[i] = ph->item[i].text;
		src.lens[i] = ph->item[i].len;
		src.ids[i] = (unsigned)i;
	}
	src.n = (unsigned)ph->n;
	if (rc == 0)
		rc = hs_cached_compile(&src, cache_dir, out, NULL, err);
	free(src.exprs);
	free(src.lens);
	free(src.flags);
	free(src.ids);
	return rc;
}

static int regex_width(const struct rule_term *t, size_t *width, struct ragd_err *err)
{
	hs_compile_error_t *why = NULL;
	hs_expr_info_t *info = NULL;
	int rc = 0;

	if (hs_expression_info(t->regex, HS_FLAG_CASELESS | HS_FLAG_SOM_LEFTMOST, &info, &why) !=
	    HS_SUCCESS) {
		rc = ragd_err_set(err, -EINVAL, "%s:%u: /%.60s/: %s", t->file, t->line, t->regex,
				  why != NULL ? why->message : "cannot be compiled");
		hs_free_compile_error(why);
		return rc;
	}
	if (info->max_width > REGEX_WIDTH_MAX)
		rc = ragd_err_set(
			err, -EINVAL,
			"%s:%u: /%.60s/ is for responses and may match more than %d bytes: "
			"write .{0,40} rather than .*",
			t->file, t->line, t->regex, REGEX_WIDTH_MAX);
	else
		*width = MAX(*width, info->max_width);
	free(info);
	return rc;
}

static int regexes_compile(const struct rules *r, uint32_t stages, unsigned mode,
			   const char *cache_dir, hs_database_t **out, struct ragd_err *err)
{
	struct hs_source src = { .mode = mode };
	int bad = -1, rc = 0;

	src.exprs = calloc(r->n_terms + 1, sizeof(*src.exprs));
	src.flags = calloc(r->n_terms + 1, sizeof(*src.flags));
	src.ids = calloc(r->n_terms + 1, sizeof(*src.ids));
	if (src.exprs == NULL || src.flags == NULL || src.ids == NULL)
		rc = ragd_err_set(err, -ENOMEM, "compile rules: out of memory");
	for (unsigned i = 0; rc == 0 && i < r->n_terms; i++) {
		if (!(r->terms[i].stages & stages) || r->terms[i].regex == NULL)
			continue;
		src.exprs[src.n] = r->terms[i].regex;
		src.flags[src.n] = HS_FLAG_CASELESS | HS_FLAG_SOM_LEFTMOST;
		src.ids[src.n++] = i;
	}
	if (rc == 0 && src.n > 0)
		rc = hs_cached_compile(&src, cache_dir, out, &bad, err);
	if (rc == -EINVAL && bad >= 0) {
		const struct rule_term *t = &r->terms[src.ids[bad]];
		struct ragd_err why = { 0 };

		if (err != NULL)
			why = *err;
		rc = ragd_err_set(err, rc, "%s:%u: /%.60s/: %s", t->file, t->line, t->regex,
				  why.msg);
	}
	free(src.exprs);
	free(src.flags);
	free(src.ids);
	return rc;
}

int patterns_new(const struct rules *rules, const char *cache_dir, struct patterns **out,
		 struct ragd_err *err)
{
	const uint32_t whole = 1u << RAGD_STAGE_PROMPT | 1u << RAGD_STAGE_DOCUMENT;
	const uint32_t pieces = 1u << RAGD_STAGE_RESPONSE;
	const unsigned stream = HS_MODE_STREAM | HS_MODE_SOM_HORIZON_LARGE;
	struct patterns *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL || (p->scratch = scratch_pool_new()) == NULL) {
		free(p);
		return ragd_err_set(err, -ENOMEM, "compile rules: out of memory");
	}
	for (size_t i = 0; i < rules->n_rules; i++)
		p->stages |= rules->rules[i].stages;
	rc = phrases_init(&p->whole, rules, whole);
	if (rc == 0)
		rc = phrases_init(&p->pieces, rules, pieces);
	if (rc < 0)
		ragd_err_set(err, rc, "compile rules: out of memory");
	for (size_t i = 0; rc == 0 && i < rules->n_terms; i++)
		if (rules->terms[i].regex != NULL && rules->terms[i].stages & pieces)
			rc = regex_width(&rules->terms[i], &p->re_width, err);
	if (rc == 0)
		rc = phrases_compile(&p->pieces, HS_MODE_STREAM, cache_dir, &p->stream_lit_db, err);
	if (rc == 0)
		rc = regexes_compile(rules, whole, HS_MODE_BLOCK, cache_dir, &p->block_re_db, err);
	if (rc == 0)
		rc = regexes_compile(rules, pieces, stream, cache_dir, &p->stream_re_db, err);
	if (rc == 0)
		rc = scratch_pool_add(p->scratch, p->block_re_db, err);
	if (rc == 0)
		rc = scratch_pool_add(p->scratch, p->stream_lit_db, err);
	if (rc == 0)
		rc = scratch_pool_add(p->scratch, p->stream_re_db, err);
	if (rc < 0) {
		patterns_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void patterns_free(struct patterns *p)
{
	if (p == NULL)
		return;
	scratch_pool_free(p->scratch);
	hs_free_database(p->block_re_db);
	hs_free_database(p->stream_lit_db);
	hs_free_database(p->stream_re_db);
	phrases_fini(&p->whole);
	phrases_fini(&p->pieces);
	free(p);
}

bool patterns_has(const struct patterns *p, enum ragd_stage stage)
{
	return p->stages & 1u << stage;
}

static int on_literal(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		      void *arg)
{
	struct hit_sink *sink = arg;
	const struct phrase *ph = &sink->phrases->item[id];

	(void)from;
	(void)flags;
	hits_add(sink->hits, &(struct pattern_hit){ ph->term, true, ph->whole, (size_t)to - ph->len,
						    (size_t)to });
	return 0;
}

static void on_phrase(void *arg, const struct phrase *ph, size_t start)
{
	hits_add(arg, &(struct pattern_hit){ ph->term, true, ph->whole, start, start + ph->len });
}

static int on_regex(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		    void *arg)
{
	struct hit_sink *sink = arg;

	(void)flags;
	hits_add(sink->hits, &(struct pattern_hit){ id, false, false, (size_t)from, (size_t)to });
	return 0;
}

static int by_end(const void *pa, const void *pb)
{
	const struct pattern_hit *a = pa, *b = pb;

	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	return (a->start > b->start) - (a->start < b->start);
}

int patterns_scan(const struct patterns *p, const char *text, size_t len, struct pattern_hits *hits)
{
	struct hit_sink sink = { &p->whole, hits };
	hs_scratch_t *scratch;
	hs_error_t rc = HS_SUCCESS;

	phrases_find(&p->whole, text, len, on_phrase, hits);
	if (p->block_re_db != NULL && len > 0) {
		scratch = scratch_take(p->scratch);
		if (scratch == NULL)
			return -ENOMEM;
		rc = hs_scan(p->block_re_db, text, (unsigned)len, 0, scratch, on_regex, &sink);
		scratch_give(p->scratch, scratch);
	}
	if (hits->n > 1)
		qsort(hits->item, hits->n, sizeof(*hits->item), by_end);
	return rc == HS_SUCCESS && !hits->failed ? 0 : -ENOMEM;
}

int pattern_stream_open(const struct patterns *p, struct pattern_stream **out)
{
	struct pattern_stream *ps = calloc(1, sizeof(*ps));
	hs_error_t rc = HS_SUCCESS;

	if (ps == NULL)
		return -ENOMEM;
	ps->p = p;
	if (p->stream_lit_db != NULL)
		rc = hs_open_stream(p->stream_lit_db, 0, &ps->lit);
	if (rc == HS_SUCCESS && p->stream_re_db != NULL)
		rc = hs_open_stream(p->stream_re_db, 0, &ps->re);
	if (rc != HS_SUCCESS) {
		pattern_stream_close(ps);
		return -ENOMEM;
	}
	*out = ps;
	return 0;
}

void pattern_stream_close(struct pattern_stream *ps)
{
	if (ps == NULL)
		return;
	hs_close_stream(ps->lit, NULL, NULL, NULL);
	hs_close_stream(ps->re, NULL, NULL, NULL);
	free(ps);
}

int pattern_stream_feed(struct pattern_stream *ps, const char *text, size_t len,
			struct pattern_hits *hits)
{
	struct hit_sink sink = { &ps->p->pieces, hits };
	struct scratch_pool *pool = ps->p->scratch;
	hs_scratch_t *scratch;
	hs_error_t rc = HS_SUCCESS;

	if (len == 0)
		return 0;
	scratch = scratch_take(pool);
	if (scratch == NULL)
		return -ENOMEM;
	if (ps->lit != NULL)
		rc = hs_scan_stream(ps->lit, text, (unsigned)len, 0, scratch, on_literal, &sink);
	if (rc == HS_SUCCESS && ps->re != NULL)
		rc = hs_scan_stream(ps->re, text, (unsigned)len, 0, scratch, on_regex, &sink);
	scratch_give(pool, scratch);
	ps->fed += len;
	return rc == HS_SUCCESS && !hits->failed ? 0 : -ENOMEM;
}

int pattern_stream_end(struct pattern_stream *ps, struct pattern_hits *hits)
{
	struct hit_sink sink = { &ps->p->pieces, hits };
	struct scratch_pool *pool = ps->p->scratch;
	hs_scratch_t *scratch;
	hs_error_t rc;

	if (ps->re == NULL)
		return 0;
	scratch = scratch_take(pool);
	if (scratch == NULL)
		return -ENOMEM;
	rc = hs_close_stream(ps->re, scratch, on_regex, &sink);
	ps->re = NULL;
	scratch_give(pool, scratch);
	return rc == HS_SUCCESS && !hits->failed ? 0 : -ENOMEM;
}

size_t patterns_partial(const struct patterns *p, const char *text, size_t len)
{
	size_t most = MIN(len, p->pieces.longest), width = p->re_width > 0 ? p->re_width + 1 : 0;

	for (size_t n = most; n > width; n--) {
		size_t i = len - n;

		if (i > 0 && ascii_is_alnum(text[i - 1]) && ascii_is_alnum(text[i]))
			continue;
		if (phrases_may_begin(&p->pieces, text + i, n))
			return n;
	}
	return MIN(len, width);
}

size_t patterns_width(const struct patterns *p)
{
	return MAX(p->pieces.longest, p->re_width + 1);
}
