/* What the engine counted, for the host's metrics. */
#include "plugins/inference_gguf/llm.h"

/* An encoder's second engine adds what texts count. */
static void stats_read(const struct llm *l, struct engine_stats *out)
{
	struct engine_stats more;

	engine_stats(l->engine, out);
	if (l->background == NULL)
		return;
	engine_stats(l->background, &more);
	out->n_requests += more.n_requests;
	out->n_prompt_tokens += more.n_prompt_tokens;
	out->n_cancelled += more.n_cancelled;
}

void llm_tell(struct llm *l)
{
	const struct ragd_host *host = l->host;
	struct engine_stats s, *told = &l->told;

	pthread_mutex_lock(&l->lock);
	stats_read(l, &s);
	host->count(host, "requests", s.n_requests - told->n_requests);
	host->count(host, "steps", s.n_steps - told->n_steps);
	host->count(host, "prompt_tokens", s.n_prompt_tokens - told->n_prompt_tokens);
	host->count(host, "cached_tokens", s.n_cached_tokens - told->n_cached_tokens);
	host->count(host, "output_tokens", s.n_output_tokens - told->n_output_tokens);
	host->count(host, "drafted_tokens", s.n_drafted_tokens - told->n_drafted_tokens);
	host->count(host, "accepted_tokens", s.n_accepted_tokens - told->n_accepted_tokens);
	host->count(host, "cancelled", s.n_cancelled - told->n_cancelled);
	host->gauge(host, "active", s.n_active);
	host->gauge(host, "waiting", s.n_waiting);
	host->gauge(host, "cache_pages", (double)s.n_pages);
	host->gauge(host, "cache_pages_held", (double)s.n_pages_held);
	host->gauge(host, "cache_pages_cached", (double)s.n_pages_cached);
	*told = s;
	pthread_mutex_unlock(&l->lock);
}
