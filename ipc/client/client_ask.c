/* Questions, streamed or not. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

#include "base/sse.h"
#include "ipc/client/client_answer.h"

#define EVENT_MAX ((size_t)16 << 20)

/* A streamed answer being put together. */
struct ask_stream {
	struct ragd_client *c;
	const struct ragd_events *events;
	struct sse sse;
	struct buf content, refusal;
	json_t *annotations;
	json_t *head; /* the first chunk: id, created, model */
	json_t *ragd; /* of the last chunk */
	json_t *usage;
	json_t *finish; /* reason */
	bool done;      /* [DONE] has come */
};

static int receiver_stopped(struct ragd_err *err)
{
	return ragd_err_set(err, -ECANCELED, "answer: the receiver stopped it");
}

static int emit_text(struct ask_stream *s, const char *text, size_t len, struct ragd_err *err)
{
	if (len == 0 || s->events->text == NULL)
		return 0;
	return s->events->text(s->events->arg, text, len) == 0 ? 0 : receiver_stopped(err);
}

static int stream_delta(struct ask_stream *s, const json_t *delta, struct ragd_err *err)
{
	const json_t *content = json_object_get(delta, "content");
	json_t *notes = json_object_get(delta, "annotations");

	for (size_t i = 0; i < json_array_size(notes); i++) {
		const struct ragd_citation cite = answer_citation(json_array_get(notes, i));

		if (s->events->citation != NULL && s->events->citation(s->events->arg, &cite) != 0)
			return receiver_stopped(err);
	}
	if (json_is_array(notes) && json_array_extend(s->annotations, notes) < 0)
		return client_no_memory(err);
	buf_adds(&s->refusal, client_text(delta, "refusal"));
	if (!json_is_string(content))
		return 0;
	buf_add(&s->content, json_string_value(content), json_string_length(content));
	return emit_text(s, json_string_value(content), json_string_length(content), err);
}

/* Keep a member of a chunk that later ones may replace. */
static void slot_keep(json_t **slot, json_t *value)
{
	if (value == NULL || json_is_null(value))
		return;
	json_decref(*slot);
	*slot = json_incref(value);
}

static int on_event(void *arg, bool is_error, const char *data, size_t len, struct ragd_err *err)
{
	struct ask_stream *s = arg;
	json_t *chunk, *choice, *error;
	int rc = 0;

	if (s->done || is_error) /* ragd sends its errors as data */
		return 0;
	if (strcmp(data, "[DONE]") == 0) {
		s->done = true;
		return 0;
	}
	chunk = json_loadb(data, len, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(chunk)) {
		json_decref(chunk);
		return ragd_err_set(err, -EPROTO,
				    "the stream is not ragd's: an event that is not a JSON object");
	}
	error = json_object_get(chunk, "error");
	if (json_is_object(error)) {
		rc = answer_error(s->c, error, err);
		goto out;
	}
	if (s->head == NULL)
		s->head = json_incref(chunk);
	slot_keep(&s->ragd, json_object_get(chunk, "ragd"));
	slot_keep(&s->usage, json_object_get(chunk, "usage"));
	choice = json_array_get(json_object_get(chunk, "choices"), 0);
	slot_keep(&s->finish, json_object_get(choice, "finish_reason"));
	rc = stream_delta(s, json_object_get(choice, "delta"), err);
out:
	json_decref(chunk);
	return rc;
}

static int on_bytes(void *arg, const char *data, size_t len, struct ragd_err *err)
{
	struct ask_stream *s = arg;

	return sse_feed(&s->sse, data, len, err);
}

/* Whatever a reply had; NULL: null. */
static void value_write(struct json_writer *w, const json_t *value)
{
	char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (text != NULL)
		jsonw_raw(w, (struct ragd_str){ text, strlen(text) });
	else
		jsonw_null(w);
	if (text == NULL && value != NULL)
		w->out->failed = true;
	free(text);
}

static void member_write(struct json_writer *w, const char *key, const json_t *value)
{
	jsonw_key_str(w, key);
	value_write(w, value);
}

static void choice_write(struct json_writer *w, const struct ask_stream *s)
{
	jsonw_object_begin(w);
	jsonw_member_uint(w, "index", 0);
	member_write(w, "finish_reason", s->finish);
	jsonw_member_object_begin(w, "message");
	jsonw_member_cstr(w, "role", "assistant");
	jsonw_key(w, "refusal");
	if (s->refusal.len > 0)
		jsonw_str(w, buf_str(&s->refusal));
	else
		jsonw_null(w);
	jsonw_member_str(w, "content", buf_str(&s->content));
	member_write(w, "annotations", s->annotations);
	jsonw_object_end(w);
	jsonw_object_end(w);
}

/* The reply that the same question would have had without streaming. */
static int stream_reply(struct ask_stream *s, struct client_reply *out, struct ragd_err *err)
{
	struct json_writer w;
	struct buf b = BUF_INIT;
	size_t len = 0;
	char *text;

	jsonw_init(&w, &b);
	jsonw_object_begin(&w);
	member_write(&w, "id", json_object_get(s->head, "id"));
	jsonw_member_cstr(&w, "object", "chat.completion");
	member_write(&w, "created", json_object_get(s->head, "created"));
	member_write(&w, "model", json_object_get(s->head, "model"));
	jsonw_member_array_begin(&w, "choices");
	choice_write(&w, s);
	jsonw_array_end(&w);
	if (s->usage != NULL)
		member_write(&w, "usage", s->usage);
	if (s->ragd != NULL)
		member_write(&w, "ragd", s->ragd);
	jsonw_object_end(&w);
	text = buf_steal(&b, &len);
	return client_reply_parse(text, len, out, err);
}

static int stream_finish(struct ask_stream *s, struct ragd_answer **out, struct ragd_err *err)
{
	struct client_reply reply = { NULL, NULL };
	struct ragd_answer *a = NULL;
	int rc;

	if (!s->done)
		return ragd_err_set(err, s->head != NULL ? -ECONNRESET : -EPROTO, "%s",
				    s->head != NULL
					    ? "the answer broke off before its end"
					    : "the reply is not ragd's: no event in a stream");
	if (buf_failed(&s->content) || buf_failed(&s->refusal))
		return client_no_memory(err);
	/* A refusal may come without content; it is the text then. */
	if (s->content.len == 0 && s->refusal.len > 0) {
		rc = emit_text(s, s->refusal.data, s->refusal.len, err);
		if (rc < 0)
			return rc;
	}
	rc = stream_reply(s, &reply, err);
	if (rc == 0)
		rc = answer_new(&reply, &a, err);
	if (rc == 0 && s->events->done != NULL && s->events->done(s->events->arg, a) != 0)
		rc = receiver_stopped(err);
	if (rc == 0 && out != NULL) {
		*out = a; /* the caller's from here */
		a = NULL;
	}
	ragd_answer_free(a);
	return rc;
}

static int ask_streamed(struct ragd_client *c, const struct buf *body,
			const struct ragd_events *events, struct ragd_answer **out,
			struct ragd_err *err)
{
	struct ask_stream s = {
		.c = c, .events = events, .content = BUF_INIT, .refusal = BUF_INIT
	};
	const struct client_call call = {
		"POST", "/v1/chat/completions", "application/json", body->data, body->len, on_bytes,
		&s
	};
	int rc;

	sse_init(&s.sse, EVENT_MAX, SIZE_MAX, on_event, &s);
	s.annotations = json_array();
	rc = s.annotations != NULL ? client_call(c, &call, err) : client_no_memory(err);
	if (rc == 0)
		rc = stream_finish(&s, out, err);
	sse_fini(&s.sse);
	buf_fini(&s.content);
	buf_fini(&s.refusal);
	json_decref(s.annotations);
	json_decref(s.head);
	json_decref(s.ragd);
	json_decref(s.usage);
	json_decref(s.finish);
	return rc;
}

static void turn_write(struct client_body *b, const char *role, const char *text)
{
	jsonw_object_begin(&b->w);
	client_body_text(b, "role", role);
	client_body_text(b, "content", text);
	jsonw_object_end(&b->w);
}

/* Whether another member of the struct says it: options cannot replace that by accident. */
static bool is_said(const struct ragd_ask *ask, const char *key)
{
	return strcmp(key, "model") == 0 || strcmp(key, "messages") == 0 ||
	       strcmp(key, "stream") == 0 || (ask->k > 0 && strcmp(key, "k") == 0) ||
	       (ask->n_collections > 0 && strcmp(key, "collections") == 0);
}

static void options_write(struct client_body *b, const struct ragd_ask *ask)
{
	json_error_t where;
	const char *key;
	json_t *options, *value;

	if (ask->options == NULL || b->rc < 0)
		return;
	options = json_loads(ask->options, 0, &where);
	if (!json_is_object(options))
		b->rc = ragd_err_set(b->err, -EINVAL, "options: %s",
				     options != NULL ? "not a JSON object" : where.text);
	else
		json_object_foreach(options, key, value)
			if (!is_said(ask, key))
				member_write(&b->w, key, value);
	json_decref(options);
}

static void ask_write(struct client_body *b, const struct ragd_ask *ask, bool stream)
{
	options_write(b, ask);
	client_body_text(b, "model", ask->assistant != NULL ? ask->assistant : "default");
	jsonw_member_array_begin(&b->w, "messages");
	for (size_t i = 0; i < ask->n_turns; i++)
		turn_write(b, ask->turns[i].role, ask->turns[i].text);
	if (ask->question != NULL)
		turn_write(b, "user", ask->question);
	jsonw_array_end(&b->w);
	client_body_texts(b, "collections", ask->collections, ask->n_collections);
	if (ask->k > 0)
		jsonw_member_uint(&b->w, "k", ask->k);
	jsonw_member_bool(&b->w, "stream", stream);
}

int ragd_client_ask(struct ragd_client *c, const struct ragd_ask *ask,
		    const struct ragd_events *events, struct ragd_answer **out,
		    struct ragd_err *err)
{
	struct client_reply reply;
	struct client_body b;
	int rc;

	if (events == NULL && out == NULL)
		return ragd_err_set(err, -EINVAL,
				    "ask: neither callbacks nor a place for the answer");
	client_body_init(&b, err);
	ask_write(&b, ask, events != NULL);
	if (events != NULL) {
		rc = client_body_end(&b);
		if (rc == 0)
			rc = ask_streamed(c, &b.text, events, out, err);
		client_body_fini(&b);
		return rc;
	}
	rc = client_send(c, "POST", client_path("/v1/chat/completions"), &b, &reply);
	return rc == 0 ? answer_new(&reply, out, err) : rc;
}
