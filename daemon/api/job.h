/*
 * A request whose work is done on the pool: what it needs of the request and of the daemon, from
 * its place in the queue to its reply, also when a call into a plugin does not come back.
 */
#ifndef DAEMON_JOB_H
#define DAEMON_JOB_H

#include "base/buf.h"
#include "daemon/flow/filters.h"
#include "daemon/plugins/call.h"
#include "daemon/service/ragd.h"
#include "ipc/codec/codec.h"
#include "ipc/http/http.h"

/*
 * `run` writes the reply's JSON into out, or calls job_fail; it sees nothing of the
 * connection, which may go away meanwhile.
 */
struct job {
	struct pool_work work;
	struct ragd *d;
	uid_t uid;               /* whose place in d->jobs it holds until it is over */
	struct http_exchange *x; /* NULL once the client is gone */
	struct generation *gen;
	const struct plugin *retrieval; /* of the default assistant, else the first; may be NULL */
	atomic_bool cancelled;
	struct call *call;
	void (*run)(struct job *job);
	void (*then)(struct job *job); /* may be NULL */
	void *arg;                     /* of run and then, freed by free_arg with the job */
	void (*free_arg)(void *arg);
	/*
	 * For a run that begins again after a filter did not come back: the filters, and how far
	 * it had come. In call's arena.
	 */
	struct filters *filters;
	void *progress;
	unsigned n_lost;      /* calls given up that have not come back */
	bool over;            /* the reply is out */
	struct ragd_str body; /* of `taken` */
	struct http_body taken;
	struct ragd_str param[HTTP_PARAM_MAX]; /* in call's arena, NUL-terminated */
	const char *content_type;
	const char *title; /* the query's parameters, NULL if absent */
	const char *after;
	const char *limit;
	const char *out_type; /* application/json unless run says otherwise */
	int status;           /* 200 unless run says otherwise */
	bool stored; /* out is a document as somebody stored it, of any type: no page of ours */
	struct buf out;
};

/* What a route that runs on the pool does: the argument of its row. */
struct job_route {
	void (*run)(struct job *job);
};

/*
 * The handler of such routes: copies what the job needs of the request and queues it, or replies by
 * itself when it cannot.
 */
void job_handle(struct http_exchange *x, const struct http_request *req, void *ctx);
/*
 * For a job that only prepares an answer, once the daemon has started: unless run fails, `then`
 * gets the job, on the loop, instead of its being replied to, if the client is still there. Takes
 * arg, also when it replies by itself.
 */
void job_start(struct http_exchange *x, const struct http_request *req, struct ragd *d,
	       void (*run)(struct job *job), void (*then)(struct job *job), void *arg,
	       void (*free_arg)(void *arg));
/*
 * Its calls of this plugin have the plugin's deadline from now, and once more for each MiB of the
 * body; if one does not come back within it, the client is told so and run does not continue.
 */
void job_deadline(struct job *job, const struct plugin *p);
/* The reply is this error. */
void job_fail(struct job *job, int status, const char *code, const char *param, const char *fmt,
	      ...) RAGD_PRINTF(5, 6);
void job_fail_codec(struct job *job, const struct codec_err *err);
/* From what a plugin or the journal returned. what: code of -ENOENT, as "unknown_collection". */
void job_fail_err(struct job *job, const struct ragd_err *err, const char *what);

#endif
