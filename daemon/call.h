/*
 * The frame of one call into plugins (struct ragd_call): who asks, by when, memory for the results. It
 * is copied from what the server knows, so that it outlives the client's connection.
 */
#ifndef DAEMON_CALL_H
#define DAEMON_CALL_H

#include <stdatomic.h>

#include <ragd/plugin.h>

#include "base/arena.h"

#define CALL_GROUPS_MAX 256
#define CALL_ID_MAX     40

struct call {
	struct ragd_call base;
	struct ragd_caller caller;
	char request_id[CALL_ID_MAX];
	struct arena *arena; /* owned; results live here until call_fini or call_reset */
	atomic_bool *cancelled;
	gid_t groups[]; /* caller.groups points here */
};

/*
 * A call by `caller`, with at most `memory` bytes of results; *cancelled is polled and must outlive it.
 * NULL when out of memory.
 */
struct call *call_new(const struct ragd_caller *caller, const char *request_id, size_t memory,
		      atomic_bool *cancelled);
void call_free(struct call *c);
/* The same for another thread: own memory, same caller, id and flag. */
struct call *call_fork(const struct call *c, size_t memory);
/* Forget the results. */
void call_reset(struct call *c);

/* Until at most `ms` from now, and no later than `latest_ms` (CLOCK_MONOTONIC; 0: none). */
void call_deadline(struct call *c, int64_t ms, int64_t latest_ms);

#endif
