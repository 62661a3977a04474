/* POST /v1/chat/completions: a question in, an answer out, whole or as it is written. */
#include "daemon/api/api_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text/utf8.h"
#include "daemon/api/api_error.h"
#include "daemon/api/job.h"
#include "daemon/flow/flow.h"
#include "daemon/service/log.h"

#define CHAT_MEMORY (16u << 20)
/* Bytes of a request that are decoded on the loop, where nobody waits long for them. */
#define DECODE_MAX 32768

/* One chat request, from its flow's start to its end. */
struct chat_answer {
	struct http_exchange *x;
	struct flow *flow;
	struct arena *arena; /* citations, the assistant's name */
	const char *model;
	const char *request_id;
	int64_t created_s;
	bool stream;
	bool include_usage;
	bool started;                 /* the stream's first byte is out */
	size_t n_chars;               /* of the answer so far */
	struct buf content;           /* not streamed: the answer so far */
	struct codec_citation *cites; /* not streamed: all so far */
	size_t n_cites;
	size_t cap_cites;
};

static void chat_free(struct chat_answer *c)
{
	buf_fini(&c->content);
	arena_free(c->arena);
	free(c);
}

static void chat_gone_cb(struct http_exchange *x, void *arg)
{
	struct chat_answer *c = arg;

	(void)x;
	flow_cancel(c->flow);
	chat_free(c);
}

static struct ragd_str str_of(const char *s)
{
	return (struct ragd_str){ s, strlen(s) };
}

static struct codec_chat_chunk chunk_of(const struct chat_answer *c)
{
	return (struct codec_chat_chunk){
		.id = flow_id(c->flow),
		.created_s = c->created_s,
		.model = c->model,
		.first = !c->started,
	};
}

/* Marks of this piece as the protocol counts them: in characters of the whole answer. */
static void cites_fill(const struct chat_answer *c, const struct flow_piece *piece,
		       struct codec_citation *out)
{
	for (size_t i = 0; i < piece->n_cites; i++) {
		const struct citation *cite = &piece->cites[i];
		const struct evidence_source *s = cite->source;

		out[i] = (struct codec_citation){
			.n = s->n,
			.at = c->n_chars + utf8_count(piece->text.s, cite->mark_start),
			.mark = { piece->text.s + cite->mark_start,
				  cite->mark_end - cite->mark_start },
			.collection = str_of(s->collection),
			.document = s->shown,
			.title = s->title,
			.heading = s->heading,
			.start = cite->start,
			.end = cite->end,
			.quote = cite->quote,
			.score = cite->score,
		};
	}
}

static void stream_start(struct chat_answer *c)
{
	if (c->started)
		return;
	http_header(c->x, "X-AI-Generated", "true");
	http_stream_start(c->x, 200, "text/event-stream");
}

static void piece_stream(struct chat_answer *c, const struct flow_piece *piece)
{
	struct codec_citation *cites = calloc(piece->n_cites + 1, sizeof(*cites));
	struct codec_chat_chunk chunk = chunk_of(c);
	struct buf out = BUF_INIT;

	if (cites != NULL)
		cites_fill(c, piece, cites);
	chunk.text = piece->text;
	chunk.refused = piece->refusal;
	chunk.citations = cites;
	chunk.n_citations = cites != NULL ? piece->n_cites : 0;
	stream_start(c);
	c->started = true;
	codec_chat_chunk(&out, &chunk);
	http_stream_write(c->x, out.data, out.len);
	buf_fini(&out);
	free(cites);
}

static void piece_keep(struct chat_answer *c, const struct flow_piece *piece)
{
	size_t need = c->n_cites + piece->n_cites;

	if (need > c->cap_cites) {
		size_t cap = 2 * need;
		struct codec_citation *v = arena_alloc(c->arena, cap, sizeof(*v));

		if (v == NULL)
			return;
		if (c->n_cites > 0)
			memcpy(v, c->cites, c->n_cites * sizeof(*v));
		c->cites = v;
		c->cap_cites = cap;
	}
	if (piece->n_cites > 0)
		cites_fill(c, piece, &c->cites[c->n_cites]);
	for (size_t i = c->n_cites; i < need; i++) /* the piece's text goes */
		c->cites[i].mark = arena_str(c->arena, c->cites[i].mark);
	c->n_cites = need;
	buf_add(&c->content, piece->text.s, piece->text.len);
}

static void piece_cb(struct flow *f, const struct flow_piece *piece, void *arg)
{
	struct chat_answer *c = arg;

	(void)f;
	if (c->stream)
		piece_stream(c, piece);
	else
		piece_keep(c, piece);
	c->n_chars += utf8_count(piece->text.s, piece->text.len);
}

/* ---- the end ------------------------------------------------------------------------------- */

static const char *finish_name(enum flow_finish finish)
{
	switch (finish) {
	case FLOW_LENGTH:
		return "length";
	case FLOW_FILTERED:
		return "content_filter";
	default:
		return "stop";
	}
}

static struct codec_finding finding_of(const struct finding *f)
{
	return (struct codec_finding){
		.stage = f->stage,
		.plugin = f->plugin,
		.category = f->category,
		.rule = f->rule,
		.action = f->action,
		.score = f->score,
	};
}

/*
 * The findings of one action, in the arena. What was dropped as
 * unsupported is counted, not listed.
 */
static const struct codec_finding *findings_of(struct arena *arena, const struct flow_result *r,
					       enum ragd_action action, size_t *n)
{
	struct codec_finding *v = arena_alloc(arena, r->n_findings, sizeof(*v));

	*n = 0;
	for (size_t i = 0; v != NULL && i < r->n_findings; i++)
		if (r->findings[i].action == action &&
		    strcmp(r->findings[i].category, "unsupported") != 0)
			v[(*n)++] = finding_of(&r->findings[i]);
	return v;
}

static void outcome_fill(struct chat_answer *c, const struct flow_result *r,
			 struct codec_outcome *out)
{
	struct codec_finding *blocked = arena_alloc(c->arena, 1, sizeof(*blocked));
	struct codec_source *sources = arena_alloc(c->arena, r->n_sources, sizeof(*sources));

	*out = (struct codec_outcome){
		.grounded = r->grounded,
		.abstained = r->abstained,
		.n_dropped = r->n_dropped,
		.sources = sources,
		.n_sources = sources != NULL ? r->n_sources : 0,
	};
	if (r->blocked_by != NULL && blocked != NULL) {
		*blocked = finding_of(r->blocked_by);
		out->blocked_by = blocked;
	}
	out->steered = findings_of(c->arena, r, RAGD_STEER, &out->n_steered);
	out->redactions = findings_of(c->arena, r, RAGD_REDACT, &out->n_redactions);
	for (size_t i = 0; i < out->n_sources; i++)
		sources[i] = (struct codec_source){
			.n = r->sources[i].n,
			.collection = str_of(r->sources[i].collection),
			.document = r->sources[i].shown,
			.title = r->sources[i].title,
			.heading = r->sources[i].heading,
		};
}

static void chat_fail(struct chat_answer *c, const struct ragd_err *err)
{
	static struct log_limit limit;
	char left_out[LOG_LEFT_LEN] = "";
	struct buf out = BUF_INIT;
	const char *code;
	int status = api_status(err->code, "unknown_collection", &code);

	if (err->code == -ENOTSUP) { /* no question of the request's media type: the model cannot */
		status = 400;
		code = "unsupported";
	}
	if (status != 503 || log_limit_pass(&limit, clock_ms(), left_out))
		log_warn("event=answer-failed id=%s request=%s error=%s%s", flow_id(c->flow),
			 c->request_id, LOG_TEXT(err->msg), left_out);
	if (!c->started) {
		if (status == 503)
			http_header(c->x, "Retry-After", "1");
		http_reply_error(c->x, status, code, NULL, "%s", err->msg);
		return;
	}
	codec_chat_error(&out, status, code, err->msg);
	codec_chat_done(&out);
	http_stream_write(c->x, out.data, out.len);
	http_stream_end(c->x);
	buf_fini(&out);
}

static void end_stream(struct chat_answer *c, const struct flow_result *r)
{
	struct codec_chat_chunk chunk = chunk_of(c);
	struct codec_outcome outcome;
	struct buf out = BUF_INIT;

	outcome_fill(c, r, &outcome);
	chunk.outcome = &outcome;
	chunk.finish_reason = finish_name(r->finish);
	stream_start(c);
	codec_chat_chunk(&out, &chunk);
	if (c->include_usage)
		codec_chat_usage(&out, &chunk, &r->usage);
	codec_chat_done(&out);
	http_stream_write(c->x, out.data, out.len);
	http_stream_end(c->x);
	buf_fini(&out);
}

static void end_whole(struct chat_answer *c, const struct flow_result *r)
{
	struct codec_chat_reply reply = {
		.id = flow_id(c->flow),
		.created_s = c->created_s,
		.model = c->model,
		.content = buf_str(&c->content),
		.refused = r->finish == FLOW_FILTERED,
		.citations = c->cites,
		.n_citations = c->n_cites,
		.finish_reason = finish_name(r->finish),
		.usage = r->usage,
	};
	struct buf out = BUF_INIT;

	outcome_fill(c, r, &reply.outcome);
	codec_chat_reply(&out, &reply);
	if (buf_failed(&out) || buf_failed(&c->content)) {
		http_reply_error(c->x, 503, "unavailable", NULL, "out of memory for the answer");
	} else {
		http_header(c->x, "X-AI-Generated", "true");
		http_reply(c->x, 200, "application/json", out.data, out.len);
	}
	buf_fini(&out);
}

static void chat_done_cb(struct flow *f, const struct flow_result *result, void *arg)
{
	struct chat_answer *c = arg;

	(void)f;
	if (result->finish == FLOW_FAILED)
		chat_fail(c, result->err);
	else if (c->stream)
		end_stream(c, result);
	else
		end_whole(c, result);
	chat_free(c);
}

/* ---- the beginning ------------------------------------------------------------------------- */

/*
 * The assistant's collections, or those of them that the request
 * names; false: one is not among them.
 */
static bool collections_allowed(const struct config_assistant *a, const struct codec_chat *req,
				const char **wrong)
{
	for (size_t i = 0; i < req->n_collections; i++) {
		const char *const *c = a->collections;

		while (*c != NULL && strcmp(*c, req->collections[i]) != 0)
			c++;
		if (a->collections[0] != NULL && *c == NULL) {
			*wrong = req->collections[i];
			return false;
		}
	}
	return true;
}

static struct ragd_sampling sampling_of(const struct config_assistant *a,
					const struct codec_chat *req)
{
	struct ragd_sampling s = a->sampling;

	if (req->has_max_tokens && (s.max_tokens == 0 || req->max_tokens < s.max_tokens))
		s.max_tokens = req->max_tokens;
	if (req->has_temperature)
		s.temperature = req->temperature;
	if (req->has_top_p)
		s.top_p = req->top_p;
	if (req->has_seed)
		s.seed = req->seed;
	if (req->n_stop > 0) {
		s.stop = req->stop;
		s.n_stop = req->n_stop;
	}
	s.presence_penalty = req->presence_penalty;
	s.frequency_penalty = req->frequency_penalty;
	s.bias = req->bias;
	s.n_bias = req->n_bias;
	return s;
}

/* A request on its way to its start. */
struct chat_question {
	struct arena *arena; /* the request, later the chat's */
	struct codec_chat req;
	size_t question_max;
	int64_t received_us;
};

static void question_free(void *arg)
{
	struct chat_question *q = arg;

	arena_free(q->arena);
	free(q);
}

static struct chat_question *question_new(const struct http_request *req, const struct ragd *d)
{
	struct chat_question *q = calloc(1, sizeof(*q));

	if (q == NULL || (q->arena = arena_new(CHAT_MEMORY)) == NULL) {
		free(q);
		return NULL;
	}
	q->question_max = d->current->cfg->question_max;
	q->received_us = req->received_us;
	return q;
}

/* Any thread. */
static int question_decode(struct chat_question *q, struct ragd_str body, struct codec_err *err)
{
	if (codec_chat_decode(q->arena, body, &q->req, err) < 0)
		return -EINVAL;
	if (q->req.n_text <= q->question_max)
		return 0;
	*err = (struct codec_err){ .status = 400, .code = "invalid_value", .param = "messages" };
	snprintf(err->msg, sizeof(err->msg), "the messages have %zu bytes; at most %zu are taken",
		 q->req.n_text, q->question_max);
	return -EINVAL;
}

/*
 * The assistant that is asked; NULL, with the reply sent, if there is
 * none, or it lacks what is asked.
 */
static const struct config_assistant *assistant_of(struct http_exchange *x, const struct ragd *d,
						   const struct codec_chat *req)
{
	const struct config_assistant *a = config_assistant(d->current->cfg, req->model);
	const char *wrong = NULL;

	if (a == NULL) {
		http_reply_error(x, 404, "unknown_model", "model",
				 "there is no assistant '%s'; /v1/models lists them", req->model);
		return NULL;
	}
	if (!collections_allowed(a, req, &wrong)) {
		http_reply_error(x, 404, "unknown_collection", "collections",
				 "assistant '%s' has no collection '%s'", a->name, wrong);
		return NULL;
	}
	return a;
}

static struct chat_answer *chat_new(struct arena *arena, const struct codec_chat *req)
{
	struct chat_answer *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->arena = arena;
	c->model = req->model; /* in the arena */
	c->created_s = (int64_t)time(NULL);
	c->stream = req->stream;
	c->include_usage = req->include_usage;
	return c;
}

static void reply_no_memory(struct http_exchange *x)
{
	http_reply_error(x, 503, "unavailable", NULL, "out of memory; try again in a moment");
}

/* Takes q. */
static void chat_start(struct http_exchange *x, struct ragd *d, struct chat_question *q,
		       const struct ragd_caller *caller, const char *request_id)
{
	static const struct flow_events events = { piece_cb, chat_done_cb };
	const struct config_assistant *a = assistant_of(x, d, &q->req);
	struct chat_answer *c = a != NULL ? chat_new(q->arena, &q->req) : NULL;
	struct ragd_err err = { 0 };
	struct flow_question question;
	int rc;

	if (c == NULL) {
		if (a != NULL)
			reply_no_memory(x);
		question_free(q);
		return;
	}
	question = (struct flow_question){
		.assistant = a,
		.messages = q->req.messages,
		.n_messages = q->req.n_messages,
		.collections = q->req.collections,
		.n_collections = q->req.n_collections,
		.k = q->req.has_k ? q->req.k : 0,
		.sampling = sampling_of(a, &q->req),
		.caller = caller,
		.request_id = request_id,
		.received_us = q->received_us,
	};
	c->request_id = arena_strdup(c->arena, request_id);
	rc = flow_start(d, &question, &events, c, &c->flow, &err);
	free(q); /* its arena is the chat's */
	if (rc == 0) {
		c->x = x;
		http_on_gone(x, chat_gone_cb, c);
		return;
	}
	http_header(x, "Retry-After", "1");
	if (rc == -EAGAIN)
		http_reply_error(x, 429, "queue_full", NULL, "%s", err.msg);
	else
		http_reply_error(x, 503, "unavailable", NULL, "%s", err.msg);
	chat_free(c);
}

/* Pool thread. */
static void run_decode(struct job *job)
{
	struct codec_err err;

	if (question_decode(job->arg, job->body, &err) < 0)
		job_fail_codec(job, &err);
}

static void then_start(struct job *job)
{
	struct chat_question *q = job->arg;

	job->arg = NULL;
	job->free_arg = NULL;
	chat_start(job->x, job->d, q, &job->call->caller, job->call->request_id);
}

static void api_chat(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	struct ragd *d = ctx;
	struct codec_err err;
	struct chat_question *q;

	if (!api_started(x, d))
		return;
	/* Escapes make JSON up to six times as long as its text; more is not worth parsing. */
	if (req->body.len > 6 * d->current->cfg->question_max + CODEC_NOTE_MAX) {
		http_reply_error(x, 413, "body_too_large", "messages",
				 "the messages together may have at most %zu bytes",
				 d->current->cfg->question_max);
		return;
	}
	q = question_new(req, d);
	if (q == NULL) {
		reply_no_memory(x);
		return;
	}
	if (req->body.len > DECODE_MAX) {
		job_start(x, req, d, run_decode, then_start, q, question_free);
		return;
	}
	if (question_decode(q, req->body, &err) == 0) {
		chat_start(x, d, q, req->caller, req->request_id);
		return;
	}
	question_free(q);
	http_reply_error(x, err.status, err.code, codec_param(&err), "%s", err.msg);
}

const struct http_route api_chat_routes[] = {
	{ "POST", "/v1/chat/completions", 0, api_chat, NULL },
	{ 0 },
};
