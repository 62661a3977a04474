#include "upstream/upstream.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file/trusted.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "upstream/job.h"
#include "upstream/probe.h"

#define TICK_MS 20 /* how late a job may notice that it is cancelled, late or due */

/* ---- what jobs and probes ask for ----------------------------------------------------------- */

void upstream_count(const struct upstream *u, const char *name, uint64_t n)
{
	u->host->count(u->host, name, n);
}

/* A key that cannot be read leaves the old one in use, and one line in the log. */
static void key_refresh(struct upstream *u)
{
	struct ragd_err err = { 0 };
	int rc = keyfile_refresh(&u->key, &err);

	if (rc < 0)
		u->host->log(u->host, RAGD_LOG_WARN, "%s; the key stays as it was", err.msg);
	else if (rc > 0)
		u->host->log(u->host, RAGD_LOG_INFO, "api_key_file '%s' was read again",
			     u->key.path);
}

struct http_request upstream_request(struct upstream *u, size_t i, const char *url)
{
	const struct settings *s = &u->settings;

	key_refresh(u);
	return (struct http_request){
		.url = url,
		.unix_path = s->servers[i].url.unix_path,
		.key = u->key.key,
		.proxy = s->proxy,
		.tls_ca = s->tls_ca,
		.tls_verify = s->tls_verify,
		.connect_ms = s->connect_ms,
	};
}

int upstream_clean(const struct upstream *u, struct ragd_err *err)
{
	keyfile_hide(&u->key, err->msg);
	err->msg[utf8_whole(err->msg, strlen(err->msg))] = '\0';
	return err->code;
}

static void health_tell(struct upstream *u)
{
	u->host->gauge(u->host, "healthy_endpoints",
		       (double)endpoint_n_up(u->endpoints, u->settings.n_servers));
}

void upstream_ok(struct upstream *u, size_t i)
{
	if (!endpoint_ok(&u->endpoints[i]))
		return;
	health_tell(u);
	u->host->log(u->host, RAGD_LOG_INFO, "server '%s' is up", u->settings.servers[i].url.text);
}

void upstream_failed(struct upstream *u, size_t i, bool at_once, const struct ragd_err *why)
{
	struct ragd_err err = *why;
	bool down = endpoint_failed(&u->endpoints[i], &u->rules, at_once, clock_ms());

	upstream_clean(u, &err);
	upstream_count(u, "endpoint_failures", 1);
	u->host->log(u->host, down ? RAGD_LOG_WARN : RAGD_LOG_DEBUG, "server '%s' %s: %s",
		     u->settings.servers[i].url.text, down ? "is down" : "failed", err.msg);
	if (down)
		health_tell(u);
}

void upstream_learn(struct upstream *u, const struct reply_models *models)
{
	const char *name = u->settings.model[0] != '\0' ? u->settings.model : models->first;

	if (atomic_load(&u->card_known))
		return;
	snprintf(u->card_name, sizeof(u->card_name), "%s", name);
	u->card = u->first_card;
	u->card.name = u->card_name;
	u->card.n_parameters = models->n_parameters;
	u->card.n_context = models->n_context;
	atomic_store(&u->card_known, true);
	u->host->log(u->host, RAGD_LOG_INFO, "the model is '%s'", u->card_name);
}

/* ---- the queue ------------------------------------------------------------------------------ */

int upstream_submit(struct upstream *u, struct upstream_job *job, struct ragd_err *err)
{
	unsigned n;

	pthread_mutex_lock(&u->lock);
	n = u->n_requests;
	if (n < u->settings.max_requests) {
		u->n_requests++;
		job->next = NULL;
		*u->submitted_tail = job;
		u->submitted_tail = &job->next;
	}
	pthread_mutex_unlock(&u->lock);
	if (n >= u->settings.max_requests) {
		upstream_count(u, "rejected", 1);
		return ragd_err_set(err, -EBUSY,
				    "%u requests are at the servers, which is the limit "
				    "(max_requests); try again in a moment",
				    n);
	}
	u->host->gauge(u->host, "active_requests", (double)n + 1);
	http_wake(u->http);
	return 0;
}

void upstream_leave(struct upstream *u)
{
	unsigned n;

	pthread_mutex_lock(&u->lock);
	n = --u->n_requests;
	pthread_mutex_unlock(&u->lock);
	u->host->gauge(u->host, "active_requests", (double)n);
}

static bool submitted_take(struct upstream *u, struct upstream_job **list)
{
	bool closing;

	pthread_mutex_lock(&u->lock);
	*list = u->submitted;
	u->submitted = NULL;
	u->submitted_tail = &u->submitted;
	closing = u->closing;
	pthread_mutex_unlock(&u->lock);
	return closing;
}

/* ---- the thread ----------------------------------------------------------------------------- */

static void tick(struct upstream *u, int64_t now_ms)
{
	struct upstream_job *job, *next;

	if (now_ms - u->ticked_ms < TICK_MS / 4) /* not for every byte that comes in */
		return;
	u->ticked_ms = now_ms;
	for (job = u->jobs; job != NULL; job = next) {
		next = job->next; /* job may end; no other does */
		job_tick(job, now_ms);
	}
	probes_tick(u, now_ms);
}

static int wait_ms(const struct upstream *u, int64_t now_ms)
{
	int64_t next;

	if (u->jobs != NULL)
		return TICK_MS;
	next = probes_next_ms(u);
	if (next == INT64_MAX)
		return -1;
	return (int)MIN(MAX(next - now_ms, (int64_t)(TICK_MS / 4)), (int64_t)INT_MAX);
}

static void serve(struct upstream *u)
{
	struct upstream_job *job, *next;
	bool closing = false;

	while (!closing) {
		closing = submitted_take(u, &job);
		for (; job != NULL; job = next) {
			next = job->next;
			job_start(job, clock_ms());
		}
		tick(u, clock_ms());
		if (!closing)
			http_run(u->http, wait_ms(u, clock_ms()));
	}
}

/*
 * libcurl, and the TLS library behind it, are this thread's from their first call to their last: what they
 * keep for a thread goes when the thread ends.
 */
static void *upstream_thread(void *arg)
{
	struct upstream *u = arg;
	struct ragd_err err = { 0 };
	int rc = http_open(&u->http, &err);

	pthread_mutex_lock(&u->lock);
	u->open_rc = rc;
	u->open_err = err;
	u->opened = true;
	pthread_cond_signal(&u->opened_cond);
	pthread_mutex_unlock(&u->lock);
	if (rc == 0) {
		serve(u);
		probes_free(u);
		http_close(u->http);
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
	pthread_mutex_lock(&u->lock);
	while (!u->opened)
		pthread_cond_wait(&u->opened_cond, &u->lock);
	rc = u->open_rc;
	pthread_mutex_unlock(&u->lock);
	if (rc < 0) {
		pthread_join(u->thread, NULL);
		if (err != NULL)
			*err = u->open_err;
	}
	return rc;
}

/* ---- open and close ------------------------------------------------------------------------- */

static void card_init(struct upstream *u)
{
	bool leaves = false;

	for (size_t i = 0; i < u->settings.n_servers; i++)
		leaves |= !u->settings.servers[i].url.local;
	u->first_card = (struct ragd_card){
		.name = u->settings.model[0] != '\0' ? u->settings.model : "upstream",
		.summary = leaves ? "A model on another machine: questions, and the passages they "
				    "are answered from, are sent there."
				  : "A model that another program on this machine runs.",
	};
}

/* A key in plain text on a network is known to whoever listens. */
static void warn_plain(const struct upstream *u)
{
	for (size_t i = 0; i < u->settings.n_servers; i++)
		if (u->key.key[0] != '\0' && !u->settings.servers[i].url.local &&
		    !u->settings.servers[i].url.tls)
			u->host->log(u->host, RAGD_LOG_WARN,
				     "server '%s': the key crosses the network in plain text; use "
				     "https",
				     u->settings.servers[i].url.text);
	if (!u->settings.tls_verify)
		u->host->log(u->host, RAGD_LOG_WARN,
			     "tls_verify = no: anybody may pretend to be a server");
}

void upstream_salt(const struct upstream *u, const struct ragd_call *call, char out[DIGEST_HEX + 1])
{
	uint8_t text[sizeof(u->secret) + sizeof(uint64_t)];
	uint64_t who = call->caller != NULL ? call->caller->uid : UINT64_MAX;

	memcpy(text, u->secret, sizeof(u->secret));
	memcpy(text + sizeof(u->secret), &who, sizeof(who));
	digest_hex(text, sizeof(text), out);
}

static void upstream_free(struct upstream *u)
{
	probes_free(u);
	keyfile_fini(&u->key);
	settings_fini(&u->settings);
	pthread_cond_destroy(&u->opened_cond);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

static void upstream_init(struct upstream *u, const struct ragd_host *host,
			  struct settings *settings)
{
	u->host = host;
	u->settings = *settings;
	settings->n_servers = 0; /* they are ours now */
	u->rules = (struct endpoint_rules){
		.failures = u->settings.failures,
		.down_ms = u->settings.down_ms,
		.probed = u->settings.health != HEALTH_NONE,
		.need_list = u->settings.model[0] == '\0',
	};
	for (size_t i = 0; i < u->settings.n_servers; i++)
		u->endpoints[i].weight = u->settings.servers[i].weight;
	u->submitted_tail = &u->submitted;
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->opened_cond, NULL);
	keyfile_init(&u->key, u->settings.api_key_file);
	if (getrandom(u->secret, sizeof(u->secret), 0) < 0)
		abort(); /* cannot fail for so few bytes once the system has booted */
	if (getrandom(&u->random, sizeof(u->random), GRND_NONBLOCK) < 0)
		u->random = (uint64_t)clock_us();
	card_init(u);
}

/*
 * curl opens the file by its path, again and again. So nobody else may be able to put another there: who
 * chooses the authorities chooses the servers that are believed.
 */
static int judge_authorities(const char *path, struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	struct trusted_file file;
	int rc;

	if (path[0] == '\0')
		return 0;
	rc = trusted_walk(path, &file, &why);
	if (rc < 0)
		return ragd_err_set(err, rc, "tls_ca: %s", why.msg);
	close(file.fd);
	return 0;
}

int upstream_open(const struct ragd_host *host, struct settings *settings, struct upstream **out,
		  struct ragd_err *err)
{
	struct upstream *u = calloc(1, sizeof(*u));
	int rc;

	if (u == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	upstream_init(u, host, settings);
	rc = judge_authorities(u->settings.tls_ca, err);
	if (rc == 0)
		rc = keyfile_refresh(&u->key, err);
	if (rc >= 0 && ragd_is_trial(host)) { /* the servers are asked nothing */
		upstream_free(u);
		*out = NULL;
		return 0;
	}
	if (rc >= 0)
		rc = probes_new(u, err);
	if (rc == 0) {
		warn_plain(u);
		health_tell(u);
		host->gauge(host, "endpoints", (double)u->settings.n_servers);
		host->gauge(host, "active_requests", 0);
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
	pthread_mutex_lock(&u->lock);
	u->closing = true;
	http_wake(u->http); /* under the lock: then the thread cannot be gone with it */
	pthread_mutex_unlock(&u->lock);
	pthread_join(u->thread, NULL);
	upstream_free(u);
}
