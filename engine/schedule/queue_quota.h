/*
 * Places in the queue: how many requests of each client wait to run for the first time. A client
 * may have one more waiting while it has less than nine times what is free: one alone gets most of
 * the queue, two that ask all they can about half each. The last places are for those of whom
 * nothing waits yet.
 */
#ifndef ENGINE_SCHEDULE_QUEUE_QUOTA_H
#define ENGINE_SCHEDULE_QUEUE_QUOTA_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

/* What waits of one client. */
struct quota_owner {
	uint64_t client;
	size_t n; /* at least 1 */
};

struct queue_quota {
	size_t max; /* places, at least 1 */
	size_t n;   /* taken */
	size_t n_owners;
	struct quota_owner *owners; /* owned, [max] */
};

/* 0 or -ENOMEM. All zero: nothing to free. */
int queue_quota_init(struct queue_quota *q, size_t max);
void queue_quota_fini(struct queue_quota *q);
/* -EBUSY: the queue is full, or the client's share of it; the sentence says which. */
int queue_quota_enter(struct queue_quota *q, uint64_t client, struct ragd_err *err);
/* For one that has entered. */
void queue_quota_leave(struct queue_quota *q, uint64_t client);

#endif
