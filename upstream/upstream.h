/*
 * One instance: its servers, the thread that talks to them, the requests at work. One request's way is
 * job.c, the checks of servers are probe.c.
 */
#ifndef UPSTREAM_UPSTREAM_H
#define UPSTREAM_UPSTREAM_H

#include <pthread.h>

#include "upstream/job.h"
#include "upstream/probe.h"

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

/* Queue a job whose call, question and over are set; -EBUSY: as many as there may be are at work. */
int upstream_submit(struct upstream *u, struct upstream_job *job, struct ragd_err *err);

/* Takes the settings over. The thread runs from here on. */
int upstream_open(const struct ragd_host *host, struct settings *settings, struct upstream **out,
		  struct ragd_err *err);
/* No job may be left. */
void upstream_close(struct upstream *u);
void upstream_card(const struct upstream *u, struct ragd_card *out);

#endif
