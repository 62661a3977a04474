/* POST /v1/chat/completions: a question in, an answer out, whole or as it is written. */
#include "daemon/api.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "daemon/flow.h"
#include "daemon/log.h"

#define CHAT_MEMORY (16u << 20)

/* One chat request, from its flow's start to its end. */
struct chat {
	struct http_exchange *x;
	struct flow *flow;
	struct arena *arena; /* citations, the assistant's name */
	const char *model;
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

static void chat_free(struct chat *c)
{
	buf_fini(&c->content);
	arena_free(c->arena);
	free(c);
}

static void gone_cb(struct http_exchange *x, void *arg)
{
	struct chat *c = arg;

	(void)x;
	flow_cancel(c->flow);
	chat_free(c);
}

static struct ragd_str str_of(const char *s)
{
	return (struct ragd_str){ s, strlen(s) };
}

static struct codec_chat_chunk chunk_of(const struct chat *c)
{
	return (struct codec_chat_chunk){
		.id = flow_id(c->flow),
		.created_s = c->created_s,
		.model = c->model,
		.first = !c->started,
	};
}

/* Marks of this piece as the protocol counts them: in characters of the whole answer. */
static void cites_fill(const struct chat *c, const struct flow_piece *piece,
		       struct codec_citation *out)
{
	for (size_t i = 0; i < piece->n_cites; i++) {
		const struct citation *cite = &piece->cites[i];
		const struct source *s = cite->source;

		out[i] = (struct codec_citation){
			.n = s->n,
			.at = c->n_chars + utf8_count(piece->text.s, cite->mark_start),
			.mark = { piece->text.s + cite->mark_start,
				  cite->mark_end - cite->mark_start },
			.collection = str_of(s->collection),
			.document = str_of(s->document),
			.title = s->title,
			.heading = s->heading,
			.start = cite->start,
			.end = cite->end,
			.quote = cite->quote,
			.score = cite->score,
		};
	}
}

static void stream_start(struct chat *c)
{
	if (c->started)
		return;
	http_header(c->x, "X-AI-Generated", "true");
	http_stream_start(c->x, 200, "text/event-stream");
}

static void piece_stream(struct chat *c, const struct flow_piece *piece)
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

static void piece_keep(struct chat *c, const struct flow_piece *piece)
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
	cites_fill(c, piece, c->cites + c->n_cites);
	for (size_t i = c->n_cites; i < need; i++) /* the piece's text goes */
		c->cites[i].mark = arena_str(c->arena, c->cites[i].mark);
	c->n_cites = need;
	buf_add(&c->content, piece->text.s, piece->text.len);
}

static void piece_cb(struct flow *f, const struct flow_piece *piece, void *arg)
{
	struct chat *c = arg;

	(void)f;
	if (c->stream)
		piece_stream(c, piece);
	else
		piece_keep(c, piece);
	c->n_chars += utf8_count(piece->text.s, piece->text.len);
}

/* ---- the end ------------------------------------------------------------------------------------ */

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

/* The findings of one action, in the arena. What was dropped as unsupported is counted, not listed. */
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

static void outcome_fill(struct chat *c, const struct flow_result *r, struct codec_outcome *out)
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
			.document = str_of(r->sources[i].document),
			.title = r->sources[i].title,
			.heading = r->sources[i].heading,
		};
}

static void fail(struct chat *c, const struct ragd_err *err)
{
	struct buf out = BUF_INIT;
	const char *code;
	int status = api_status(err->code, "unknown_collection", &code);

	if (err->code == -ENOTSUP) { /* no question of the request's media type: the model cannot */
		status = 400;
		code = "unsupported";
	}
	log_warn("event=answer_failed id=%s err=%s", flow_id(c->flow), err->msg);
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

static void end_stream(struct chat *c, const struct flow_result *r)
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

static void end_whole(struct chat *c, const struct flow_result *r)
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

static void done_cb(struct flow *f, const struct flow_result *result, void *arg)
{
	struct chat *c = arg;

	(void)f;
	if (result->finish == FLOW_FAILED)
		fail(c, result->err);
	else if (c->stream)
		end_stream(c, result);
	else
		end_whole(c, result);
	chat_free(c);
}

/* ---- the beginning ------------------------------------------------------------------------------ */

/* The assistant's collections, or those of them that the request names; false: one is not among them. */
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

/* What is wrong with the request is answered here; true if it may start. */
static bool decode(struct http_exchange *x, const struct http_request *req, const struct ragd *d,
		   struct arena *arena, struct codec_chat *out, const struct config_assistant **a)
{
	const struct config *cfg = d->current->cfg;
	const char *wrong = NULL;
	struct codec_err err;

	/* Escapes make JSON up to six times as long as its text; more is not worth parsing here. */
	if (req->body.len > 6 * cfg->question_max + CODEC_NOTE_MAX) {
		http_reply_error(x, 413, "body_too_large", "messages",
				 "the messages may have %zu bytes in all", cfg->question_max);
		return false;
	}
	if (codec_chat_decode(arena, req->body, out, &err) < 0) {
		http_reply_error(x, err.status, err.code, codec_param(&err), "%s", err.msg);
		return false;
	}
	if (out->n_text > cfg->question_max) {
		http_reply_error(x, 400, "invalid_value", "messages",
				 "the messages have %zu bytes; at most %zu are taken", out->n_text,
				 cfg->question_max);
		return false;
	}
	*a = config_assistant(cfg, out->model);
	if (*a == NULL) {
		http_reply_error(x, 404, "unknown_model", "model",
				 "there is no assistant '%s'; GET /v1/models lists them",
				 out->model);
		return false;
	}
	if (!collections_allowed(*a, out, &wrong)) {
		http_reply_error(x, 404, "unknown_collection", "collections",
				 "assistant '%s' has no collection '%s'", (*a)->name, wrong);
		return false;
	}
	return true;
}

static struct chat *chat_new(struct arena *arena, const struct codec_chat *req)
{
	struct chat *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->arena = arena;
	c->model = req->model; /* in the arena */
	c->created_s = (int64_t)time(NULL);
	c->stream = req->stream;
	c->include_usage = req->include_usage;
	return c;
}

static void start(struct http_exchange *x, const struct http_request *req, struct ragd *d,
		  const struct codec_chat *chat_req, const struct config_assistant *a,
		  struct chat *c)
{
	static const struct flow_events events = { piece_cb, done_cb };
	struct ragd_err err = { 0 };
	struct flow_question q = {
		.assistant = a,
		.messages = chat_req->messages,
		.n_messages = chat_req->n_messages,
		.collections = chat_req->collections,
		.n_collections = chat_req->n_collections,
		.k = chat_req->has_k ? chat_req->k : 0,
		.sampling = sampling_of(a, chat_req),
		.caller = req->caller,
		.request_id = req->request_id,
		.received_us = req->received_us,
	};
	int rc = flow_start(d, &q, &events, c, &c->flow, &err);

	if (rc == 0) {
		c->x = x;
		http_on_gone(x, gone_cb, c);
		return;
	}
	http_header(x, "Retry-After", "1");
	if (rc == -EAGAIN)
		http_reply_error(x, 429, "queue_full", NULL, "%s", err.msg);
	else
		http_reply_error(x, 503, "unavailable", NULL, "%s", err.msg);
	chat_free(c);
}

void api_chat(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	struct ragd *d = ctx;
	const struct config_assistant *a;
	struct codec_chat chat_req;
	struct arena *arena;
	struct chat *c;

	if (!api_started(x, d))
		return;
	arena = arena_new(CHAT_MEMORY);
	if (arena == NULL) {
		http_reply_error(x, 503, "unavailable", NULL,
				 "out of memory; try again in a moment");
		return;
	}
	if (!decode(x, req, d, arena, &chat_req, &a)) {
		arena_free(arena);
		return;
	}
	c = chat_new(arena, &chat_req);
	if (c == NULL) {
		arena_free(arena);
		http_reply_error(x, 503, "unavailable", NULL,
				 "out of memory; try again in a moment");
		return;
	}
	start(x, req, d, &chat_req, a, c);
}
