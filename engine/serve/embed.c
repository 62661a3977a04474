/*
 * Embeddings: texts to unit vectors, several texts to a pass, long ones in windows. An encoder
 * reads whole windows and needs no cache; one that ranks makes a number of a pair of texts. A
 * causal model reads through pages as any other sequence, but what it reads stays out of the tree:
 * a text is hardly ever embedded twice, and would push out prompts.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "base/array.h"
#include "engine/serve/engine_private.h"

#define TOGETHER 8 /* windows of a causal model that are read at once */

/* A pass in the background waits for moments in which nobody else computes, but not for ever. */
#define MOMENT_NS   500000
#define MOMENTS_MAX 80

/* A text, or a part of one that is too long, with the ends that every text has. */
struct window {
	size_t text;
	const int32_t *ids;
	int32_t *own; /* ids, if not the caller's */
	size_t n;
	size_t second; /* of a pair: its second text begins here; else 0 */
	size_t weight; /* tokens without the ends that were repeated */
};

/* A window that a causal model has read up to pos. */
struct window_reading {
	const struct window *w;
	struct cache_seq *pages;
	size_t pos;
	size_t take;
	size_t n_outputs;
	float *rows; /* [w->n][n_embd], or the last alone */
	size_t n_rows;
};

struct embed {
	struct embed *next;
	uint64_t client;
	bool background;
	uint64_t turn; /* when its client had its last, or came; under the engine's lock */
	struct window *windows;
	size_t n_windows, cap_windows;
	size_t next_window; /* the first that is not read and not being read */
	struct window_reading reading[TOGETHER];
	size_t n_reading;
	float *out;    /* [n][n_embd], the caller's */
	float *scores; /* [n], the caller's, of pairs to be ranked; NULL: vectors are made */
	float *vector; /* scratch */
	bool (*cancelled)(void *arg);
	void *arg;
	struct ragd_err err;
	bool done; /* under the engine's lock */
};

static enum model_pooling pooling_used(const struct engine *e)
{
	if (e->opt.pooling != POOLING_NONE)
		return e->opt.pooling;
	if (e->shape->pooling != POOLING_NONE)
		return e->shape->pooling;
	return e->shape->causal ? POOLING_LAST : POOLING_MEAN;
}

static void reading_end(struct engine *e, struct embed *m, size_t i)
{
	cache_seq_free(m->reading[i].pages);
	free(m->reading[i].rows);
	m->n_reading--;
	e->embeds_reading--;
	memmove(&m->reading[i], &m->reading[i + 1], (m->n_reading - i) * sizeof(m->reading[0]));
	e->no_room = false;
}

/* One in the queue has ended; err NULL: well. */
static void embed_finish(struct engine *e, struct embed *m, const struct ragd_err *err)
{
	struct embed **at = &e->embeds;

	while (m->n_reading > 0)
		reading_end(e, m, m->n_reading - 1);
	if (err != NULL)
		m->err = *err;
	if (m->err.code == -ECANCELED)
		e->counts.n_cancelled++;
	if (e->embeds_wait == m)
		e->embeds_wait = NULL;
	gate_publish(e);
	pthread_mutex_lock(&e->lock);
	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	if (*at == NULL)
		e->embeds_end = at;
	m->done = true;
	pthread_cond_broadcast(&e->done);
	pthread_mutex_unlock(&e->lock);
}

/* The rows of a window are there: its share of the text's vector, or the score of the pair. */
static void add_window(const struct engine *e, struct embed *m, const struct window *w,
		       const float *rows, size_t n)
{
	float *out;

	if (m->scores != NULL) {
		m->scores[w->text] = run_rank(e->opt.model, rows, m->vector);
		return;
	}
	out = m->out + w->text * e->shape->n_embd;
	run_pool(e->shape, pooling_used(e), rows, n, m->vector);
	for (size_t i = 0; i < e->shape->n_embd; i++)
		out[i] += m->vector[i] * (float)w->weight;
}

/* ---- encoders ------------------------------------------------------------------------------- */

static int pass_encoder(struct engine *e, struct run *run, struct segment *segments,
			struct embed *m, size_t budget, struct ragd_err *err)
{
	size_t n = 0, tokens = 0;
	const float *rows;
	int rc;

	while (m->next_window + n < m->n_windows) {
		const struct window *w = &m->windows[m->next_window + n];

		if (n > 0 && tokens + w->n > budget)
			break;
		segments[n++] = (struct segment){
			.ids = w->ids, .n = w->n, .n_outputs = w->n, .second = w->second
		};
		tokens += w->n;
	}
	rc = run_forward(run, segments, n, RUN_HIDDEN, &rows, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		const struct window *w = &m->windows[m->next_window++];

		add_window(e, m, w, rows, w->n);
		rows += w->n * e->shape->n_embd;
	}
	return 0;
}

/* ---- causal models -------------------------------------------------------------------------- */

/* Begin to read the next window. -ENOSPC: no pages now. */
static int reading_begin(struct engine *e, struct embed *m, struct ragd_err *err)
{
	const struct window *w = &m->windows[m->next_window];
	struct window_reading r = { .w = w };
	size_t n_rows = pooling_used(e) == POOLING_LAST ? 1 : w->n;
	int rc;

	/* Of one token none is taken from the tree. */
	r.pages = cache_seq_new(e->cache, ENGINE_NOBODY, 0, w->ids, 1);
	r.rows = malloc(n_rows * e->shape->n_embd * sizeof(float));
	if (r.pages == NULL || r.rows == NULL)
		rc = ragd_err_set(err, -ENOMEM, "a text of %zu tokens: out of memory", w->n);
	else
		rc = cache_seq_reserve(r.pages, w->n, err);
	if (rc < 0) {
		cache_seq_free(r.pages);
		free(r.rows);
		return rc;
	}
	m->reading[m->n_reading++] = r;
	e->embeds_reading++;
	m->next_window++;
	return 0;
}

/* Whether one more of its windows may be read: of each client one may, of all together a few. */
static bool may_begin(const struct engine *e, const struct embed *m)
{
	size_t together = MIN((size_t)TOGETHER, e->opt.max_active);

	if (m->next_window == m->n_windows || (e->embeds_wait != NULL && e->embeds_wait != m))
		return false;
	return m->n_reading == 0 || e->embeds_reading < together;
}

/* How much of each window goes into the pass; returns the segments. */
static size_t plan_windows(struct engine *e, struct embed *m, size_t budget)
{
	size_t spare = e->max_outputs, n = 0;

	for (size_t i = 0; i < m->n_reading; i++) {
		struct window_reading *r = &m->reading[i];

		r->take = MIN(r->w->n - r->pos, budget);
		r->n_outputs = r->take;
		if (pooling_used(e) == POOLING_LAST)
			r->n_outputs = r->take > 0 && r->pos + r->take == r->w->n;
		else
			r->take = r->n_outputs = MIN(r->take, spare);
		if (r->n_outputs > spare)
			r->take = r->n_outputs = 0;
		if (r->take == 0)
			continue;
		spare -= r->n_outputs;
		budget -= r->take;
		e->segments[n++] = (struct segment){
			.ids = r->w->ids + r->pos,
			.n = r->take,
			.first = r->pos,
			.pages = cache_seq_pages(r->pages),
			.n_outputs = r->n_outputs,
		};
	}
	return n;
}

static int pass_causal(struct engine *e, struct embed *m, size_t budget, struct ragd_err *err)
{
	size_t dim = e->shape->n_embd, n;
	const float *rows;
	int rc = 0;

	while (rc == 0 && may_begin(e, m))
		rc = reading_begin(e, m, err);
	if (rc < 0 && (rc != -ENOSPC || (e->embeds_reading == 0 && e->n_active == 0)))
		return rc;
	/* Nobody else begins until there is room for us: those that run end some time. */
	if (rc == -ENOSPC && m->n_reading == 0)
		e->embeds_wait = m;
	else if (e->embeds_wait == m)
		e->embeds_wait = NULL;
	n = plan_windows(e, m, budget);
	if (n == 0)
		return 0;
	rc = run_forward(e->run, e->segments, n, RUN_HIDDEN, &rows, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < m->n_reading;) {
		struct window_reading *r = &m->reading[i];

		memcpy(r->rows + r->n_rows * dim, rows, r->n_outputs * dim * sizeof(float));
		rows += r->n_outputs * dim;
		r->n_rows += r->n_outputs;
		r->pos += r->take;
		if (r->pos < r->w->n) {
			i++;
			continue;
		}
		add_window(e, m, r->w, r->rows, r->n_rows);
		reading_end(e, m, i);
	}
	return 0;
}

/* ---- the queue ------------------------------------------------------------------------------ */

/* The one behind m; NULL: the first. */
static struct embed *embed_next(struct engine *e, struct embed *m)
{
	struct embed *next;

	pthread_mutex_lock(&e->lock);
	next = m != NULL ? m->next : e->embeds;
	pthread_mutex_unlock(&e->lock);
	return next;
}

static const char nobody_waits[] = "nobody waits for the result any more";

/* End what was cancelled, at its turn or not. */
static void drop_cancelled(struct engine *e)
{
	struct ragd_err err;

	ragd_err_set(&err, -ECANCELED, "%s", nobody_waits);
	for (struct embed *m = embed_next(e, NULL), *next; m != NULL; m = next) {
		next = embed_next(e, m);
		if (m->cancelled != NULL && m->cancelled(m->arg))
			embed_finish(e, m, &err);
	}
}

/*
 * The oldest of the client that has waited longest for its turn, of those that somebody waits for;
 * else of the others. NULL: there is none.
 */
static struct embed *whose_turn(struct engine *e)
{
	struct embed *first;

	pthread_mutex_lock(&e->lock);
	first = e->embeds;
	for (struct embed *m = e->embeds; m != NULL; m = m->next)
		if (m->background < first->background ||
		    (m->background == first->background && m->turn < first->turn))
			first = m;
	pthread_mutex_unlock(&e->lock);
	return first;
}

/* Its client has had a pass, and is behind all that wait by now. */
static void had_turn(struct engine *e, const struct embed *had)
{
	pthread_mutex_lock(&e->lock);
	e->embed_turns++;
	for (struct embed *m = e->embeds; m != NULL; m = m->next)
		if (m->client == had->client)
			m->turn = e->embed_turns;
	pthread_mutex_unlock(&e->lock);
}

/* m has had a pass, which returned rc. */
static void pass_over(struct engine *e, struct embed *m, int rc, const struct ragd_err *err)
{
	had_turn(e, m);
	if (rc < 0)
		embed_finish(e, m, err);
	else if (m->next_window == m->n_windows && m->n_reading == 0)
		embed_finish(e, m, NULL);
}

/* Another engine is computing where we yield: whatever it is, somebody waits for it. */
static bool others_compute(const struct engine *e)
{
	const struct threads *t = e->opt.yield_to != NULL ? e->opt.yield_to : e->opt.threads;
	const struct timespec moment = { .tv_nsec = MOMENT_NS };
	struct threads_stats before, after;

	threads_stats(t, &before);
	nanosleep(&moment, NULL);
	threads_stats(t, &after);
	return after.n_runs != before.n_runs;
}

/* Between two layers of a pass that nobody waits for: whoever does wait for texts goes first. */
static void embed_urgent(void *arg)
{
	struct engine *e = arg;
	struct ragd_err err = { 0 };
	struct embed *m;
	int rc;

	while ((m = whose_turn(e)) != NULL && !m->background) {
		rc = m->cancelled != NULL && m->cancelled(m->arg)
			     ? ragd_err_set(&err, -ECANCELED, "%s", nobody_waits)
			     : pass_encoder(e, e->urgent, e->urgent_segments, m, e->max_tokens,
					    &err);
		pass_over(e, m, rc, &err);
	}
}

void embed_pass(struct engine *e, size_t budget)
{
	struct ragd_err err = { 0 };
	struct embed *m;
	int rc;

	drop_cancelled(e);
	m = whose_turn(e);
	if (m == NULL)
		return;
	/* Not for ever: it is to end some time, however busy the others are. */
	for (int i = 0; m->background && e->cache == NULL && i < MOMENTS_MAX && others_compute(e);
	     i++)
		m = whose_turn(e);
	if (e->cache != NULL) {
		rc = pass_causal(e, m, m->background ? budget / 4 + 1 : budget, &err);
	} else {
		run_between(e->run, m->background ? embed_urgent : NULL, e);
		rc = pass_encoder(e, e->run, e->segments, m, budget, &err);
	}
	pass_over(e, m, rc, &err);
}

int embed_alloc(struct engine *e, struct ragd_err *err)
{
	e->urgent_segments = calloc(e->max_tokens, sizeof(*e->urgent_segments));
	if (e->urgent_segments == NULL)
		return ragd_err_set(err, -ENOMEM, "engine: out of memory");
	return run_new(e->opt.model, e->opt.threads, e->opt.kv, e->max_tokens, e->max_outputs,
		       &e->urgent, err);
}

void embed_end(struct engine *e, const struct ragd_err *err)
{
	struct embed *m;

	while ((m = embed_next(e, NULL)) != NULL)
		embed_finish(e, m, err);
}

/* ---- the caller's thread -------------------------------------------------------------------- */

static struct window *window_add(struct embed *m)
{
	if (!array_reserve(&m->windows, &m->cap_windows, m->n_windows + 1, sizeof(*m->windows)))
		return NULL;
	return memset(&m->windows[m->n_windows++], 0, sizeof(struct window));
}

/* The windows of a text: itself, or parts of its middle, each with the text's own ends. */
static int windows_cut(const struct engine *e, struct embed *m, const struct tokens *t, size_t text)
{
	const struct vocab *v = e->opt.vocab;
	size_t limit = e->opt.n_context, front, back, from, body;
	struct window *w;

	if (t->n <= limit) {
		w = window_add(m);
		if (w == NULL)
			return -ENOMEM;
		*w = (struct window){ .text = text, .ids = t->ids, .n = t->n, .weight = t->n };
		return 0;
	}
	front = t->ids[0] == vocab_cls(v) || t->ids[0] == vocab_bos(v);
	back = t->ids[t->n - 1] == vocab_sep(v) || t->ids[t->n - 1] == vocab_eos(v);
	if (front + back >= limit)
		front = back = 0;
	for (from = front; from < t->n - back; from += body) {
		body = MIN(limit - front - back, t->n - back - from);
		w = window_add(m);
		if (w == NULL)
			return -ENOMEM;
		w->own = malloc((front + body + back) * sizeof(*w->own));
		if (w->own == NULL)
			return -ENOMEM;
		memcpy(w->own, t->ids, front * sizeof(*w->own));
		memcpy(w->own + front, t->ids + from, body * sizeof(*w->own));
		memcpy(w->own + front + body, t->ids + t->n - back, back * sizeof(*w->own));
		w->text = text;
		w->ids = w->own;
		w->n = front + body + back;
		w->weight = body;
	}
	return 0;
}

static int embed_prepare(const struct engine *e, struct embed *m, const struct tokens *texts,
			 size_t n, struct ragd_err *err)
{
	int rc;

	m->vector = malloc(e->shape->n_embd * sizeof(float));
	if (m->vector == NULL)
		return ragd_err_set(err, -ENOMEM, "embed: out of memory");
	for (size_t i = 0; i < n; i++) {
		if (texts[i].n == 0)
			return ragd_err_set(err, -EINVAL, "embed: text %zu has no tokens", i);
		rc = gate_check_ids(e, texts[i].ids, texts[i].n, err);
		if (rc == 0 && windows_cut(e, m, &texts[i], i) < 0)
			rc = ragd_err_set(err, -ENOMEM, "embed: out of memory");
		if (rc < 0)
			return rc;
	}
	memset(m->out, 0, n * e->shape->n_embd * sizeof(float));
	return 0;
}

static void unit_length(float *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * v[i];
	for (size_t i = 0; i < n && sum > 0; i++)
		v[i] = (float)(v[i] / sqrt(sum));
}

/* Behind the others of its client, or as a client whose turn is the last. Under the lock. */
static void embed_queue(struct engine *e, struct embed *m)
{
	m->turn = ++e->embed_turns;
	for (const struct embed *other = e->embeds; other != NULL; other = other->next)
		if (other->client == m->client)
			m->turn = other->turn;
	*e->embeds_end = m;
	e->embeds_end = &m->next;
}

static int embed_wait(struct engine *e, struct embed *m, struct ragd_err *err)
{
	int rc = gate_enter(e, err);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&e->lock);
	embed_queue(e, m);
	e->stats.n_requests++;
	for (size_t i = 0; i < m->n_windows; i++)
		e->stats.n_prompt_tokens += m->windows[i].n;
	pthread_cond_signal(&e->wake);
	while (!m->done)
		pthread_cond_wait(&e->done, &e->lock);
	pthread_mutex_unlock(&e->lock);
	gate_leave(e);
	return m->err.code < 0 ? ragd_err_set(err, m->err.code, "%s: %s",
					      m->scores != NULL ? "rerank" : "embed", m->err.msg)
			       : 0;
}

static void embed_fini(struct embed *m)
{
	for (size_t i = 0; i < m->n_windows; i++)
		free(m->windows[i].own);
	free(m->windows);
	free(m->vector);
}

static int texts_embed(struct engine *e, struct embed *m, const struct tokens *texts, size_t n,
		       struct ragd_err *err)
{
	int rc = e->shape->ranks ? ragd_err_set(err, -ENOTSUP,
						"embed: the model ranks passages, it makes no "
						"vectors")
				 : embed_prepare(e, m, texts, n, err);

	if (rc == 0)
		rc = embed_wait(e, m, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		unit_length(m->out + i * e->shape->n_embd, e->shape->n_embd);
	embed_fini(m);
	return rc;
}

int engine_embed(struct engine *e, uint64_t client, const struct tokens *texts, size_t n,
		 float *out, bool (*cancelled)(void *arg), void *arg, struct ragd_err *err)
{
	struct embed m = { .client = client, .out = out, .cancelled = cancelled, .arg = arg };

	return n > 0 ? texts_embed(e, &m, texts, n, err) : 0;
}

int engine_embed_background(struct engine *e, uint64_t client, const struct tokens *texts, size_t n,
			    float *out, bool (*cancelled)(void *arg), void *arg,
			    struct ragd_err *err)
{
	struct embed m = {
		.client = client, .background = true, .out = out, .cancelled = cancelled, .arg = arg
	};

	return n > 0 ? texts_embed(e, &m, texts, n, err) : 0;
}

/* ---- pairs that are ranked ------------------------------------------------------------------ */

static int pair_check(const struct engine *e, const struct engine_pair *pair, size_t i,
		      struct ragd_err *err)
{
	if (pair->second == 0 || pair->second >= pair->n)
		return ragd_err_set(err, -EINVAL, "rerank: pair %zu lacks one of its texts", i);
	if (pair->n > e->opt.n_context)
		return ragd_err_set(err, -EMSGSIZE, "rerank: pair %zu has %zu tokens, %zu too many",
				    i, pair->n, pair->n - e->opt.n_context);
	return gate_check_ids(e, pair->ids, pair->n, err);
}

static int rank_prepare(const struct engine *e, struct embed *m, const struct engine_pair *pairs,
			size_t n, struct ragd_err *err)
{
	int rc = 0;

	m->vector = malloc(2 * e->shape->n_embd * sizeof(float));
	m->windows = calloc(n, sizeof(*m->windows));
	if (m->vector == NULL || m->windows == NULL)
		return ragd_err_set(err, -ENOMEM, "rerank: out of memory");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		rc = pair_check(e, &pairs[i], i, err);
		m->windows[m->n_windows++] = (struct window){
			.text = i, .ids = pairs[i].ids, .n = pairs[i].n, .second = pairs[i].second
		};
	}
	return rc;
}

int engine_rerank(struct engine *e, uint64_t client, const struct engine_pair *pairs, size_t n,
		  float *scores, bool (*cancelled)(void *arg), void *arg, struct ragd_err *err)
{
	struct embed m = { .client = client, .scores = scores, .cancelled = cancelled, .arg = arg };
	int rc;

	if (!e->shape->ranks)
		return ragd_err_set(err, -ENOTSUP, "rerank: the model has no head that ranks");
	if (n == 0)
		return 0;
	rc = rank_prepare(e, &m, pairs, n, err);
	if (rc == 0)
		rc = embed_wait(e, &m, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (!isfinite(scores[i]))
			rc = ragd_err_set(err, -EIO, "rerank: pair %zu has no finite score", i);
	embed_fini(&m);
	return rc;
}
