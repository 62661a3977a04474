#include "upstream/upstream_private.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"

#define TICK_MS 20 /* how late a job may notice that it is cancelled, late or due */

int upstream_submit(struct upstream *u, struct upstream_job *job, struct ragd_err *err)
{
	int rc;

	job->servers = &u->servers;
	job->queue = &u->queue;
	rc = queue_submit(&u->queue, job, err);
	if (rc == 0)
		http_wake(u->servers.http);
	return rc;
}

/* A server was checked: jobs that wait for any may have one now. */
static void checked_cb(void *arg)
{
	struct upstream *u = arg;

	for (struct upstream_job *job = u->queue.active; job != NULL; job = job->next)
		job_kick(job, clock_ms());
}

/* ---- the thread ----------------------------------------------------------------------------- */

static void upstream_tick(struct upstream *u, int64_t now_ms)
{
	struct upstream_job *job, *next;

	if (now_ms - u->ticked_ms < TICK_MS / 4) /* not for every byte that comes in */
		return;
	u->ticked_ms = now_ms;
	for (job = u->queue.active; job != NULL; job = next) {
		next = job->next; /* job may end; no other does */
		job_tick(job, now_ms);
	}
	probes_tick(u->probes, now_ms);
}

static int wait_ms(const struct upstream *u, int64_t now_ms)
{
	int64_t next;

	if (u->queue.active != NULL)
		return TICK_MS;
	next = probes_next_ms(u->probes);
	if (next == INT64_MAX)
		return -1;
	return (int)MIN(MAX(next - now_ms, (int64_t)(TICK_MS / 4)), (int64_t)INT_MAX);
}

static void upstream_serve(struct upstream *u)
{
	struct upstream_job *job, *next;
	bool closing = false;

	while (!closing) {
		closing = !queue_take(&u->queue, &job);
		for (; job != NULL; job = next) {
			next = job->next;
			job_start(job, clock_ms());
		}
		upstream_tick(u, clock_ms());
		if (!closing)
			http_run(u->servers.http, wait_ms(u, clock_ms()));
	}
}

/*
 * libcurl, and the TLS library behind it, are this thread's from their first call to their last:
 * what they keep for a thread goes when the thread ends.
 */
static void *upstream_thread(void *arg)
{
	struct upstream *u = arg;
	struct ragd_err err = { 0 };
	int rc = http_open(&u->servers.http, &err);

	pthread_mutex_lock(&u->open_lock);
	u->open_rc = rc;
	u->open_err = err;
	u->opened = true;
	pthread_cond_signal(&u->opened_cond);
	pthread_mutex_unlock(&u->open_lock);
	if (rc == 0) {
		upstream_serve(u);
		probes_free(u->probes); /* what is under way ends on this thread, too */
		u->probes = NULL;
		http_close(u->servers.http);
	}
	return NULL;
}

/* Signals are the daemon's; a server that hangs up must not kill it (SIGPIPE). */
static int thread_start(struct upstream *u, struct ragd_err *err)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&u->thread, NULL, upstream_thread, u);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return ragd_err_set(err, -rc, "start a thread: %s", strerror(rc));
	pthread_mutex_lock(&u->open_lock);
	while (!u->opened)
		pthread_cond_wait(&u->opened_cond, &u->open_lock);
	rc = u->open_rc;
	pthread_mutex_unlock(&u->open_lock);
	if (rc < 0) {
		pthread_join(u->thread, NULL);
		if (err != NULL)
			*err = u->open_err;
	}
	return rc;
}

/* ---- open and close ------------------------------------------------------------------------- */

static void upstream_free(struct upstream *u)
{
	probes_free(u->probes);
	servers_fini(&u->servers);
	queue_fini(&u->queue);
	pthread_cond_destroy(&u->opened_cond);
	pthread_mutex_destroy(&u->open_lock);
	free(u);
}

int upstream_open(const struct ragd_host *host, struct settings *settings, struct upstream **out,
		  struct ragd_err *err)
{
	struct upstream *u = calloc(1, sizeof(*u));
	int rc;

	if (u == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	pthread_mutex_init(&u->open_lock, NULL);
	pthread_cond_init(&u->opened_cond, NULL);
	queue_init(&u->queue, host, settings->max_requests);
	rc = servers_init(&u->servers, host, settings, err);
	if (rc == 0 && ragd_is_trial(host)) { /* the servers are asked nothing */
		upstream_free(u);
		*out = NULL;
		return 0;
	}
	if (rc == 0)
		rc = probes_new(&u->servers, checked_cb, u, &u->probes, err);
	if (rc == 0) {
		servers_announce(&u->servers);
		rc = thread_start(u, err);
	}
	if (rc < 0) {
		upstream_free(u);
		return rc;
	}
	*out = u;
	return 0;
}

void upstream_close(struct upstream *u)
{
	if (u == NULL)
		return;
	queue_close(&u->queue, u->servers.http);
	pthread_join(u->thread, NULL);
	upstream_free(u);
}

void upstream_card(const struct upstream *u, struct ragd_card *out)
{
	if (u == NULL) /* a trial's */
		*out = (struct ragd_card){ .name = "upstream" };
	else
		servers_card(&u->servers, out);
}
