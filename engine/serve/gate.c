/*
 * The gate between the threads of callers and the engine's own: who is inside, what goes into the
 * line, what the counts were. What waits for a result enters first, so that the engine is not freed
 * under it.
 */
#include <errno.h>

#include "engine/serve/engine_private.h"

int gate_enter(struct engine *e, struct ragd_err *err)
{
	int rc = 0;

	if (pthread_equal(pthread_self(), e->thread))
		return ragd_err_set(err, -EDEADLK,
				    "waiting for the engine inside one of its callbacks");
	pthread_mutex_lock(&e->lock);
	if (e->closing)
		rc = -ESHUTDOWN;
	else
		e->n_callers++;
	pthread_mutex_unlock(&e->lock);
	return rc < 0 ? ragd_err_set(err, rc, "the engine is being closed") : 0;
}

void gate_leave(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	e->n_callers--;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
}

int gate_check_ids(const struct engine *e, const int32_t *ids, size_t n, struct ragd_err *err)
{
	for (size_t i = 0; i < n; i++)
		if (ids[i] < 0 || (uint32_t)ids[i] >= e->shape->n_vocab)
			return ragd_err_set(err, -EINVAL,
					    "token %zu is %d: the model has tokens 0 to %u", i,
					    (int)ids[i], (unsigned)e->shape->n_vocab - 1);
	return 0;
}

int gate_queue(struct engine *e, struct seq *s, struct ragd_err *err)
{
	int rc = queue_quota_enter(&e->quota, s->client, err);

	if (rc < 0)
		return rc;
	s->id = ++e->last_id;
	s->next = e->incoming;
	e->incoming = s;
	e->stats.n_requests++;
	e->stats.n_prompt_tokens += s->n;
	pthread_cond_signal(&e->wake);
	return 0;
}

void gate_publish_locked(struct engine *e)
{
	struct engine_stats *c = &e->counts, *s = &e->stats;
	struct cache_stats cs = { 0 };

	if (e->cache != NULL)
		cache_stats(e->cache, &cs);
	c->n_requests = s->n_requests;
	c->n_prompt_tokens = s->n_prompt_tokens;
	c->n_active = (uint32_t)e->n_active;
	c->n_pages = cs.n_pages;
	c->n_pages_held = cs.n_held;
	c->n_pages_cached = cs.n_cached;
	*s = *c;
}

void gate_publish(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	gate_publish_locked(e);
	pthread_mutex_unlock(&e->lock);
}
