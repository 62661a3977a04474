/* The engine: its options, its thread, and what is asked of it. */
#include "engine/serve/engine.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/util.h"
#include "engine/serve/engine_private.h"

#define DRAFTERS 4 /* sequences that may draft as much as they like in one step */

/* ---- what it takes -------------------------------------------------------------------------- */

/* Defaults for what was left 0, and the sizes of a pass. */
static void options_settle(struct engine_options *o, size_t *max_tokens, size_t *max_outputs)
{
	const struct model_shape *s = model_shape(o->model);

	o->n_context = o->n_context > 0 ? o->n_context : s->n_context;
	o->max_active = o->max_active > 0 ? o->max_active : 8;
	o->max_waiting = o->max_waiting > 0 ? o->max_waiting : 64;
	o->step_tokens = o->step_tokens > 0 ? o->step_tokens : 256;
	o->max_gap = o->max_gap > 0 ? o->max_gap : 1.6;
	if (!s->causal) {
		*max_tokens = *max_outputs = MAX(o->step_tokens, o->n_context);
		return;
	}
	*max_outputs = o->max_active + MIN(o->max_active, (uint32_t)DRAFTERS) * o->draft_tokens;
	*max_tokens = o->step_tokens + *max_outputs;
}

size_t engine_plan(const struct engine_options *opt)
{
	struct engine_options o = *opt;
	size_t max_tokens, max_outputs, page = model_page_bytes(o.model, o.kv), bytes;

	options_settle(&o, &max_tokens, &max_outputs);
	bytes = run_bytes(o.model, max_tokens, max_outputs, threads_n(o.threads));
	if (!model_shape(o.model)->causal)
		bytes *= 2; /* embed_alloc() */
	else if (page > 0)
		bytes += o.cache_bytes / page * page;
	return bytes;
}

static int check_options(const struct engine_options *o, struct ragd_err *err)
{
	const struct model_shape *s = model_shape(o->model);
	size_t page = model_page_bytes(o->model, o->kv), pages;

	if (o->n_context > s->n_context)
		return ragd_err_set(err, -EINVAL, "context of %u tokens: the model's is %u",
				    (unsigned)o->n_context, (unsigned)s->n_context);
	if (!(o->max_gap > 1))
		return ragd_err_set(err, -EINVAL, "a gap of %g times the usual: more than 1",
				    o->max_gap);
	if (o->max_active > 4096 || o->draft_tokens > 64 || o->step_tokens > 65536)
		return ragd_err_set(
			err, -EINVAL,
			"%u sequences at once (up to 4096), %u drafted tokens (up to 64), "
			"%u tokens a step (up to 65536)",
			(unsigned)o->max_active, (unsigned)o->draft_tokens,
			(unsigned)o->step_tokens);
	if (!s->causal)
		return 0;
	pages = (o->n_context + KV_PAGE - 1) / KV_PAGE;
	if (o->cache_bytes / page < pages)
		return ragd_err_set(err, -EINVAL,
				    "a KV cache of %zu bytes: one context of %u tokens takes %zu",
				    o->cache_bytes, (unsigned)o->n_context, pages * page);
	return 0;
}

/* ---- its thread ----------------------------------------------------------------------------- */

/* Whatever was submitted goes into the line. Under the lock. */
static void take_incoming(struct engine *e)
{
	while (e->incoming != NULL) {
		struct seq *s = e->incoming;

		e->incoming = s->next;
		seq_wait(e, s);
		e->no_room = false;
	}
}

static bool is_idle(const struct engine *e)
{
	return e->incoming == NULL && e->embeds == NULL && e->waiting == NULL && e->n_active == 0;
}

static void engine_trim(struct engine *e)
{
	if (e->cache != NULL)
		cache_trim(e->cache);
	else
		run_trim(e->run);
	e->trimmed = true;
	gate_publish_locked(e);
}

/*
 * Sleep until something happens; under the lock. Where nothing does for long enough, memory goes
 * back: a computer that answers a question an hour has other uses for it.
 */
static void idle_wait(struct engine *e, int64_t idle_from_us)
{
	int64_t until_us = idle_from_us + (int64_t)e->opt.idle_ms * 1000;
	struct timespec until = { .tv_sec = until_us / 1000000,
				  .tv_nsec = until_us % 1000000 * 1000 };

	/* While it is paused, the cache is in the hands of whoever saves or loads it. */
	if (e->opt.idle_ms == 0 || e->trimmed || e->n_paused > 0) {
		pthread_cond_wait(&e->wake, &e->lock);
		return;
	}
	if (pthread_cond_timedwait(&e->wake, &e->lock, &until) != ETIMEDOUT || e->n_paused > 0 ||
	    !is_idle(e))
		return;
	engine_trim(e);
}

/* Wait for work. False: the engine is being closed. */
static bool work_await(struct engine *e)
{
	int64_t idle_from_us = clock_us();
	bool go;

	pthread_mutex_lock(&e->lock);
	gate_publish_locked(e);
	e->stepping = false;
	if (e->n_paused > 0)
		pthread_cond_broadcast(&e->done);
	while (e->n_paused > 0 || (!e->closing && is_idle(e)))
		idle_wait(e, idle_from_us);
	e->trimmed = false;
	take_incoming(e);
	go = !e->closing;
	e->stepping = true;
	pthread_mutex_unlock(&e->lock);
	return go;
}

static void end_sequences(struct engine *e, const struct ragd_err *err)
{
	while (e->n_active > 0)
		seq_fail(e, e->active[e->n_active - 1], err);
	while (e->waiting != NULL) {
		struct seq *s = e->waiting;

		e->waiting = s->next;
		seq_end(e, s, err->code, RAGD_FINISH_STOP, err);
	}
}

/* End everything, and whatever comes in by threads that were just on their way. */
static void end_all(struct engine *e)
{
	struct ragd_err err;

	ragd_err_set(&err, -ECANCELED, "the engine is being closed");
	for (;;) {
		end_sequences(e, &err);
		embed_end(e, &err);
		pthread_mutex_lock(&e->lock);
		while (e->n_callers > 0 && e->incoming == NULL && e->embeds == NULL)
			pthread_cond_wait(&e->wake, &e->lock);
		take_incoming(e);
		if (e->waiting == NULL && e->embeds == NULL && e->n_callers == 0)
			break;
		pthread_mutex_unlock(&e->lock);
	}
	e->stepping = false;
	gate_publish_locked(e);
	pthread_mutex_unlock(&e->lock);
}

static void *engine_run(void *arg)
{
	struct engine *e = arg;

	while (work_await(e)) {
		size_t n_streams = 0, budget;

		admit_drop(e);
		if (e->cache != NULL)
			admit_waiting(e);
		if (e->n_active > 0)
			step_run(e);
		for (size_t i = 0; i < e->n_active; i++)
			n_streams += seq_streams(e->active[i]);
		budget = schedule_budget(&e->cost, n_streams, n_streams, e->max_tokens,
					 e->opt.max_gap);
		/* Beside streams, half: slices of prompts may have had the other. */
		embed_pass(e, n_streams > 0 ? budget / 2 + 1 : budget);
	}
	end_all(e);
	return NULL;
}

/* ---- open, close ---------------------------------------------------------------------------- */

static void engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	cache_close(e->cache);
	run_free(e->run);
	run_free(e->urgent);
	free(e->active);
	free(e->plan);
	free(e->segments);
	free(e->urgent_segments);
	queue_quota_fini(&e->quota);
	buf_fini(&e->piece);
	pthread_cond_destroy(&e->done);
	pthread_cond_destroy(&e->wake);
	pthread_mutex_destroy(&e->lock);
	pthread_mutex_destroy(&e->file);
	free(e);
}

static struct engine *engine_new(const struct engine_options *opt)
{
	struct engine *e = calloc(1, sizeof(*e));
	pthread_condattr_t attr;

	if (e == NULL)
		return NULL;
	e->opt = *opt;
	e->shape = model_shape(opt->model);
	e->embeds_end = &e->embeds;
	for (size_t i = 0; i <= DRAFT_MAX; i++)
		e->accept[i] = 0.6; /* before any draft was made */
	pthread_mutex_init(&e->file, NULL);
	pthread_mutex_init(&e->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&e->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_cond_init(&e->done, NULL);
	return e;
}

static int engine_alloc(struct engine *e, struct ragd_err *err)
{
	size_t n_segments = e->shape->causal ? e->opt.max_active : e->max_tokens, page;
	int rc;

	e->active = calloc(e->opt.max_active, sizeof(struct seq *));
	e->plan = calloc(e->opt.max_active, sizeof(*e->plan));
	e->segments = calloc(n_segments, sizeof(*e->segments));
	if (queue_quota_init(&e->quota, e->opt.max_waiting) < 0 || e->active == NULL ||
	    e->plan == NULL || e->segments == NULL)
		return ragd_err_set(err, -ENOMEM, "engine: out of memory");
	rc = run_new(e->opt.model, e->opt.threads, e->opt.kv, e->max_tokens, e->max_outputs,
		     &e->run, err);
	if (rc == 0 && !e->shape->causal)
		rc = embed_alloc(e, err);
	if (rc < 0 || !e->shape->causal)
		return rc;
	page = model_page_bytes(e->opt.model, e->opt.kv);
	return cache_open(page, e->opt.cache_bytes / page, &e->cache, err);
}

int engine_open(const struct engine_options *opt, struct engine **out, struct ragd_err *err)
{
	struct engine *e = engine_new(opt);
	sigset_t all, old;
	int rc;

	if (e == NULL)
		return ragd_err_set(err, -ENOMEM, "engine: out of memory");
	options_settle(&e->opt, &e->max_tokens, &e->max_outputs);
	rc = check_options(&e->opt, err);
	if (rc == 0)
		rc = engine_alloc(e, err);
	if (rc < 0) {
		engine_free(e);
		return rc;
	}
	gate_publish_locked(e);
	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&e->thread, NULL, engine_run, e);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0) {
		engine_free(e);
		return ragd_err_set(err, -rc, "engine: no thread: %s", strerror(rc));
	}
	*out = e;
	return 0;
}

void engine_close(struct engine *e)
{
	if (e == NULL)
		return;
	pthread_mutex_lock(&e->lock);
	e->closing = true;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->thread, NULL);
	engine_free(e);
}

/* ---- what callers ask for ------------------------------------------------------------------- */

static int check_sampling(const struct engine *e, const struct sampler_options *o,
			  struct ragd_err *err)
{
	if (!(o->temperature >= 0) || isinf(o->temperature))
		return ragd_err_set(err, -EINVAL, "temperature %g: 0 or more",
				    (double)o->temperature);
	if (!(o->top_p > 0 && o->top_p <= 1))
		return ragd_err_set(err, -EINVAL, "top_p %g: more than 0, up to 1",
				    (double)o->top_p);
	if (!(o->min_p >= 0 && o->min_p < 1))
		return ragd_err_set(err, -EINVAL, "min_p %g: 0 or more, below 1", (double)o->min_p);
	if (!(o->repeat_penalty > 0) || isinf(o->repeat_penalty))
		return ragd_err_set(err, -EINVAL, "repetition penalty %g: more than 0 (1 is none)",
				    (double)o->repeat_penalty);
	if (!isfinite(o->presence_penalty) || !isfinite(o->frequency_penalty))
		return ragd_err_set(err, -EINVAL, "a penalty is no number");
	if (o->n_logprobs > 20)
		return ragd_err_set(err, -EINVAL, "%u log-probabilities: up to 20",
				    (unsigned)o->n_logprobs);
	for (size_t i = 0; i < o->n_bias; i++)
		if (o->bias[i].token < 0 || (uint32_t)o->bias[i].token >= e->shape->n_vocab)
			return ragd_err_set(err, -EINVAL, "bias for token %d: there is none",
					    (int)o->bias[i].token);
	return 0;
}

static int check_request(const struct engine *e, const struct engine_request *r,
			 struct ragd_err *err)
{
	size_t most = e->opt.n_context - 1;
	int rc;

	if (e->cache == NULL)
		return ragd_err_set(err, -ENOTSUP, "a model of the kind '%s' has no next token",
				    e->shape->architecture);
	if (r->done == NULL)
		return ragd_err_set(err, -EINVAL,
				    "generate: without done() nobody learns of the end");
	if (r->n == 0)
		return ragd_err_set(err, -EINVAL, "the prompt is empty");
	if (r->n > most)
		return ragd_err_set(err, -EMSGSIZE,
				    "the prompt has %zu tokens, %zu over the %zu that a "
				    "context of %u has room for",
				    r->n, r->n - most, most, (unsigned)e->opt.n_context);
	if (r->n_configured > r->n)
		return ragd_err_set(err, -EINVAL,
				    "generate: of %zu tokens, %zu are the configuration's", r->n,
				    r->n_configured);
	if (r->client > ENGINE_NOBODY)
		return ragd_err_set(err, -EINVAL, "generate: the prompt is nobody's");
	for (size_t i = 0; i < r->n_stop; i++)
		if (r->stop[i].len == 0)
			return ragd_err_set(err, -EINVAL, "generate: stop string %zu is empty", i);
	rc = check_sampling(e, &r->sampling, err);
	return rc < 0 ? rc : gate_check_ids(e, r->ids, r->n, err);
}

int engine_submit(struct engine *e, const struct engine_request *r, struct ragd_err *err)
{
	struct seq *s;
	int rc = check_request(e, r, err);

	if (rc < 0)
		return rc;
	s = seq_new(r->ids, r->n, 1 + e->opt.draft_tokens);
	if (s == NULL)
		return ragd_err_set(err, -ENOMEM, "generate: out of memory");
	s->req = *r;
	s->client = r->client;
	s->n_configured = r->n_configured;
	s->submit_us = clock_us();
	s->usage.n_prompt = (uint32_t)r->n;
	holdback_init(&s->holdback, r->stop, r->n_stop);

	pthread_mutex_lock(&e->lock);
	if (e->closing)
		rc = ragd_err_set(err, -ESHUTDOWN, "generate: the engine is being closed");
	else
		rc = gate_queue(e, s, err);
	pthread_mutex_unlock(&e->lock);
	if (rc < 0)
		seq_free(s);
	return rc;
}

void engine_stats(struct engine *e, struct engine_stats *out)
{
	pthread_mutex_lock(&e->lock);
	*out = e->stats;
	out->n_waiting = (uint32_t)e->quota.n;
	pthread_mutex_unlock(&e->lock);
}

/* ---- the cache as a file -------------------------------------------------------------------- */

/* No step runs from here to engine_resume(). */
static int engine_pause(struct engine *e, struct ragd_err *err)
{
	int rc = gate_enter(e, err);

	if (rc < 0)
		return rc;
	if (e->cache == NULL) {
		gate_leave(e);
		return ragd_err_set(err, -ENOTSUP, "a model of the kind '%s' has no cache",
				    e->shape->architecture);
	}
	pthread_mutex_lock(&e->file);
	pthread_mutex_lock(&e->lock);
	e->n_paused++;
	while (e->stepping)
		pthread_cond_wait(&e->done, &e->lock);
	pthread_mutex_unlock(&e->lock);
	return 0;
}

static void engine_resume(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	e->n_paused--;
	gate_publish_locked(e);
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	pthread_mutex_unlock(&e->file);
	gate_leave(e);
}

int engine_save(struct engine *e, const char *path, const char *stamp, struct ragd_err *err)
{
	int rc = engine_pause(e, err);

	if (rc < 0)
		return rc;
	rc = cache_save(e->cache, path, stamp, err);
	engine_resume(e);
	return rc;
}

int engine_load(struct engine *e, const char *path, const char *stamp, struct ragd_err *err)
{
	int rc = engine_pause(e, err);

	if (rc < 0)
		return rc;
	rc = cache_load(e->cache, path, stamp, err);
	engine_resume(e);
	return rc;
}
