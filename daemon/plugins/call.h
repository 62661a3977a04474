/*
 * The frame of one call into plugins (struct ragd_call): who asks, by when, memory for the
 * results. It is copied from what the server knows, so that it outlives the client's connection.
 */
#ifndef DAEMON_CALL_H
#define DAEMON_CALL_H

#include <stdatomic.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "base/buf.h"
#include "daemon/plugins/plugin_set.h"
#include "daemon/service/pool.h"

#define CALL_GROUPS_MAX 256
#define CALL_ID_MAX     40
#define CALL_LOST_MAX   3 /* of one plugin, before it is not called any more */

struct call {
	struct ragd_call base;
	struct ragd_caller caller;
	char request_id[CALL_ID_MAX];
	size_t memory;
	struct arena *arena; /* owned; results live here until call_fini or call_reset */
	atomic_bool *cancelled;
	struct call *before; /* owned: the lost one that this one goes on from; still read */
	struct buf kept;     /* of a lost one: what it was given and may still read */

	/* Of the call under way, see call_enter. */
	struct pool_guard guard;
	/* the plugin's own deadline: one cut short by a flow's end is not its fault */
	int64_t until_ms;
	const struct plugin *plugin;
	const char *op;
	void *owner;

	gid_t groups[]; /* caller.groups points here */
};

/*
 * A call by `caller`, with at most `memory` bytes of results; *cancelled is polled and must
 * outlive it. NULL when out of memory.
 */
struct call *call_new(const struct ragd_caller *caller, const char *request_id, size_t memory,
		      atomic_bool *cancelled);
void call_free(struct call *c);
/*
 * From now on calls that overrun their deadline are given up: lost_cb and back_cb of the
 * guard run on the loop, see daemon/service/pool.h. They find the call by container_of and
 * what it is part of in call->owner.
 */
void call_watch(struct call *c, struct pool_guard guard, void *owner);
/*
 * Around each call into a plugin that is given c, until the `ms` of call_deadline are over. A
 * plugin that holds CALL_LOST_MAX lost calls is not called: -EBUSY. call_leave does not
 * return if the call was given up.
 */
int call_enter(struct call *c, const struct plugin *p, const char *op, struct ragd_err *err);
void call_leave(struct call *c);
/*
 * For lost_cb: log and count it, and say in *err which call did not come back. Returns
 * the call to go on with, which owns c and is as c was, with memory of its own; NULL when
 * out of memory: c stays as it is.
 */
struct call *call_lost(struct call *c, struct ragd_err *err);
/* For back_cb. */
void call_back(struct call *c);

/* Forget the results. */
void call_reset(struct call *c);

/* Until at most `ms` from now, and no later than `latest_ms` (CLOCK_MONOTONIC; 0: none). */
void call_deadline(struct call *c, int64_t ms, int64_t latest_ms);

#endif
