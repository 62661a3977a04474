/* Questions, streamed or not. */
#include "ipc/client/client_private.h"

#include <stdlib.h>

#include "base/sse.h"
#include "ipc/client/client_answer.h"

#define EVENT_MAX ((size_t)16 << 20)

/* A streamed answer being put together. */
struct stream {
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

static int stopped(struct ragd_err *err)
{
	return ragd_err_set(err, -ECANCELED, "answer: the receiver said stop");
}

static int emit_text(struct stream *s, const char *text, size_t len, struct ragd_err *err)
{
	if (len == 0 || s->events->text == NULL)
		return 0;
	return s->events->text(s->events->arg, text, len) == 0 ? 0 : stopped(err);
}

static int stream_delta(struct stream *s, const json_t *delta, struct ragd_err *err)
{
	const json_t *content = json_object_get(delta, "content");
	json_t *notes = json_object_get(delta, "annotations");

	for (size_t i = 0; i < json_array_size(notes); i++) {
		const struct ragd_citation cite = answer_citation(json_array_get(notes, i));

		if (s->events->citation != NULL && s->events->citation(s->events->arg, &cite) != 0)
			return stopped(err);
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
static void keep(json_t **slot, json_t *value)
{
	if (value == NULL || json_is_null(value))
		return;
	json_decref(*slot);
	*slot = json_incref(value);
}

static int on_event(void *arg, bool is_error, const char *data, size_t len, struct ragd_err *err)
{
	struct stream *s = arg;
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
				    "the stream is not ragd's: an event that is no JSON object");
	}
	error = json_object_get(chunk, "error");
	if (json_is_object(error)) {
		rc = answer_error(s->c, error, err);
		goto out;
	}
	if (s->head == NULL)
		s->head = json_incref(chunk);
	keep(&s->ragd, json_object_get(chunk, "ragd"));
	keep(&s->usage, json_object_get(chunk, "usage"));
	choice = json_array_get(json_object_get(chunk, "choices"), 0);
	keep(&s->finish, json_object_get(choice, "finish_reason"));
	rc = stream_delta(s, json_object_get(choice, "delta"), err);
out:
	json_decref(chunk);
	return rc;
}

static int on_bytes(void *arg, const char *data, size_t len, struct ragd_err *err)
{
	struct stream *s = arg;

	return sse_feed(&s->sse, data, len, err);
}

static json_t *member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return value != NULL ? json_incref(value) : json_null();
}

static json_t *or_null(json_t *value)
{
	return value != NULL ? json_incref(value) : json_null();
}

/* The reply that the same question would have had without streaming. */
static int stream_reply(struct stream *s, struct client_reply *out, struct ragd_err *err)
{
	json_t *message, *choice, *root;

	message = json_pack(
		"{s:s, s:o, s:o, s:O}", "role", "assistant", "refusal",
		s->refusal.len > 0 ? json_stringn(s->refusal.data, s->refusal.len) : json_null(),
		"content", json_stringn(s->content.len > 0 ? s->content.data : "", s->content.len),
		"annotations", s->annotations);
	choice = json_pack("{s:i, s:o, s:o}", "index", 0, "finish_reason", or_null(s->finish),
			   "message", message);
	root = json_pack("{s:o, s:s, s:o, s:o, s:[o]}", "id", member(s->head, "id"), "object",
			 "chat.completion", "created", member(s->head, "created"), "model",
			 member(s->head, "model"), "choices", choice);
	if (root == NULL || (s->usage != NULL && json_object_set(root, "usage", s->usage) < 0) ||
	    (s->ragd != NULL && json_object_set(root, "ragd", s->ragd) < 0))
		goto no_memory;
	out->text = json_dumps(root, JSON_COMPACT);
	if (out->text == NULL)
		goto no_memory;
	out->root = root;
	return 0;
no_memory:
	json_decref(root);
	return client_no_memory(err);
}

static int stream_finish(struct stream *s, struct ragd_answer **out, struct ragd_err *err)
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
		rc = stopped(err);
	if (rc == 0 && out != NULL) {
		*out = a; /* the caller's from here */
		a = NULL;
	}
	ragd_answer_free(a);
	return rc;
}

static int ask_streamed(struct ragd_client *c, json_t *body, const struct ragd_events *events,
			struct ragd_answer **out, struct ragd_err *err)
{
	struct stream s = { .c = c, .events = events, .content = BUF_INIT, .refusal = BUF_INIT };
	struct client_call call = {
		"POST", "/v1/chat/completions", "application/json", NULL, 0, on_bytes, &s
	};
	char *text = json_dumps(body, JSON_COMPACT);
	int rc;

	sse_init(&s.sse, EVENT_MAX, SIZE_MAX, on_event, &s);
	s.annotations = json_array();
	if (text == NULL || s.annotations == NULL) {
		rc = client_no_memory(err);
		goto out;
	}
	call.body = text;
	call.len = strlen(text);
	rc = client_call(c, &call, err);
	if (rc == 0)
		rc = stream_finish(&s, out, err);
out:
	sse_fini(&s.sse);
	buf_fini(&s.content);
	buf_fini(&s.refusal);
	json_decref(s.annotations);
	json_decref(s.head);
	json_decref(s.ragd);
	json_decref(s.usage);
	json_decref(s.finish);
	free(text);
	return rc;
}

static json_t *turn_json(struct client_body *b, const char *role, const char *text)
{
	json_t *turn = json_object();

	client_body_text(b, turn, "role", role);
	client_body_text(b, turn, "content", text);
	return turn;
}

/* The caller's own members come first, so that ours cannot be replaced by accident. */
static void body_options(struct client_body *b, const char *options)
{
	json_error_t where;
	json_t *more;

	if (options == NULL || b->rc < 0)
		return;
	more = json_loads(options, 0, &where);
	if (!json_is_object(more))
		b->rc = ragd_err_set(b->err, -EINVAL, "options: %s",
				     more != NULL ? "not a JSON object" : where.text);
	else if (json_object_update(b->root, more) < 0)
		b->rc = client_no_memory(b->err);
	json_decref(more);
}

static void ask_body(struct client_body *b, const struct ragd_ask *ask)
{
	json_t *turns = json_array();

	body_options(b, ask->options);
	client_body_text(b, b->root, "model", ask->assistant != NULL ? ask->assistant : "default");
	for (size_t i = 0; i < ask->n_turns; i++)
		json_array_append_new(turns, turn_json(b, ask->turns[i].role, ask->turns[i].text));
	if (ask->question != NULL)
		json_array_append_new(turns, turn_json(b, "user", ask->question));
	client_body_set(b, "messages", turns);
	client_body_texts(b, "collections", ask->collections, ask->n_collections);
	if (ask->k > 0)
		client_body_set(b, "k", json_integer(ask->k));
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
	ask_body(&b, ask);
	client_body_set(&b, "stream", json_boolean(events != NULL));
	if (events != NULL) {
		rc = b.rc == 0 ? ask_streamed(c, b.root, events, out, err) : b.rc;
		json_decref(b.root);
		return rc;
	}
	rc = client_send(c, "POST", client_path("/v1/chat/completions"), &b, &reply);
	return rc == 0 ? answer_new(&reply, out, err) : rc;
}
