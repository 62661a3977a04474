/*
 * What runs: chosen by fairness, while there are places and pages. A prompt stays in line while
 * another that begins in the same way is being read, until that beginning is in the cache. Every
 * round looks again at what is ahead of it, so it does not depend on the other getting there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "engine/serve/engine_private.h"

static bool is_cancelled(const struct seq *s)
{
	if (s->score != NULL)
		return score_cancelled(s->score);
	return s->req.cancelled != NULL && s->req.cancelled(s->req.arg);
}

static void end_waiting(struct engine *e, struct seq *s, const struct ragd_err *err)
{
	if (!s->admitted) {
		pthread_mutex_lock(&e->lock);
		queue_quota_leave(&e->quota, s->client);
		pthread_mutex_unlock(&e->lock);
	}
	seq_end(e, s, err->code, RAGD_FINISH_STOP, err);
}

void admit_drop(struct engine *e)
{
	struct ragd_err err;

	ragd_err_set(&err, -ECANCELED, "nobody waits for the answer any more");
	for (size_t i = e->n_active; i-- > 0;)
		if (is_cancelled(e->active[i]))
			seq_fail(e, e->active[i], &err);
	for (struct seq **at = &e->waiting; *at != NULL;) {
		struct seq *s = *at;

		if (!is_cancelled(s)) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		end_waiting(e, s, &err);
	}
}

/*
 * Tokens that both begin with, in whole pages that s could use: pages of the configuration, and
 * behind those of its own.
 */
static size_t shared_prefix(const struct seq *a, const struct seq *s)
{
	size_t n = MIN(a->n, s->n - 1), i = 0;
	size_t x = a->n_configured / KV_PAGE, y = s->n_configured / KV_PAGE;

	if (a->client != s->client || x != y)
		n = MIN(n, MIN(x, y) * KV_PAGE);
	while (i < n && a->ids[i] == s->ids[i])
		i++;
	return i / KV_PAGE * KV_PAGE;
}

/* Whether s had better wait for the pages that a running sequence is about to fill. */
static bool is_behind(const struct engine *e, struct seq *s)
{
	size_t have = SIZE_MAX;

	for (size_t i = 0; i < e->n_active && s->behind_len > 0; i++)
		if (e->active[i]->id == s->behind && e->active[i]->kv < s->behind_len)
			return true;
	s->behind_len = 0;
	for (size_t i = 0; i < e->n_active; i++) {
		const struct seq *a = e->active[i];
		size_t len;

		if (seq_streams(a))
			continue;
		len = shared_prefix(a, s);
		if (len <= a->kv || len <= s->behind_len)
			continue;
		if (have == SIZE_MAX)
			have = cache_match(e->cache, s->client, s->n_configured, s->ids, s->n);
		if (len < have + KV_PAGE)
			continue;
		s->behind = a->id;
		s->behind_len = len;
	}
	return s->behind_len > 0;
}

/* The first in line of those that were not passed over. */
static struct seq *first_in_line(struct engine *e, int64_t now_us)
{
	struct schedule_seq best = { 0 };
	struct seq *first = NULL;

	for (struct seq *s = e->waiting; s != NULL; s = s->next) {
		struct schedule_seq plan = seq_plan(e, s, now_us);

		if (!s->skip && (first == NULL || schedule_before(&plan, &best))) {
			first = s;
			best = plan;
		}
	}
	return first;
}

static int make_ready(struct engine *e, struct seq *s)
{
	const struct sampler_options *o = &s->req.sampling;

	if (s->score != NULL || s->sampler != NULL)
		return 0;
	s->sampler = sampler_new(o, e->shape->n_vocab, model_kernels(e->opt.model));
	if (o->n_logprobs > 0)
		s->logprobs = calloc(1 + o->n_logprobs, sizeof(*s->logprobs));
	if (e->opt.draft_tokens > 0)
		s->draft = draft_new(); /* without: no harm done */
	if (s->sampler == NULL || (o->n_logprobs > 0 && s->logprobs == NULL))
		return -ENOMEM;
	sampler_see(s->sampler, s->ids, s->n);
	memcpy(s->accept, e->accept, sizeof(s->accept));
	return 0;
}

/*
 * Pages for all that s has to read and a token more, so that no prompt is given up half-read for
 * want of room; and while others run, a page for each of them to grow.
 */
static int take_pages(struct engine *e, struct seq *s, struct ragd_err *err)
{
	size_t from = s->score != NULL ? s->row_from + 1 : s->n;
	struct cache_stats st;
	int rc;

	s->pages = cache_seq_new(e->cache, s->client, s->n_configured, s->ids, from);
	if (s->pages == NULL)
		return ragd_err_set(err, -ENOMEM, "a sequence of %zu tokens: out of memory", s->n);
	rc = cache_seq_reserve(s->pages, MIN(s->n + 1, (size_t)e->opt.n_context), err);
	if (rc == 0 && e->n_active > 0) {
		cache_stats(e->cache, &st);
		if (st.n_pages - st.n_held < e->n_active)
			rc = -ENOSPC;
	}
	if (rc < 0) {
		cache_seq_free(s->pages);
		s->pages = NULL;
		return rc;
	}
	s->kv = cache_seq_len(s->pages);
	return 0;
}

static void seq_enter(struct engine *e, struct seq *s)
{
	size_t i = e->n_active++;

	for (; i > 0 && e->active[i - 1]->id > s->id; i--)
		e->active[i] = e->active[i - 1];
	e->active[i] = s;
	if (s->admitted)
		return;
	s->admitted = true;
	s->usage.n_cached = (uint32_t)cache_seq_own(s->pages);
	e->counts.n_cached_tokens += s->kv;
	pthread_mutex_lock(&e->lock);
	queue_quota_leave(&e->quota, s->client);
	pthread_mutex_unlock(&e->lock);
}

static void leave_line(struct engine *e, const struct seq *s)
{
	struct seq **at = &e->waiting;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
}

void admit_waiting(struct engine *e)
{
	int64_t now_us = clock_us();
	struct ragd_err err = { 0 };
	struct seq *s;

	if (e->n_active == 0 && e->embeds_reading == 0)
		e->no_room = false;
	for (s = e->waiting; s != NULL; s = s->next)
		s->skip = false;
	while (e->embeds_wait == NULL && e->n_active < e->opt.max_active && !e->no_room) {
		int rc;

		s = first_in_line(e, now_us);
		if (s == NULL)
			return;
		if (is_behind(e, s)) {
			s->skip = true;
			continue;
		}
		rc = make_ready(e, s);
		if (rc < 0)
			ragd_err_set(&err, rc, "a sequence of %zu tokens: out of memory", s->n);
		else
			rc = take_pages(e, s, &err);
		if (rc == -ENOSPC && (e->n_active > 0 || e->embeds_reading > 0)) {
			e->no_room = true; /* the others behind it do not pass */
			return;
		}
		leave_line(e, s);
		if (rc < 0)
			end_waiting(e, s, &err);
		else
			seq_enter(e, s);
	}
}
