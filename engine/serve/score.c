/*
 * Scoring: the prompt is read once, and its last row gives the first token of every continuation.
 * Those of more tokens then run as sequences of their own, which find the prompt in the cache.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/serve/engine_private.h"

struct score {
	struct engine *e;
	const struct tokens *continuations;
	size_t n;
	double *sums;       /* [n] */
	struct seq **parts; /* [n]: of continuations of more than a token, not queued yet */
	size_t n_left;      /* sequences that are queued or to be queued */
	bool (*cancelled)(void *arg);
	void *arg;
	struct ragd_err err; /* code < 0: failed, the rest is dropped */
	bool done;           /* under the engine's lock */
};

bool score_cancelled(struct score *sc)
{
	return sc->err.code < 0 || (sc->cancelled != NULL && sc->cancelled(sc->arg));
}

static double token_logprob_of(const struct engine *e, const float *row, int32_t id)
{
	return (double)row[id] -
	       sampler_log_sum(model_kernels(e->opt.model), row, e->shape->n_vocab);
}

bool score_rows(struct engine *e, struct seq *s, const float *rows)
{
	struct score *sc = s->score;
	double sum;

	if (s->index != SIZE_MAX) {
		const struct tokens *t = &sc->continuations[s->index];

		for (size_t i = 0; i < s->n_outputs; i++, s->row_from++)
			sc->sums[s->index] +=
				token_logprob_of(e, rows + i * e->shape->n_vocab,
						 t->ids[s->row_from - s->n_prompt + 1]);
		return s->row_from == s->n;
	}
	if (s->n_outputs == 0)
		return false;
	sum = sampler_log_sum(model_kernels(e->opt.model), rows, e->shape->n_vocab);
	for (size_t i = 0; i < sc->n; i++)
		sc->sums[i] = (double)rows[sc->continuations[i].ids[0]] - sum;
	return true;
}

/* The prompt is in the cache: the continuations may run. */
static void queue_parts(struct engine *e, struct score *sc)
{
	for (size_t i = 0; i < sc->n; i++) {
		if (sc->parts[i] == NULL)
			continue;
		pthread_mutex_lock(&e->lock);
		sc->parts[i]->id = ++e->last_id;
		pthread_mutex_unlock(&e->lock);
		seq_wait(e, sc->parts[i]);
		sc->parts[i] = NULL;
	}
}

void score_part(struct engine *e, struct seq *s, int rc, const struct ragd_err *err)
{
	struct score *sc = s->score;

	if (rc < 0 && sc->err.code == 0)
		sc->err = *err;
	if (s->index == SIZE_MAX && rc == 0)
		queue_parts(e, sc);
	if (s->index == SIZE_MAX && rc < 0)
		sc->n_left = 1; /* engine_score() frees the parts */
	seq_free(s);
	if (--sc->n_left > 0)
		return;
	if (sc->err.code == -ECANCELED)
		e->counts.n_cancelled++;
	gate_publish(e);
	pthread_mutex_lock(&e->lock);
	sc->done = true;
	pthread_cond_broadcast(&e->done);
	pthread_mutex_unlock(&e->lock);
}

/* prompt + all of the continuation but its last token, whose row nobody needs. */
static struct seq *part_new(struct score *sc, uint64_t client, const int32_t *prompt,
			    size_t n_prompt, size_t i)
{
	const struct tokens *t = &sc->continuations[i];
	struct seq *s = seq_new(prompt, n_prompt, t->n - 1);

	if (s == NULL)
		return NULL;
	memcpy(s->ids + n_prompt, t->ids, (t->n - 1) * sizeof(*t->ids));
	s->n += t->n - 1;
	s->row_from = n_prompt;
	s->index = i;
	s->score = sc;
	s->client = client;
	s->admitted = true; /* never in line for a place of its own */
	return s;
}

static int score_check(const struct engine *e, uint64_t client, const int32_t *prompt,
		       size_t n_prompt, const struct tokens *c, size_t n, struct ragd_err *err)
{
	int rc = 0;

	if (e->cache == NULL)
		return ragd_err_set(err, -ENOTSUP,
				    "score: a model of the kind '%s' has no next token",
				    e->shape->architecture);
	if (n_prompt == 0 || client > ENGINE_NOBODY)
		return ragd_err_set(err, -EINVAL, "score: the prompt is %s",
				    n_prompt == 0 ? "empty" : "nobody's");
	rc = gate_check_ids(e, prompt, n_prompt, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		size_t all = n_prompt + c[i].n;

		if (c[i].n == 0)
			rc = ragd_err_set(err, -EINVAL, "score: continuation %zu is empty", i);
		else if (all > e->opt.n_context)
			rc = ragd_err_set(
				err, -EMSGSIZE,
				"score: prompt and continuation of %zu tokens, %zu over the "
				"context of %u",
				all, all - e->opt.n_context, (unsigned)e->opt.n_context);
		else
			rc = gate_check_ids(e, c[i].ids, c[i].n, err);
	}
	return rc;
}

/* Queue the prompt and wait for the end. */
static int score_wait(struct engine *e, struct score *sc, struct seq *s, struct ragd_err *err)
{
	int rc = gate_enter(e, err);

	if (rc < 0) {
		seq_free(s);
		return rc;
	}
	s->score = sc;
	s->index = SIZE_MAX;
	s->row_from = s->n - 1;
	pthread_mutex_lock(&e->lock);
	rc = gate_queue(e, s, err);
	while (rc == 0 && !sc->done)
		pthread_cond_wait(&e->done, &e->lock);
	pthread_mutex_unlock(&e->lock);
	gate_leave(e);
	if (rc < 0) {
		seq_free(s);
		return rc;
	}
	return sc->err.code < 0 ? ragd_err_set(err, sc->err.code, "score: %s", sc->err.msg) : 0;
}

int engine_score(struct engine *e, uint64_t client, const int32_t *prompt, size_t n_prompt,
		 const struct tokens *continuations, size_t n, double *logprobs,
		 bool (*cancelled)(void *arg), void *arg, struct ragd_err *err)
{
	struct score sc = {
		.e = e,
		.continuations = continuations,
		.n = n,
		.n_left = 1,
		.cancelled = cancelled,
		.arg = arg,
	};
	struct seq *s = NULL;
	int rc = score_check(e, client, prompt, n_prompt, continuations, n, err);

	if (rc < 0 || n == 0)
		return rc;
	sc.sums = calloc(n, sizeof(*sc.sums));
	sc.parts = calloc(n, sizeof(struct seq *));
	s = seq_new(prompt, n_prompt, 0);
	if (sc.sums == NULL || sc.parts == NULL || s == NULL)
		rc = -ENOMEM;
	else
		s->client = client;
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (continuations[i].n == 1)
			continue;
		sc.parts[i] = part_new(&sc, client, prompt, n_prompt, i);
		sc.n_left++;
		if (sc.parts[i] == NULL)
			rc = -ENOMEM;
	}
	if (rc < 0) {
		seq_free(s);
		ragd_err_set(err, rc, "score: %zu continuations: out of memory", n);
	} else {
		rc = score_wait(e, &sc, s, err);
	}
	if (rc == 0)
		memcpy(logprobs, sc.sums, n * sizeof(*logprobs));
	for (size_t i = 0; i < n && sc.parts != NULL; i++)
		seq_free(sc.parts[i]);
	free(sc.parts);
	free(sc.sums);
	return rc;
}
