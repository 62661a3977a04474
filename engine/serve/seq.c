/* One sequence: its tokens, its place in the line, its pages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/array.h"
#include "engine/serve/engine_private.h"

struct seq *seq_new(const int32_t *ids, size_t n, size_t more)
{
	struct seq *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->cap = n + more;
	s->ids = malloc(s->cap * sizeof(*s->ids));
	if (s->ids == NULL) {
		free(s);
		return NULL;
	}
	memcpy(s->ids, ids, n * sizeof(*ids));
	s->n = s->n_prompt = n;
	return s;
}

void seq_free(struct seq *s)
{
	if (s == NULL)
		return;
	sampler_free(s->sampler);
	draft_free(s->draft);
	holdback_fini(&s->holdback);
	free(s->logprobs);
	free(s->ids);
	free(s);
}

bool seq_room(struct seq *s, size_t more)
{
	return array_reserve(&s->ids, &s->cap, s->n + more, sizeof(*s->ids));
}

bool seq_streams(const struct seq *s)
{
	return s->begun && s->n - s->kv == 1;
}

struct schedule_seq seq_plan(const struct engine *e, const struct seq *s, int64_t now_us)
{
	return (struct schedule_seq){
		.id = s->id,
		.used = clients_used(&e->clients, s->client, now_us),
		.left = s->n - s->kv,
		.streams = seq_streams(s),
		.begun = s->begun,
	};
}

void seq_wait(struct engine *e, struct seq *s)
{
	struct seq **at = &e->waiting;

	while (*at != NULL && (*at)->id < s->id)
		at = &(*at)->next;
	s->next = *at;
	*at = s;
}

void seq_stop(struct engine *e, struct seq *s)
{
	size_t i = 0;

	while (e->active[i] != s)
		i++;
	e->n_active--;
	memmove(&e->active[i], &e->active[i + 1], (e->n_active - i) * sizeof(struct seq *));
	cache_seq_free(s->pages);
	s->pages = NULL;
	s->kv = 0;
	e->no_room = false;
}
