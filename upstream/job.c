#include "upstream/job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "upstream/wire/request.h"

#define DELAY_MAX_MS 10000 /* between two rounds */
#define URL_SHOWN    60    /* bytes of an endpoint's name in an error */

static void attempt_done_cb(struct exchange *x, int rc, const struct ragd_err *err);

static const struct exchange_ops exchange_ops = {
	.body = job_reply_body,
	.done = attempt_done_cb,
};

static const char *url_of(const struct upstream_job *job)
{
	return job->servers->settings.servers[job->at].url.text;
}

/* ---- the end of a job ----------------------------------------------------------------------- */

static void job_over(struct upstream_job *job, int rc, struct ragd_err *err)
{
	if (job->body != NULL) {
		free(job->body);
		job->body = NULL;
	}
	job_reply_end(job);
	if (rc < 0) {
		servers_count(job->servers, rc == -ECANCELED ? "cancelled" : "failed", 1);
		servers_clean(job->servers, err);
	}
	queue_leave(job->queue, job);
	job->over(job, rc, err);
}

static void job_fail(struct upstream_job *job, int rc, const char *what)
{
	struct ragd_err err = { 0 };

	ragd_err_set(&err, rc, "%s", what);
	job_over(job, rc, &err);
}

static void job_cancelled(struct upstream_job *job)
{
	job_fail(job, -ECANCELED, "nobody is waiting for the answer any more");
}

/*
 * No attempt is left: tell why the latest one failed. That nobody could be reached, or all are
 * busy, is -EBUSY: the same request may go well later.
 */
static void job_give_up(struct upstream_job *job)
{
	static const struct {
		int rc;
		int told;
	} rows[] = {
		{ 0, -EBUSY },     { -ECONNREFUSED, -EBUSY }, { -EPIPE, -EBUSY },
		{ -EPROTO, -EIO }, { -EREMOTEIO, -EIO },      { -EACCES, -EIO },
	};
	struct ragd_err err = { 0 };
	int rc = job->err.code;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].rc == rc) {
			rc = rows[i].told;
			break;
		}
	}
	ragd_err_set(&err, rc, "%s",
		     job->err.code < 0 ? job->err.msg
				       : "none of the servers can be reached; the log says why");
	job_over(job, rc, &err);
}

/* ---- attempts -------------------------------------------------------------------------------- */

static const char *model_of(const struct upstream_job *job)
{
	const struct settings *s = &job->servers->settings;

	if (job->query != NULL && s->rerank_model[0] != '\0')
		return s->rerank_model;
	if (job->query == NULL && job->sink == NULL && s->embed_model[0] != '\0')
		return s->embed_model;
	return s->model[0] != '\0' ? s->model : job->servers->models[job->at];
}

static char *body_build(const struct upstream_job *job, struct ragd_err *err)
{
	const struct settings *s = &job->servers->settings;
	char salt[DIGEST_HEX + 1];

	if (job->query != NULL)
		return request_rerank(*job->query, job->texts, job->n_texts, model_of(job), err);
	if (job->sink == NULL)
		return request_embeddings(job->texts, job->n_texts, model_of(job), err);
	servers_salt(job->servers, job->call, salt);
	return request_chat(job->req, model_of(job), s->extended, s->cache_salt ? salt : NULL, err);
}

static const char *path_of(const struct upstream_job *job)
{
	if (job->query != NULL)
		return "rerank";
	return job->sink != NULL ? "chat/completions" : "embeddings";
}

static int attempt_start(struct upstream_job *job, int64_t now_ms, struct ragd_err *err)
{
	const struct settings *s = &job->servers->settings;
	struct exchange_request r;
	char *url = NULL;
	int rc;

	free(job->body);
	job->body = body_build(job, err);
	if (job->body == NULL)
		return err->code;
	if (asprintf(&url, "%s/%s", s->servers[job->at].url.base, path_of(job)) < 0)
		return ragd_err_set(err, -ENOMEM, "out of memory for a request");
	job_reply_begin(job);
	r = servers_request(job->servers, job->at, url);
	r.body = job->body;
	r.accept = job->sink != NULL ? "text/event-stream, application/json" : "application/json";
	r.request_id = job->call->request_id;
	job->x.ops = &exchange_ops;
	rc = http_start(job->servers->http, &job->x, &r, err);
	free(url);
	job->sent_ms = now_ms;
	return rc;
}

static void attempt_release(struct upstream_job *job)
{
	endpoint_release(&job->servers->endpoints[job->at], job->trial);
	sse_fini(&job->sse);
}

/* None is left in this round: another round after a while, or the end. */
static void job_wait(struct upstream_job *job, int64_t now_ms)
{
	struct servers *servers = job->servers;
	const struct settings *s = &servers->settings;
	int64_t room_ms = endpoint_room_ms(servers->endpoints, s->n_servers, now_ms);
	bool some_open =
		endpoint_any_open(servers->endpoints, s->n_servers, &servers->rules, now_ms);
	bool some_unknown = false;

	for (size_t i = 0; i < s->n_servers; i++)
		some_unknown |= servers->endpoints[i].state == ENDPOINT_UNKNOWN;
	job->state = JOB_WAITING;
	job->wants_any = !some_open;
	job->tried = job->misfits;
	if (!some_open && some_unknown && servers->rules.need_list) {
		job->wake_ms = INT64_MAX; /* until the first check of a server is over */
		return;
	}
	if (job->round >= s->retries || job->misfits == (uint32_t)((1ull << s->n_servers) - 1) ||
	    (!some_open && room_ms != INT64_MAX && room_ms - now_ms > s->retry_after_max_ms)) {
		job_give_up(job);
		return;
	}
	job->round++;
	job->again = true;
	job->wake_ms = now_ms + retry_delay_ms(s->retry_delay_ms, DELAY_MAX_MS, job->round,
					       retry_random(&servers->random));
	if (!some_open && room_ms != INT64_MAX)
		job->wake_ms = MAX(job->wake_ms, room_ms);
}

static void job_try(struct upstream_job *job, int64_t now_ms)
{
	struct servers *servers = job->servers;
	struct ragd_err err = { 0 };
	int at = endpoint_pick(servers->endpoints, servers->settings.n_servers, job->tried,
			       &servers->rules, now_ms);

	if (at < 0) {
		job_wait(job, now_ms);
		return;
	}
	if (job->attempts++ > 0)
		servers_count(servers, job->again ? "retries" : "failovers", 1);
	job->again = false;
	job->at = (size_t)at;
	job->trial = servers->endpoints[at].trial;
	job->state = JOB_FLYING;
	job->wants_any = false;
	if (attempt_start(job, now_ms, &err) < 0) {
		attempt_release(job);
		job_over(job, err.code, &err);
	}
}

void job_start(struct upstream_job *job, int64_t now_ms)
{
	queue_enter(job->queue, job);
	job->begun_ms = now_ms;
	servers_count(job->servers, "requests", 1);
	if (job->call->cancelled(job->call))
		job_cancelled(job);
	else
		job_try(job, now_ms);
}

/* ---- what came of an attempt ----------------------------------------------------------------- */

static void job_succeed(struct upstream_job *job)
{
	servers_ok(job->servers, job->at);
	if (job->usage.n_output == 0)
		job->usage.n_output = job->n_pieces; /* as near as we know */
	job_over(job, 0, NULL);
}

/* The server's words on a status that is not 2xx. */
static void status_explain(struct upstream_job *job, enum attempt_result result)
{
	static const int codes[] = {
		[ATTEMPT_REFUSED] = -EINVAL,
		[ATTEMPT_MISFIT] = -EREMOTEIO,
		[ATTEMPT_BUSY] = -EBUSY,
		[ATTEMPT_FAILED] = -EREMOTEIO,
	};
	char words[REPLY_MESSAGE_MAX + 1] = "";

	if (job->x.status / 100 == 3)
		snprintf(words, sizeof(words), "a redirect, which is not followed");
	else
		reply_message(job->reply.data != NULL ? job->reply.data : "", job->reply.len,
			      words);
	ragd_err_set(&job->err, codes[result], "server '%.*s' answers %ld%s%s", URL_SHOWN,
		     url_of(job), job->x.status, words[0] != '\0' ? ": " : "", words);
}

/* The rest of an attempt that did not go well; *why is told of the server, not yet of the job. */
static void attempt_failed(struct upstream_job *job, enum attempt_result result,
			   const struct ragd_err *why)
{
	struct servers *servers = job->servers;
	int64_t now_ms = clock_ms();
	struct ragd_err err = *why;

	attempt_release(job);
	if (result == ATTEMPT_REFUSED || result == ATTEMPT_BUSY)
		servers_ok(servers, job->at);
	else
		servers_failed(servers, job->at, false, why);
	if (result == ATTEMPT_BUSY)
		endpoint_busy(&servers->endpoints[job->at],
			      now_ms + MAX(job->x.retry_after_ms, (int64_t)0));
	if (job->some_text) {
		job_over(job, err.code, &err);
		return;
	}
	job->err = err;
	job->tried |= 1u << job->at;
	if (result == ATTEMPT_MISFIT)
		job->misfits |= 1u << job->at;
	if (result == ATTEMPT_REFUSED)
		job_over(job, err.code, &err);
	else
		job_try(job, now_ms);
}

/* The attempt went wrong: who, how far it came, and why. */
static void attempt_broke(struct upstream_job *job, const struct ragd_err *why)
{
	struct ragd_err err = { 0 };

	if (job->some_text)
		ragd_err_set(&err, why->code == -ETIMEDOUT ? -ETIMEDOUT : -EIO,
			     "server '%.*s' broke off in the middle of the answer: %.140s",
			     URL_SHOWN, url_of(job), why->msg);
	else
		ragd_err_set(&err, why->code, "server '%.*s': %.150s", URL_SHOWN, url_of(job),
			     why->msg);
	attempt_failed(job, ATTEMPT_FAILED, &err);
}

/* The sink takes no more: the answer is at its limit, or nobody waits. */
static void sink_stopped(struct upstream_job *job)
{
	attempt_release(job);
	if (job->stop_code != -ENOBUFS) {
		job_cancelled(job);
		return;
	}
	job->finish = REPLY_LENGTH;
	job_succeed(job);
}

static void attempt_done_cb(struct exchange *x, int rc, const struct ragd_err *err)
{
	struct upstream_job *job = container_of(x, struct upstream_job, x);
	enum attempt_result result;
	struct ragd_err why;

	if (job->stop_code < 0) {
		sink_stopped(job);
		return;
	}
	why = job->err.code < 0 ? job->err : err != NULL ? *err : (struct ragd_err){ 0 };
	result = rc == 0 ? retry_classify(x->status, x->retry_after_ms >= 0) : ATTEMPT_FAILED;
	if (result != ATTEMPT_OK && rc == 0) {
		status_explain(job, result);
		why = job->err;
		attempt_failed(job, result, &why);
		return;
	}
	/* An answer that is whole stays so, however the connection ended. */
	if (job->state != JOB_ENDING && rc < 0) {
		attempt_broke(job, &why);
		return;
	}
	if (job_reply_finish(job, &why) < 0 && job->stop_code == 0) {
		attempt_broke(job, &why);
	} else if (job->stop_code < 0) {
		sink_stopped(job);
	} else {
		attempt_release(job);
		job_succeed(job);
	}
}

/* ---- time ------------------------------------------------------------------------------------ */

static void attempt_abort(struct upstream_job *job)
{
	http_abort(job->servers->http, &job->x);
}

/* Does the server keep us waiting? */
static void flying_tick(struct upstream_job *job, int64_t now_ms)
{
	const struct settings *s = &job->servers->settings;
	bool first = job->progress_ms == 0;
	int64_t limit_ms = first ? s->first_token_ms : s->token_ms;
	struct ragd_err err = { 0 };

	if (now_ms - (first ? job->sent_ms : job->progress_ms) <= limit_ms)
		return;
	attempt_abort(job);
	ragd_err_set(&err, -ETIMEDOUT, "no %s token within %" PRId64 " ms",
		     first ? "first" : "further", limit_ms);
	attempt_broke(job, &err);
}

/* The answer is whole, and the server does not close the stream. */
static void ending_tick(struct upstream_job *job, int64_t now_ms)
{
	if (now_ms < job->end_ms)
		return;
	attempt_abort(job);
	attempt_done_cb(&job->x, -EPIPE, NULL);
}

/* Nobody waits, or the caller's time is over: leave the server at once. */
static void job_leave(struct upstream_job *job, bool late)
{
	char what[200];

	if (job->state != JOB_WAITING) {
		attempt_abort(job);
		attempt_release(job);
	}
	if (!late) {
		job_cancelled(job);
		return;
	}
	snprintf(what, sizeof(what), "the deadline passed while %s '%.*s'",
		 job->state == JOB_WAITING ? "waiting for a server, last" : "waiting for server",
		 URL_SHOWN, url_of(job));
	job_fail(job, -ETIMEDOUT, what);
}

void job_tick(struct upstream_job *job, int64_t now_ms)
{
	bool late = job->call->deadline_ms != 0 && now_ms > job->call->deadline_ms;

	if (job->call->cancelled(job->call))
		job_leave(job, false);
	else if (late)
		job_leave(job, true);
	else if (job->state == JOB_FLYING)
		flying_tick(job, now_ms);
	else if (job->state == JOB_ENDING)
		ending_tick(job, now_ms);
	else if (now_ms >= job->wake_ms)
		job_try(job, now_ms);
}

void job_kick(struct upstream_job *job, int64_t now_ms)
{
	struct servers *servers = job->servers;

	if (job->state == JOB_WAITING && job->wants_any &&
	    (job->wake_ms == INT64_MAX ||
	     endpoint_any_open(servers->endpoints, servers->settings.n_servers, &servers->rules,
			       now_ms)))
		job->wake_ms = 0;
}
