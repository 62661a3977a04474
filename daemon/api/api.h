/*
 * The API: docs/protocol.md's endpoints as handlers. api.c has the table of routes, the other api_*.c
 * files the handlers of one subject each.
 */
#ifndef DAEMON_API_H
#define DAEMON_API_H

#include "base/buf.h"
#include "daemon/flow/filters.h"
#include "daemon/plugins/call.h"
#include "daemon/service/ragd.h"
#include "ipc/codec/codec.h"
#include "ipc/http/http.h"

/* Every route; the handlers' ctx is the struct ragd. Static. */
const struct http_route *api_routes(size_t *n);

/* For the log: by its request id what went wrong is found. */
void api_failed_cb(const struct http_request *req, int status, struct ragd_str body, void *ctx);

/* ---- for the handlers ------------------------------------------------------------------------ */

/*
 * A request whose work is done on the pool. `run` writes the reply's JSON into out, or calls job_fail;
 * it sees nothing of the connection, which may go away meanwhile.
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
	 * For a run that begins again behind a filter that did not come back: what the filters are, and how
	 * far it had come. In call's arena.
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
	bool stored;          /* out is what somebody put in, in whatever type: no page of ours */
	struct buf out;
};

/* Copy what the job needs of the request and queue it; replies by itself when it cannot. */
void job_start(struct http_exchange *x, const struct http_request *req, struct ragd *d,
	       void (*run)(struct job *job));
/*
 * The same for work before the work: unless run failed, `then` gets the job on the loop in place of a reply,
 * if the client is still there. Takes arg, also when it replies by itself.
 */
void job_start_then(struct http_exchange *x, const struct http_request *req, struct ragd *d,
		    void (*run)(struct job *job), void (*then)(struct job *job), void *arg,
		    void (*free_arg)(void *arg));
/*
 * Its calls of this plugin have the plugin's deadline from now, and once more for each MiB of the body; of
 * one that does not come back within it the client is told so, and run does not go on.
 */
void job_deadline(struct job *job, const struct plugin *p);
/* The reply is this error. */
void job_fail(struct job *job, int status, const char *code, const char *param, const char *fmt,
	      ...) RAGD_PRINTF(5, 6);
void job_fail_codec(struct job *job, const struct codec_err *err);
/* From what a plugin or the journal returned. what: code of -ENOENT, as "unknown_collection". */
void job_fail_err(struct job *job, const struct ragd_err *err, const char *what);

/* False, with the reply sent, while there is no configuration at work yet. */
bool api_started(struct http_exchange *x, const struct ragd *d);

/* The HTTP status of a negative errno; *code takes the protocol's word, `missing` that of -ENOENT. */
int api_status(int rc, const char *missing, const char **code);

/* api_chat.c */
void api_chat(struct http_exchange *x, const struct http_request *req, void *ctx);
/* api_documents.c */
void api_collections(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_collection_put(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_collection_get(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_collection_remove(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_documents(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_documents_add(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_document_put(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_document_get(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_document_content(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_document_remove(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_search(struct http_exchange *x, const struct http_request *req, void *ctx);
/* api_texts.c */
void api_embeddings(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_moderations(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_feedback(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_feedback_export(struct http_exchange *x, const struct http_request *req, void *ctx);
/* api_system.c */
void api_healthz(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_metrics(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_models(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_model(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_status_get(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_plugins(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_system_card(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_reload(struct http_exchange *x, const struct http_request *req, void *ctx);

#endif
