/* A reply as it comes in: a stream of events, a whole answer, vectors, scores, or an error. */
#include "upstream/job.h"

#include <string.h>

#include "base/clock.h"
#include "base/util.h"

#define DRAIN_MS         250 /* for the last bytes of a stream whose answer is whole */
#define STREAM_EVENT_MAX ((size_t)1 << 20)  /* bytes of one event */
#define STREAM_MAX       ((size_t)64 << 20) /* bytes of a stream, comments included */
#define WHOLE_MAX        ((size_t)64 << 20) /* bytes of a reply that is no stream */
#define ERROR_BODY_MAX   ((size_t)16 << 10) /* of an error's; the rest is not kept */
#define TYPE_EVENTS      "text/event-stream"
#define TYPE_JSON        "application/json"

static int event_cb(void *arg, bool is_error, const char *data, size_t len, struct ragd_err *err);

void job_reply_begin(struct upstream_job *job)
{
	sse_init(&job->sse, STREAM_EVENT_MAX, STREAM_MAX, event_cb, job);
	buf_clear(&job->reply);
	job->progress_ms = 0;
	job->told = job->refuses = job->abstained = false;
	job->finish = REPLY_GOES_ON;
	job->usage = (struct ragd_usage){ 0 };
	job->n_pieces = 0;
	job->err = (struct ragd_err){ 0 };
}

void job_reply_end(struct upstream_job *job)
{
	sse_fini(&job->sse);
	buf_fini(&job->reply);
}

/* ---- pieces of an answer ------------------------------------------------------------------- */

static void first_text(struct upstream_job *job, int64_t now_ms)
{
	struct servers *servers = job->servers;
	int64_t took_ms = now_ms - job->begun_ms;

	job->some_text = true;
	servers_count(servers, "first_tokens", 1);
	servers_count(servers, "first_token_ms", (uint64_t)MAX(took_ms, (int64_t)0));
	servers->host->gauge(servers->host, "last_first_token_ms", (double)took_ms);
	servers_ok(servers, job->at);
}

static int text_pass(struct upstream_job *job, const struct reply_chunk *c, int64_t now_ms,
		     struct ragd_err *err)
{
	if (!job->some_text)
		first_text(job, now_ms);
	job->n_pieces++;
	job->stop_code = job->sink->text(job->sink, c->text, c->text_len);
	return job->stop_code < 0 ? ragd_err_set(err, job->stop_code, "nobody wants more of it")
				  : 0;
}

/* What comes after the answer's end is usage and repetition. */
static int chunk_take(struct upstream_job *job, const struct reply_chunk *c, struct ragd_err *err)
{
	bool ended = job->finish != REPLY_GOES_ON;
	int64_t now_ms = clock_ms();
	int rc = 0;

	if (c->text != NULL || c->thinks)
		job->progress_ms = now_ms;
	if (c->has_usage)
		job->usage = c->usage;
	job->abstained |= c->abstained;
	if (ended)
		return 0;
	job->refuses |= c->refuses;
	if (c->text != NULL)
		rc = text_pass(job, c, now_ms, err);
	job->finish = c->finish;
	if (job->finish != REPLY_GOES_ON) {
		job->state = JOB_ENDING;
		job->end_ms = now_ms + DRAIN_MS;
	}
	return rc;
}

static int chunk_parse(struct upstream_job *job, const char *data, size_t len, bool whole,
		       struct ragd_err *err)
{
	struct reply_chunk chunk;
	json_t *root = reply_parse(data, len);
	int rc;

	if (root == NULL)
		return ragd_err_set(err, -EPROTO, "what it sent is not JSON");
	rc = reply_chunk_read(root, whole, &chunk, err);
	if (rc == 0)
		rc = chunk_take(job, &chunk, err);
	json_decref(root);
	return rc;
}

static int event_cb(void *arg, bool is_error, const char *data, size_t len, struct ragd_err *err)
{
	char words[REPLY_MESSAGE_MAX + 1];
	struct upstream_job *job = arg;

	if (job->told)
		return 0;
	if (len == 6 && memcmp(data, "[DONE]", 6) == 0) {
		job->told = true;
		if (job->state == JOB_FLYING) {
			job->state = JOB_ENDING;
			job->end_ms = clock_ms() + DRAIN_MS;
		}
		return 0;
	}
	if (!is_error)
		return chunk_parse(job, data, len, false, err);
	reply_message(data, len, words);
	return ragd_err_set(err, -EREMOTEIO, "%s", words[0] != '\0' ? words : "an error");
}

/* ---- bytes --------------------------------------------------------------------------------- */

static int reply_keep(struct upstream_job *job, const char *data, size_t len, size_t max)
{
	bool is_error = max == ERROR_BODY_MAX;

	if (job->reply.len + len > max) {
		if (!is_error)
			return ragd_err_set(&job->err, -EPROTO,
					    "its reply is longer than %zu bytes", max);
		len = max - job->reply.len;
	}
	buf_add(&job->reply, data, len);
	return buf_failed(&job->reply)
		       ? ragd_err_set(&job->err, -ENOMEM, "out of memory for the reply")
		       : 0;
}

int job_reply_body(struct exchange *x, const char *data, size_t len)
{
	struct upstream_job *job = container_of(x, struct upstream_job, x);

	if (x->status / 100 != 2)
		return reply_keep(job, data, len, ERROR_BODY_MAX);
	if (job->sink == NULL)
		job->progress_ms = clock_ms();
	if (strcmp(x->type, TYPE_EVENTS) == 0 && job->sink != NULL)
		return sse_feed(&job->sse, data, len, &job->err);
	if (strcmp(x->type, TYPE_JSON) == 0)
		return reply_keep(job, data, len, WHOLE_MAX);
	return ragd_err_set(&job->err, -EPROTO, "it replies with '%.40s' instead of %s", x->type,
			    job->sink != NULL ? TYPE_EVENTS : TYPE_JSON);
}

/* ---- the end ------------------------------------------------------------------------------- */

/* Vectors, or scores of passages. */
static int numbers_finish(struct upstream_job *job, struct ragd_err *err)
{
	json_t *root = reply_parse(job->reply.data != NULL ? job->reply.data : "", job->reply.len);
	int rc;

	if (root == NULL)
		return ragd_err_set(err, -EPROTO, "what it sent is not JSON");
	job->usage.n_prompt = reply_prompt_tokens(root);
	if (job->query != NULL)
		rc = reply_ranks_read(root, job->n_texts, job->servers->settings.rerank_logits,
				      job->scores, err);
	else
		rc = reply_embeddings_read(root, job->n_texts, &job->dim, &job->vectors, err);
	json_decref(root);
	return rc;
}

int job_reply_finish(struct upstream_job *job, struct ragd_err *err)
{
	int rc;

	if (job->sink == NULL)
		return numbers_finish(job, err);
	if (strcmp(job->x.type, TYPE_JSON) == 0) {
		rc = chunk_parse(job, job->reply.data != NULL ? job->reply.data : "",
				 job->reply.len, true, err);
		if (rc < 0)
			return rc;
	}
	if (job->finish == REPLY_GOES_ON && !job->told)
		return ragd_err_set(err, -EPIPE, "the stream ended before the answer did");
	/* A filter, or a model that has nothing to say, ends with a reason; silence is a fault. */
	if (job->finish == REPLY_GOES_ON && !job->some_text)
		return ragd_err_set(err, -EPROTO, "the stream ended without an answer");
	return 0;
}
