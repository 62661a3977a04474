/* Replies that are made most often: answers, whole and in pieces. */
#include "ipc/codec/codec.h"

#include "base/encode.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "ipc/codec/json_write.h"

/* A literal, its length known to the compiler. */
#define LIT(b, literal) buf_add((b), (literal), sizeof(literal) - 1)

/* ---- parts ---------------------------------------------------------------------------------- */

static void citation(struct buf *b, const struct codec_citation *c)
{
	LIT(b, "{\"type\":\"url_citation\",\"url_citation\":{\"start_index\":");
	json_write_uint(b, c->at);
	LIT(b, ",\"end_index\":");
	json_write_uint(b, c->at + utf8_count(c->mark.s, c->mark.len));
	LIT(b, ",\"title\":");
	json_write_str(b, c->title);
	LIT(b, ",\"url\":\"ragd:/collections/");
	percent_encode(b, c->collection);
	LIT(b, "/documents/");
	percent_encode(b, c->document);
	LIT(b, "?start=");
	json_write_uint(b, c->start);
	LIT(b, "&end=");
	json_write_uint(b, c->end);
	LIT(b, "\"},\"ragd\":{\"n\":");
	json_write_uint(b, c->n);
	LIT(b, ",\"collection\":");
	json_write_str(b, c->collection);
	LIT(b, ",\"document\":");
	json_write_str(b, c->document);
	LIT(b, ",\"heading\":");
	json_write_str(b, c->heading);
	LIT(b, ",\"start\":");
	json_write_uint(b, c->start);
	LIT(b, ",\"end\":");
	json_write_uint(b, c->end);
	LIT(b, ",\"quote\":");
	json_write_str(b, c->quote);
	LIT(b, ",\"score\":");
	json_write_score(b, c->score);
	LIT(b, "}}");
}

static void citations(struct buf *b, const struct codec_citation *c, size_t n)
{
	LIT(b, "\"annotations\":[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		citation(b, &c[i]);
	}
	buf_addc(b, ']');
}

static void finding(struct buf *b, const struct codec_finding *f)
{
	static const char *const stage[] = {
		[RAGD_STAGE_PROMPT] = "prompt",
		[RAGD_STAGE_DOCUMENT] = "document",
		[RAGD_STAGE_RESPONSE] = "response",
	};

	LIT(b, "{\"stage\":");
	json_write_cstr(b, (unsigned)f->stage < ARRAY_LEN(stage) ? stage[f->stage] : "?");
	LIT(b, ",\"plugin\":");
	json_write_cstr(b, f->plugin);
	LIT(b, ",\"category\":");
	json_write_cstr(b, f->category);
	LIT(b, ",\"rule\":");
	json_write_cstr(b, f->rule);
	LIT(b, ",\"action\":");
	json_write_cstr(b, codec_action(f->action));
	LIT(b, ",\"score\":");
	json_write_score(b, f->score);
	buf_addc(b, '}');
}

static void findings(struct buf *b, const struct codec_finding *f, size_t n)
{
	buf_addc(b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(b, ',');
		finding(b, &f[i]);
	}
	buf_addc(b, ']');
}

static void source(struct buf *b, const struct codec_source *s)
{
	LIT(b, "{\"n\":");
	json_write_uint(b, s->n);
	LIT(b, ",\"collection\":");
	json_write_str(b, s->collection);
	LIT(b, ",\"document\":");
	json_write_str(b, s->document);
	LIT(b, ",\"title\":");
	json_write_str(b, s->title);
	LIT(b, ",\"heading\":");
	json_write_str(b, s->heading);
	buf_addc(b, '}');
}

static void outcome(struct buf *b, const struct codec_outcome *o)
{
	LIT(b, "\"ragd\":{\"ai_generated\":true,\"grounded\":");
	json_write_bool(b, o->grounded);
	LIT(b, ",\"abstained\":");
	json_write_bool(b, o->abstained);
	LIT(b, ",\"blocked_by\":");
	if (o->blocked_by != NULL)
		finding(b, o->blocked_by);
	else
		LIT(b, "null");
	LIT(b, ",\"steered\":");
	findings(b, o->steered, o->n_steered);
	LIT(b, ",\"redactions\":");
	findings(b, o->redactions, o->n_redactions);
	LIT(b, ",\"dropped_sentences\":");
	json_write_uint(b, o->n_dropped);
	LIT(b, ",\"sources\":[");
	for (size_t i = 0; i < o->n_sources; i++) {
		if (i > 0)
			buf_addc(b, ',');
		source(b, &o->sources[i]);
	}
	LIT(b, "]}");
}

static void usage(struct buf *b, const struct ragd_usage *u)
{
	LIT(b, "\"usage\":{\"prompt_tokens\":");
	json_write_uint(b, u->n_prompt);
	LIT(b, ",\"completion_tokens\":");
	json_write_uint(b, u->n_output);
	LIT(b, ",\"total_tokens\":");
	json_write_uint(b, (uint64_t)u->n_prompt + u->n_output);
	LIT(b, ",\"prompt_tokens_details\":{\"cached_tokens\":");
	json_write_uint(b, u->n_cached);
	LIT(b, "}}");
}

static void head(struct buf *b, const char *id, const char *object, int64_t created_s,
		 const char *model)
{
	LIT(b, "{\"id\":");
	json_write_cstr(b, id);
	LIT(b, ",\"object\":");
	json_write_cstr(b, object);
	LIT(b, ",\"created\":");
	json_write_int(b, created_s);
	LIT(b, ",\"model\":");
	json_write_cstr(b, model);
}

/* ---- whole ---------------------------------------------------------------------------------- */

void codec_chat_reply(struct buf *b, const struct codec_chat_reply *r)
{
	head(b, r->id, "chat.completion", r->created_s, r->model);
	LIT(b, ",\"choices\":[{\"index\":0,\"finish_reason\":");
	json_write_cstr(b, r->finish_reason);
	LIT(b, ",\"message\":{\"role\":\"assistant\",\"refusal\":");
	if (r->refused)
		json_write_str(b, r->content);
	else
		LIT(b, "null");
	LIT(b, ",\"content\":");
	json_write_str(b, r->content);
	buf_addc(b, ',');
	citations(b, r->citations, r->n_citations);
	LIT(b, "}}],");
	usage(b, &r->usage);
	buf_addc(b, ',');
	outcome(b, &r->outcome);
	buf_addc(b, '}');
}

/* ---- in pieces ------------------------------------------------------------------------------ */

static void delta(struct buf *b, const struct codec_chat_chunk *c)
{
	size_t from = b->len;

	LIT(b, "{");
	if (c->first)
		LIT(b, "\"role\":\"assistant\",");
	if (c->text.len > 0 || c->first) {
		LIT(b, "\"content\":");
		json_write_str(b, c->text);
		buf_addc(b, ',');
	}
	if (c->refused && c->text.len > 0) {
		LIT(b, "\"refusal\":");
		json_write_str(b, c->text);
		buf_addc(b, ',');
	}
	if (c->n_citations > 0) {
		citations(b, c->citations, c->n_citations);
		buf_addc(b, ',');
	}
	/* Each member left a comma: the last becomes the end. */
	if (!b->failed && b->len > from + 1)
		b->data[b->len - 1] = '}';
	else
		buf_addc(b, '}');
}

void codec_chat_chunk(struct buf *b, const struct codec_chat_chunk *c)
{
	LIT(b, "data: ");
	head(b, c->id, "chat.completion.chunk", c->created_s, c->model);
	LIT(b, ",\"choices\":[{\"index\":0,\"delta\":");
	delta(b, c);
	LIT(b, ",\"finish_reason\":");
	json_write_cstr(b, c->finish_reason);
	LIT(b, "}]");
	if (c->outcome != NULL) {
		buf_addc(b, ',');
		outcome(b, c->outcome);
	}
	LIT(b, "}\n\n");
}

void codec_chat_usage(struct buf *b, const struct codec_chat_chunk *c, const struct ragd_usage *u)
{
	LIT(b, "data: ");
	head(b, c->id, "chat.completion.chunk", c->created_s, c->model);
	LIT(b, ",\"choices\":[],");
	usage(b, u);
	LIT(b, "}\n\n");
}

void codec_chat_error(struct buf *b, int status, const char *code, const char *message)
{
	LIT(b, "data: ");
	codec_error(b, status, code, NULL, message);
	LIT(b, "\n\n");
}

void codec_chat_done(struct buf *b)
{
	LIT(b, "data: [DONE]\n\n");
}
