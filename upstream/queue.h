/*
 * The jobs of an instance: how many there may be, those that wait for its thread, and those at
 * work.
 */
#ifndef UPSTREAM_QUEUE_H
#define UPSTREAM_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

#include <ragd/plugin.h>

struct http;
struct upstream_job;

struct job_queue {
	const struct ragd_host *host;
	unsigned max_jobs;
	pthread_mutex_t lock;
	bool closing;                   /* under the lock, as what follows */
	unsigned n_jobs;                /* submitted and at work */
	struct upstream_job *submitted; /* in order */
	struct upstream_job **submitted_tail;
	struct upstream_job *active; /* the thread's alone */
};

void queue_init(struct job_queue *q, const struct ragd_host *host, unsigned max_jobs);
/* No job may be left. */
void queue_fini(struct job_queue *q);

/* Any thread; -EBUSY: there are as many as there may be. */
int queue_submit(struct job_queue *q, struct upstream_job *job, struct ragd_err *err);
/* Tell the thread, which sleeps in http_run(h), that it is over. */
void queue_close(struct job_queue *q, struct http *h);

/* The thread: those submitted since, in order, linked by next. False: the queue is closed. */
bool queue_take(struct job_queue *q, struct upstream_job **list);
/* The thread: one of them begins, or is over and makes room for another. */
void queue_enter(struct job_queue *q, struct upstream_job *job);
void queue_leave(struct job_queue *q, struct upstream_job *job);

#endif
