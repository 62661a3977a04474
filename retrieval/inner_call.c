#include "retrieval/inner_call.h"

#include "base/clock.h"
#include "base/util.h"

static const struct inner_call *inner_of(const struct ragd_call *call)
{
	return container_of((struct ragd_call *)call, struct inner_call, base);
}

static void *inner_alloc(const struct ragd_call *call, size_t n, size_t size)
{
	return arena_alloc(inner_of(call)->arena, n, size);
}

static bool inner_cancelled(const struct ragd_call *call)
{
	const struct inner_call *c = inner_of(call);

	return c->outer != NULL ? c->outer->cancelled(c->outer) : c->stop(c->arg);
}

void inner_call_init(struct inner_call *c, const char *name, int64_t within_ms)
{
	const struct ragd_call *outer = c->outer;

	c->base = (struct ragd_call){ .size = sizeof(c->base),
				      .request_id = name,
				      .alloc = inner_alloc,
				      .cancelled = inner_cancelled };
	if (outer == NULL)
		return;
	c->base.caller = outer->caller;
	c->base.request_id = outer->request_id;
	c->base.deadline_ms = clock_ms() + within_ms;
	if (outer->deadline_ms != 0)
		c->base.deadline_ms = MIN(c->base.deadline_ms, outer->deadline_ms);
}
