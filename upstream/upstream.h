/*
 * One instance: its servers, the thread that talks to them, the requests at work. The ABI's side is
 * inference_upstream.c; one request's way is job.c, the checks of servers are probe.c.
 */
#ifndef UPSTREAM_UPSTREAM_H
#define UPSTREAM_UPSTREAM_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/digest.h"
#include "upstream/endpoint.h"
#include "upstream/http.h"
#include "upstream/keyfile.h"
#include "upstream/reply.h"
#include "upstream/settings.h"

struct upstream_job;
struct probe;

struct upstream {
	const struct ragd_host *host;
	struct settings settings;
	struct endpoint_rules rules;

	/* the thread's alone */
	struct http *http;
	struct keyfile key;
	uint64_t random;
	uint8_t secret[32]; /* salts are made from it */
	struct endpoint endpoints[SETTINGS_SERVERS_MAX];
	char models[SETTINGS_SERVERS_MAX][REPLY_MODEL_MAX + 1]; /* the first that each lists */
	struct probe *probes;                                   /* one for each endpoint */
	struct upstream_job *jobs;
	int64_t ticked_ms;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t opened_cond;
	bool opened; /* under the lock, as what follows */
	int open_rc; /* of http_open() */
	struct ragd_err open_err;
	bool closing;
	struct upstream_job *submitted; /* in order */
	struct upstream_job **submitted_tail;
	unsigned n_requests; /* submitted and at work */

	struct ragd_card first_card; /* before a server told more */
	struct ragd_card card;       /* written once, before card_known is set */
	atomic_bool card_known;
	char card_name[REPLY_MODEL_MAX + 1];
};

/* Takes the settings over. The thread runs from here on. */
int upstream_open(const struct ragd_host *host, struct settings *settings, struct upstream **out,
		  struct ragd_err *err);
/* No job may be left. */
void upstream_close(struct upstream *u);

/* Queue a job for the thread; -EBUSY: as many as there may be are at work. Any thread. */
int upstream_submit(struct upstream *u, struct upstream_job *job, struct ragd_err *err);
/* A job is over: make room for another. The thread, before it tells the job's owner. */
void upstream_leave(struct upstream *u);

/* The thread's services for jobs and probes. */

/* Ask endpoint i: what a request to it has in common with all others. */
struct http_request upstream_request(struct upstream *u, size_t i, const char *url);
void upstream_ok(struct upstream *u, size_t i);
void upstream_failed(struct upstream *u, size_t i, bool at_once, const struct ragd_err *why);
/* What separates this caller's prompts from others' in a server's cache: not to be guessed, and the same as
 * long as the plugin is open. */
void upstream_salt(const struct upstream *u, const struct ragd_call *call,
		   char out[DIGEST_HEX + 1]);
/* Put the key in no error, and cut none inside a character. Returns err->code. */
int upstream_clean(const struct upstream *u, struct ragd_err *err);
void upstream_count(const struct upstream *u, const char *name, uint64_t n);
/* What is known of the model; once. */
void upstream_learn(struct upstream *u, const struct reply_models *models);

#endif
