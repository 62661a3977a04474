#include "daemon/api/job.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/api/api_error.h"

/* Results of one request: passages of a search, a document that is shown. */
#define JOB_MEMORY (128u << 20)
#define MIB        (1u << 20)

static void job_free(struct job *job)
{
	if (!job->over)
		shares_give(&job->d->jobs, job->uid);
	if (job->free_arg != NULL)
		job->free_arg(job->arg);
	generation_unref(job->gen);
	call_free(job->call);
	http_body_free(&job->taken);
	buf_fini(&job->out);
	free(job);
}

void job_fail(struct job *job, int status, const char *code, const char *param, const char *fmt,
	      ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	buf_clear(&job->out);
	job->out_type = "application/json";
	job->status = status;
	codec_error(&job->out, status, code, param, msg);
}

void job_fail_codec(struct job *job, const struct codec_err *err)
{
	job_fail(job, err->status, err->code, codec_param(err), "%s", err->msg);
}

void job_fail_err(struct job *job, const struct ragd_err *err, const char *what)
{
	const char *code;
	int status = api_status(err->code, what, &code);

	job_fail(job, status, code, NULL, "%s", err->msg);
}

static void job_gone_cb(struct http_exchange *x, void *arg)
{
	struct job *job = arg;

	(void)x;
	job->x = NULL;
	atomic_store(&job->cancelled, true);
}

void job_deadline(struct job *job, const struct plugin *p)
{
	call_deadline(job->call, p->deadline_ms * (int64_t)(1 + job->body.len / MIB), 0);
}

static void job_work_cb(struct pool_work *work)
{
	struct job *job = container_of(work, struct job, work);

	job->run(job);
}

/* The reply is out. A call that was given up and may still come back holds the job. */
static void job_end(struct job *job)
{
	job->x = NULL;
	job->over = true;
	shares_give(&job->d->jobs, job->uid);
	if (job->n_lost == 0)
		job_free(job);
}

static void job_done_cb(struct pool_work *work)
{
	struct job *job = container_of(work, struct job, work);

	if (buf_failed(&job->out))
		job_fail(job, 503, "unavailable", NULL, "out of memory for the reply");
	if (job->x != NULL && job->then != NULL && job->status == 200) {
		job->then(job);
	} else if (job->x != NULL) {
		if (job->status == 503 || job->status == 507)
			http_header(job->x, "Retry-After", "1");
		if (job->stored) {
			http_header(job->x, "Content-Security-Policy",
				    "sandbox; default-src 'none'");
			http_header(job->x, "Content-Disposition", "attachment");
		}
		http_reply(job->x, job->status, job->out_type, job->out.data, job->out.len);
	}
	job_end(job);
}

static void job_lost_cb(struct pool_guard *guard, struct pool_work *work)
{
	struct call *lost = container_of(guard, struct call, guard);
	struct job *job = lost->owner;
	const char *code;
	int status;
	struct ragd_err err;
	struct call *next = call_lost(lost, &err);

	job->n_lost++;
	if (next != NULL)
		job->call = next;
	if (next != NULL && job->filters != NULL) {
		filters_lose(job->filters, lost->plugin);
		pool_start(job->d->pool, work, next->caller.uid, next->caller.admin, job_work_cb,
			   job_done_cb);
		return;
	}
	atomic_store(&job->cancelled, true);
	status = api_status(err.code, "not_found", &code);
	if (job->x != NULL) /* job->out may be the lost thread's */
		http_reply_error(job->x, status, code, NULL, "%s", err.msg);
	job_end(job);
}

static void job_back_cb(struct pool_guard *guard)
{
	struct call *lost = container_of(guard, struct call, guard);
	struct job *job = lost->owner;

	call_back(lost);
	if (--job->n_lost == 0 && job->over)
		job_free(job);
}

static const struct plugin *retrieval_of(const struct generation *gen)
{
	const struct config_assistant *a = config_assistant(gen->cfg, "default");

	if (a != NULL && a->retrieval[0] != '\0')
		return plugin_set_find(gen->plugins, RAGD_KIND_RETRIEVAL, a->retrieval);
	for (size_t i = 0; i < plugin_set_count(gen->plugins); i++) {
		const struct plugin *p = plugin_set_at(gen->plugins, i);

		if (p->descriptor->kind == RAGD_KIND_RETRIEVAL)
			return p;
	}
	return NULL;
}

static const char *query_copy(struct job *job, struct http_exchange *x, const char *name)
{
	const char *s = http_query(x, name);

	return s != NULL ? arena_strdup(job->call->arena, s) : NULL;
}

static struct job *job_new(struct http_exchange *x, const struct http_request *req, struct ragd *d)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL) {
		shares_give(&d->jobs, req->caller->uid);
		return NULL;
	}
	job->d = d;
	job->uid = req->caller->uid;
	job->gen = generation_ref(d->current);
	job->retrieval = retrieval_of(job->gen);
	job->call = call_new(req->caller, req->request_id, JOB_MEMORY, &job->cancelled);
	/* The exchange may go while the pool works: what the job needs of it is its own. */
	http_take_body(x, &job->taken);
	job->body = (struct ragd_str){ job->taken.data, job->taken.len };
	if (job->call == NULL || job->body.s == NULL) {
		job_free(job);
		return NULL;
	}
	call_watch(job->call, (struct pool_guard){ job_lost_cb, job_back_cb }, job);
	for (size_t i = 0; i < req->n_params; i++)
		job->param[i] = arena_str(job->call->arena, req->param[i]);
	job->content_type = arena_strdup(job->call->arena, req->content_type);
	job->title = query_copy(job, x, "title");
	job->after = query_copy(job, x, "after");
	job->limit = query_copy(job, x, "limit");
	job->status = 200;
	job->out_type = "application/json";
	return job;
}

/* A job that holds a place; NULL, with the reply sent, if there is none. */
static struct job *job_admit(struct http_exchange *x, const struct http_request *req,
			     struct ragd *d)
{
	const struct config *cfg = d->current->cfg;
	struct ragd_err err = { 0 };
	struct job *job;

	if (shares_take(&d->jobs, req->caller->uid, req->caller->admin, cfg->queue_max,
			cfg->user_share, "requests", &err) < 0) {
		http_header(x, "Retry-After", "1");
		http_reply_error(x, 429, "queue_full", NULL, "%s", err.msg);
		return NULL;
	}
	job = job_new(x, req, d);
	if (job == NULL)
		http_reply_error(x, 503, "unavailable", NULL,
				 "out of memory; try again in a moment");
	return job;
}

void job_start(struct http_exchange *x, const struct http_request *req, struct ragd *d,
	       void (*run)(struct job *job), void (*then)(struct job *job), void *arg,
	       void (*free_arg)(void *arg))
{
	struct job *job = job_admit(x, req, d);

	if (job == NULL) {
		if (free_arg != NULL)
			free_arg(arg);
		return;
	}
	job->x = x;
	job->run = run;
	job->then = then;
	job->arg = arg;
	job->free_arg = free_arg;
	http_on_gone(x, job_gone_cb, job);
	pool_start(d->pool, &job->work, req->caller->uid, req->caller->admin, job_work_cb,
		   job_done_cb);
}

void job_handle(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	const struct job_route *route = req->arg;

	if (api_started(x, ctx))
		job_start(x, req, ctx, route->run, NULL, NULL, NULL);
}
