#include "daemon/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"

static void *call_alloc(const struct ragd_call *base, size_t n, size_t size)
{
	return arena_alloc(container_of(base, struct call, base)->arena, n, size);
}

static bool call_cancelled(const struct ragd_call *base)
{
	return atomic_load_explicit(container_of(base, struct call, base)->cancelled,
				    memory_order_relaxed);
}

struct call *call_new(const struct ragd_caller *caller, const char *request_id, size_t memory,
		      atomic_bool *cancelled)
{
	size_t n_groups = MIN(caller->n_groups, (size_t)CALL_GROUPS_MAX);
	struct call *c = calloc(1, sizeof(*c) + n_groups * sizeof(c->groups[0]));

	if (c == NULL || (c->arena = arena_new(memory)) == NULL) {
		free(c);
		return NULL;
	}
	c->caller = *caller;
	c->caller.n_groups = n_groups;
	c->caller.groups = c->groups;
	if (n_groups > 0)
		memcpy(c->groups, caller->groups, n_groups * sizeof(c->groups[0]));
	snprintf(c->request_id, sizeof(c->request_id), "%s", request_id);
	c->cancelled = cancelled;
	c->base = (struct ragd_call){
		.size = sizeof(c->base),
		.caller = &c->caller,
		.request_id = c->request_id,
		.alloc = call_alloc,
		.cancelled = call_cancelled,
	};
	return c;
}

void call_free(struct call *c)
{
	if (c == NULL)
		return;
	arena_free(c->arena);
	free(c);
}

struct call *call_fork(const struct call *c, size_t memory)
{
	return call_new(&c->caller, c->request_id, memory, c->cancelled);
}

void call_reset(struct call *c)
{
	arena_reset(c->arena);
}

void call_deadline(struct call *c, int64_t ms, int64_t latest_ms)
{
	int64_t at = ms > 0 ? clock_ms() + ms : 0;

	c->base.deadline_ms = at == 0 ? latest_ms : latest_ms == 0 ? at : MIN(at, latest_ms);
}
