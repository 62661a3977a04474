/* What is behind upstream.h: the servers, the thread that talks to them, the requests at work. */
#ifndef UPSTREAM_UPSTREAM_PRIVATE_H
#define UPSTREAM_UPSTREAM_PRIVATE_H

#include <pthread.h>

#include "upstream/job.h"
#include "upstream/servers/probe.h"
#include "upstream/upstream.h"

struct upstream {
	struct servers servers;
	struct probes *probes; /* the thread's alone, as what follows */
	int64_t ticked_ms;

	struct job_queue queue;
	pthread_t thread;
	pthread_mutex_t open_lock;
	pthread_cond_t opened_cond;
	bool opened; /* under the lock, as what follows */
	int open_rc; /* of http_open() */
	struct ragd_err open_err;
};

/*
 * Queue a job whose call, question and over are set; -EBUSY: as many as there may be are at work.
 */
int upstream_submit(struct upstream *u, struct upstream_job *job, struct ragd_err *err);

/* A job under way, and the thread that waits for it. Only job is the caller's to set. */
struct upstream_wait {
	struct upstream_job job;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool over;
	int rc;
	struct ragd_err err;
};

/* Submit its job and wait for the end; what the job says is there if it went well. */
int upstream_wait(struct upstream *u, struct upstream_wait *w, struct ragd_err *err);

#endif
