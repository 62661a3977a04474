#include "daemon/plugins/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/service/log.h"

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
	c->caller.size = sizeof(c->caller);
	c->caller.n_groups = n_groups;
	c->caller.groups = c->groups;
	if (n_groups > 0)
		memcpy(c->groups, caller->groups, n_groups * sizeof(c->groups[0]));
	snprintf(c->request_id, sizeof(c->request_id), "%s", request_id);
	c->memory = memory;
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
	struct call *before;

	for (; c != NULL; c = before) {
		before = c->before;
		arena_free(c->arena);
		buf_fini(&c->kept);
		free(c);
	}
}

void call_watch(struct call *c, struct pool_guard guard, void *owner)
{
	c->guard = guard;
	c->owner = owner;
}

int call_enter(struct call *c, const struct plugin *p, const char *op, struct ragd_err *err)
{
	unsigned n_lost = plugin_lost(p, 0);

	if (n_lost >= CALL_LOST_MAX)
		return ragd_err_set(err, -EBUSY,
				    "%s: not called, because %u calls to it have not returned",
				    p->name, n_lost);
	c->plugin = p;
	c->op = op;
	if (c->guard.lost_cb != NULL)
		pool_guard_begin(&c->guard, c->until_ms);
	return 0;
}

void call_leave(struct call *c)
{
	if (c->guard.lost_cb != NULL)
		pool_guard_end();
}

struct call *call_lost(struct call *c, struct ragd_err *err)
{
	unsigned n = plugin_lost(c->plugin, 1);
	struct call *next = call_new(&c->caller, c->request_id, c->memory, c->cancelled);

	ragd_err_set(err, -ETIMEDOUT, "%s: %s did not return in time", c->plugin->name, c->op);
	log_err("event=call-lost plugin=%s op=%s request=%s lost=%u", c->plugin->name, c->op,
		c->request_id, n);
	if (n == CALL_LOST_MAX)
		log_err("event=plugin-given-up plugin=%s text=\"%u calls have not returned: it is "
			"not called again until they do, or ragd restarts\"",
			c->plugin->name, n);
	if (next != NULL) {
		next->before = c;
		call_watch(next, c->guard, c->owner);
	}
	return next;
}

void call_back(struct call *c)
{
	log_warn("event=call-back plugin=%s op=%s request=%s lost=%u", c->plugin->name, c->op,
		 c->request_id, plugin_lost(c->plugin, -1));
}

void call_reset(struct call *c)
{
	arena_reset(c->arena);
}

void call_deadline(struct call *c, int64_t ms, int64_t latest_ms)
{
	int64_t at = ms > 0 ? clock_ms() + ms : 0;

	c->until_ms = at;
	c->base.deadline_ms = at == 0 ? latest_ms : latest_ms == 0 ? at : MIN(at, latest_ms);
}
