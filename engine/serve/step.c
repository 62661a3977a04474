/*
 * One step: the next token of every stream with what is drafted behind it, and slices of the
 * prompts that are still being read, in one forward pass.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "engine/serve/engine_private.h"

/* Drafts for the streams, as far as rows go; returns the rows that streams take in all. */
static size_t plan_drafts(struct engine *e)
{
	size_t n_streams = 0, spare = e->max_outputs - e->n_active, rows = 0;

	for (size_t i = 0; i < e->n_active; i++)
		n_streams += seq_streams(e->active[i]);
	for (size_t i = 0; i < e->n_active; i++) {
		struct seq *s = e->active[i];

		s->n_draft = 0;
		if (!seq_streams(s))
			continue;
		write_draft(e, s, n_streams, MIN(spare, (size_t)e->opt.draft_tokens));
		spare -= s->n_draft;
		rows += 1 + s->n_draft;
	}
	return rows;
}

/* How much of each goes into the step. */
static void plan_slices(struct engine *e, size_t rows)
{
	int64_t now_us = clock_us();
	size_t n_streams = 0, budget;

	for (size_t i = 0; i < e->n_active; i++) {
		e->plan[i] = seq_plan(e, e->active[i], now_us);
		n_streams += e->plan[i].streams;
	}
	budget = schedule_budget(&e->cost, n_streams, rows, e->opt.step_tokens, e->opt.max_gap);
	schedule_step(e->plan, e->n_active, budget);
	for (size_t i = 0; i < e->n_active; i++)
		e->active[i]->take = e->plan[i].take;
}

/* Rows of logits that s needs of this step; a score may take fewer tokens for want of rows. */
static void plan_outputs(struct engine *e)
{
	size_t spare = e->max_outputs - e->n_active;

	for (size_t i = 0; i < e->n_active; i++)
		spare -= e->active[i]->n_draft;
	for (size_t i = 0; i < e->n_active; i++) {
		struct seq *s = e->active[i];
		size_t to = s->kv + s->take, from;

		if (s->score == NULL) {
			s->n_outputs = s->take > 0 && to == s->n ? 1 + s->n_draft : 0;
			continue;
		}
		from = MAX(s->kv, s->row_from);
		s->n_outputs = to > from ? to - from : 0;
		if (s->n_outputs > 1 + spare) {
			s->take -= s->n_outputs - 1 - spare;
			s->n_outputs = 1 + spare;
		}
		spare -= s->n_outputs > 0 ? s->n_outputs - 1 : 0;
	}
}

/* Back into the line: its tokens are kept, its pages go, though the cache may still have them. */
static void put_back(struct engine *e, struct seq *s)
{
	seq_stop(e, s);
	s->take = s->n_draft = 0;
	seq_wait(e, s);
	e->no_room = true; /* until something else ends */
}

/* Pages for what the step writes, the oldest first; where they run out the youngest is put back. */
static void plan_pages(struct engine *e)
{
	struct ragd_err err;

	for (size_t i = 0; i < e->n_active;) {
		struct seq *s = e->active[i];
		int rc = 0;

		if (s->take > 0)
			rc = cache_seq_reserve(s->pages, s->kv + s->take + s->n_draft, &err);
		if (rc == -ENOSPC && s->n_draft > 0) {
			s->n_draft = 0;
			s->n_outputs = 1;
		} else if (rc == -ENOSPC && (e->n_active > 1 || e->embeds_reading > 0)) {
			put_back(e, e->active[e->n_active - 1]);
		} else if (rc < 0) {
			seq_fail(e, s, &err);
		} else {
			i++;
		}
	}
}

static size_t segments_build(struct engine *e, size_t *rows, size_t *prompt)
{
	size_t n = 0;

	*rows = *prompt = 0;
	for (size_t i = 0; i < e->n_active; i++) {
		struct seq *s = e->active[i];

		if (s->take == 0)
			continue;
		if (seq_streams(s))
			*rows += 1 + s->n_draft;
		else
			*prompt += s->take;
		e->segments[n++] = (struct segment){
			.ids = s->ids + s->kv,
			.n = s->take + s->n_draft,
			.first = s->kv,
			.pages = cache_seq_pages(s->pages),
			.n_outputs = s->n_outputs,
		};
	}
	return n;
}

/* The pass has run: what it gave to s. True if s is gone. */
static bool seq_apply(struct engine *e, struct seq *s, const float *logits, int64_t now_us)
{
	enum ragd_finish finish = RAGD_FINISH_STOP;
	size_t kv = s->kv, used = 0;
	struct ragd_err err;
	bool ended = false;
	int rc = 0, stored;

	clients_charge(&e->clients, s->client, s->take, now_us);
	if (s->score != NULL)
		ended = score_rows(e, s, logits);
	else if (s->n_outputs > 0)
		ended = write_rows(e, s, logits, &used, &rc, &finish);
	stored = cache_seq_commit(s->pages, s->ids + kv, s->take + used);
	s->kv += s->take + used;
	s->n_draft = 0;
	if (stored < 0 && !ended) {
		rc = stored;
		ended = true;
	}
	if (!ended)
		return false;
	seq_stop(e, s);
	if (rc < 0)
		ragd_err_set(&err, rc,
			     rc == -ECANCELED ? "generate: ended by its reader"
					      : "generate: out of memory");
	seq_end(e, s, rc, finish, rc < 0 ? &err : NULL);
	return true;
}

static void run_failed(struct engine *e, const struct ragd_err *err)
{
	for (size_t i = e->n_active; i-- > 0;)
		if (e->active[i]->take > 0)
			seq_fail(e, e->active[i], err);
}

void step_run(struct engine *e)
{
	size_t n_vocab = e->shape->n_vocab, n, rows, prompt;
	int64_t start_us = clock_us(), now_us;
	const float *logits = NULL;
	struct ragd_err err = { 0 };

	plan_slices(e, plan_drafts(e));
	plan_outputs(e);
	plan_pages(e);
	n = segments_build(e, &rows, &prompt);
	if (n == 0)
		return;
	if (run_forward(e->run, e->segments, n, RUN_LOGITS, &logits, &err) < 0) {
		run_failed(e, &err);
		return;
	}
	e->counts.n_steps++;
	now_us = clock_us();
	for (size_t i = 0; i < e->n_active;) {
		struct seq *s = e->active[i];
		size_t n_outputs = s->take > 0 ? s->n_outputs : 0;

		if (s->take == 0 || !seq_apply(e, s, logits, now_us))
			i++;
		logits += n_outputs * n_vocab;
	}
	step_cost_learn(&e->cost, rows, prompt, (double)(clock_us() - start_us));
}
