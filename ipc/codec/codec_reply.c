/* The replies that are written most often: answers, whole and in pieces. */
#include "ipc/codec/codec.h"

#include <inttypes.h>

#include "base/abi_words.h"
#include "base/encode.h"
#include "base/json_writer.h"
#include "base/text/utf8.h"

/* ---- parts ---------------------------------------------------------------------------------- */

/* "ragd:/collections/handbook/documents/leave.md?start=0&end=99" */
static void citation_url(struct json_writer *w, const struct codec_citation *c)
{
	jsonw_key(w, "url");
	jsonw_string_begin(w);
	buf_adds(w->out, "ragd:/collections/");
	percent_encode(w->out, c->collection);
	buf_adds(w->out, "/documents/");
	percent_encode(w->out, c->document);
	buf_printf(w->out, "?start=%" PRIu64 "&end=%" PRIu64, c->start, c->end);
	jsonw_string_end(w);
}

static void citation_write(struct json_writer *w, const struct codec_citation *c)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "type", "url_citation");
	jsonw_member_object_begin(w, "url_citation");
	jsonw_member_uint(w, "start_index", c->at);
	jsonw_member_uint(w, "end_index", c->at + utf8_count(c->mark.s, c->mark.len));
	jsonw_member_str(w, "title", c->title);
	citation_url(w, c);
	jsonw_object_end(w);
	jsonw_member_object_begin(w, "ragd");
	jsonw_member_uint(w, "n", c->n);
	jsonw_member_str(w, "collection", c->collection);
	jsonw_member_str(w, "document", c->document);
	jsonw_member_str(w, "heading", c->heading);
	jsonw_member_uint(w, "start", c->start);
	jsonw_member_uint(w, "end", c->end);
	jsonw_member_str(w, "quote", c->quote);
	jsonw_member_score(w, "score", c->score);
	jsonw_object_end(w);
	jsonw_object_end(w);
}

static void annotations_write(struct json_writer *w, const struct codec_citation *c, size_t n)
{
	jsonw_member_array_begin(w, "annotations");
	for (size_t i = 0; i < n; i++)
		citation_write(w, &c[i]);
	jsonw_array_end(w);
}

static void finding_write(struct json_writer *w, const struct codec_finding *f)
{
	jsonw_object_begin(w);
	jsonw_member_cstr(w, "stage", abi_stage_name(f->stage));
	jsonw_member_cstr(w, "plugin", f->plugin);
	jsonw_member_cstr(w, "category", f->category);
	jsonw_member_cstr(w, "rule", f->rule);
	jsonw_member_cstr(w, "action", abi_action_name(f->action));
	jsonw_member_score(w, "score", f->score);
	jsonw_object_end(w);
}

static void findings_write(struct json_writer *w, const struct codec_finding *f, size_t n)
{
	jsonw_array_begin(w);
	for (size_t i = 0; i < n; i++)
		finding_write(w, &f[i]);
	jsonw_array_end(w);
}

static void source_write(struct json_writer *w, const struct codec_source *s)
{
	jsonw_object_begin(w);
	jsonw_member_uint(w, "n", s->n);
	jsonw_member_str(w, "collection", s->collection);
	jsonw_member_str(w, "document", s->document);
	jsonw_member_str(w, "title", s->title);
	jsonw_member_str(w, "heading", s->heading);
	jsonw_object_end(w);
}

static void outcome_write(struct json_writer *w, const struct codec_outcome *o)
{
	jsonw_member_object_begin(w, "ragd");
	jsonw_member_bool(w, "ai_generated", true);
	jsonw_member_bool(w, "grounded", o->grounded);
	jsonw_member_bool(w, "abstained", o->abstained);
	jsonw_key(w, "blocked_by");
	if (o->blocked_by != NULL)
		finding_write(w, o->blocked_by);
	else
		jsonw_null(w);
	jsonw_key(w, "steered");
	findings_write(w, o->steered, o->n_steered);
	jsonw_key(w, "redactions");
	findings_write(w, o->redactions, o->n_redactions);
	jsonw_member_uint(w, "dropped_sentences", o->n_dropped);
	jsonw_member_array_begin(w, "sources");
	for (size_t i = 0; i < o->n_sources; i++)
		source_write(w, &o->sources[i]);
	jsonw_array_end(w);
	jsonw_object_end(w);
}

static void usage_write(struct json_writer *w, const struct ragd_usage *u)
{
	jsonw_member_object_begin(w, "usage");
	jsonw_member_uint(w, "prompt_tokens", u->n_prompt);
	jsonw_member_uint(w, "completion_tokens", u->n_output);
	jsonw_member_uint(w, "total_tokens", (uint64_t)u->n_prompt + u->n_output);
	jsonw_member_object_begin(w, "prompt_tokens_details");
	jsonw_member_uint(w, "cached_tokens", u->n_cached);
	jsonw_object_end(w);
	jsonw_object_end(w);
}

static void head_write(struct json_writer *w, const char *id, const char *object, int64_t created_s,
		       const char *model)
{
	jsonw_member_cstr(w, "id", id);
	jsonw_member_cstr(w, "object", object);
	jsonw_member_int(w, "created", created_s);
	jsonw_member_cstr(w, "model", model);
}

/* ---- whole ---------------------------------------------------------------------------------- */

static void message_write(struct json_writer *w, const struct codec_chat_reply *r)
{
	jsonw_member_object_begin(w, "message");
	jsonw_member_cstr(w, "role", "assistant");
	jsonw_key(w, "refusal");
	if (r->refused)
		jsonw_str(w, r->content);
	else
		jsonw_null(w);
	jsonw_member_str(w, "content", r->content);
	annotations_write(w, r->citations, r->n_citations);
	jsonw_object_end(w);
}

void codec_chat_reply(struct buf *b, const struct codec_chat_reply *r)
{
	struct json_writer w;

	jsonw_init(&w, b);
	jsonw_object_begin(&w);
	head_write(&w, r->id, "chat.completion", r->created_s, r->model);
	jsonw_member_array_begin(&w, "choices");
	jsonw_object_begin(&w);
	jsonw_member_uint(&w, "index", 0);
	jsonw_member_cstr(&w, "finish_reason", r->finish_reason);
	message_write(&w, r);
	jsonw_object_end(&w);
	jsonw_array_end(&w);
	usage_write(&w, &r->usage);
	outcome_write(&w, &r->outcome);
	jsonw_object_end(&w);
}

/* ---- in pieces ------------------------------------------------------------------------------ */

static void delta_write(struct json_writer *w, const struct codec_chat_chunk *c)
{
	jsonw_member_object_begin(w, "delta");
	if (c->first)
		jsonw_member_cstr(w, "role", "assistant");
	if (c->text.len > 0 || c->first)
		jsonw_member_str(w, "content", c->text);
	if (c->refused && c->text.len > 0)
		jsonw_member_str(w, "refusal", c->text);
	if (c->n_citations > 0)
		annotations_write(w, c->citations, c->n_citations);
	jsonw_object_end(w);
}

static void event_begin(struct json_writer *w, struct buf *b)
{
	buf_add(b, "data: ", 6);
	jsonw_init(w, b);
}

static void event_end(struct json_writer *w)
{
	buf_add(w->out, "\n\n", 2);
}

void codec_chat_chunk(struct buf *b, const struct codec_chat_chunk *c)
{
	struct json_writer w;

	event_begin(&w, b);
	jsonw_object_begin(&w);
	head_write(&w, c->id, "chat.completion.chunk", c->created_s, c->model);
	jsonw_member_array_begin(&w, "choices");
	jsonw_object_begin(&w);
	jsonw_member_uint(&w, "index", 0);
	delta_write(&w, c);
	jsonw_member_cstr(&w, "finish_reason", c->finish_reason);
	jsonw_object_end(&w);
	jsonw_array_end(&w);
	if (c->outcome != NULL)
		outcome_write(&w, c->outcome);
	jsonw_object_end(&w);
	event_end(&w);
}

void codec_chat_usage(struct buf *b, const struct codec_chat_chunk *c, const struct ragd_usage *u)
{
	struct json_writer w;

	event_begin(&w, b);
	jsonw_object_begin(&w);
	head_write(&w, c->id, "chat.completion.chunk", c->created_s, c->model);
	jsonw_member_array_begin(&w, "choices");
	jsonw_array_end(&w);
	usage_write(&w, u);
	jsonw_object_end(&w);
	event_end(&w);
}

void codec_chat_error(struct buf *b, int status, const char *code, const char *message)
{
	buf_adds(b, "data: ");
	codec_error(b, status, code, NULL, message);
	buf_adds(b, "\n\n");
}

void codec_chat_done(struct buf *b)
{
	buf_adds(b, "data: [DONE]\n\n");
}
