#include "ipc/client/client_answer.h"

#include <stdlib.h>

struct ragd_answer {
	struct client_reply reply; /* what the rows borrow from */
	const json_t *choice, *message, *ragd;
	struct ragd_flag blocked_by;
	bool blocked;
	struct ragd_flag *redactions;
	size_t n_redactions;
	struct ragd_citation *citations;
	size_t n_citations;
	struct ragd_source *sources;
	size_t n_sources;
};

struct ragd_citation answer_citation(const json_t *annotation)
{
	const json_t *mark = json_object_get(annotation, "url_citation");
	const json_t *ragd = json_object_get(annotation, "ragd");

	return (struct ragd_citation){
		.n = (unsigned)client_number(ragd, "n"),
		.mark_start = client_number(mark, "start_index"),
		.mark_end = client_number(mark, "end_index"),
		.collection = client_text(ragd, "collection"),
		.document = client_text(ragd, "document"),
		.title = client_text(mark, "title"),
		.heading = client_text(ragd, "heading"),
		.start = client_number(ragd, "start"),
		.end = client_number(ragd, "end"),
		.quote = client_text(ragd, "quote"),
		.score = client_real(ragd, "score"),
	};
}

static struct ragd_source source_row(const json_t *o)
{
	return (struct ragd_source){
		.n = (unsigned)client_number(o, "n"),
		.collection = client_text(o, "collection"),
		.document = client_text(o, "document"),
		.title = client_text(o, "title"),
		.heading = client_text(o, "heading"),
	};
}

static struct ragd_flag flag_row(const json_t *o)
{
	return (struct ragd_flag){
		.stage = client_text(o, "stage"),
		.plugin = client_text(o, "plugin"),
		.category = client_text(o, "category"),
		.rule = client_text(o, "rule"),
		.action = client_text(o, "action"),
		.score = client_real(o, "score"),
	};
}

int answer_error(struct ragd_client *c, const json_t *error, struct ragd_err *err)
{
	const char *code = client_text(error, "code"), *message = client_text(error, "message");
	int rc = -EREMOTEIO;

	if (strcmp(code, "deadline") == 0)
		rc = -ETIMEDOUT;
	else if (strcmp(code, "draining") == 0)
		rc = -EAGAIN;
	snprintf(c->code, sizeof(c->code), "%s", code);
	return ragd_err_set(err, rc, "%s", message[0] != '\0' ? message : "the answer broke off");
}

int answer_new(struct client_reply *reply, struct ragd_answer **out, struct ragd_err *err)
{
	struct ragd_answer *a = calloc(1, sizeof(*a));
	const json_t *notes, *sources, *flags;
	int rc = 0;

	if (a == NULL) {
		client_reply_fini(reply);
		return client_no_memory(err);
	}
	a->reply = *reply;
	*reply = (struct client_reply){ NULL, NULL };
	a->choice = json_array_get(json_object_get(a->reply.root, "choices"), 0);
	a->message = json_object_get(a->choice, "message");
	a->ragd = json_object_get(a->reply.root, "ragd");
	if (!json_is_object(a->message)) {
		rc = ragd_err_set(err, -EPROTO,
				  "the reply is not ragd's: an answer without a message");
		goto out;
	}
	notes = json_object_get(a->message, "annotations");
	sources = json_object_get(a->ragd, "sources");
	flags = json_object_get(a->ragd, "redactions");
	a->citations = calloc(json_array_size(notes) + 1, sizeof(*a->citations));
	a->sources = calloc(json_array_size(sources) + 1, sizeof(*a->sources));
	a->redactions = calloc(json_array_size(flags) + 1, sizeof(*a->redactions));
	if (a->citations == NULL || a->sources == NULL || a->redactions == NULL) {
		rc = client_no_memory(err);
		goto out;
	}
	for (size_t i = 0; i < json_array_size(notes); i++)
		a->citations[a->n_citations++] = answer_citation(json_array_get(notes, i));
	for (size_t i = 0; i < json_array_size(sources); i++)
		a->sources[a->n_sources++] = source_row(json_array_get(sources, i));
	for (size_t i = 0; i < json_array_size(flags); i++)
		a->redactions[a->n_redactions++] = flag_row(json_array_get(flags, i));
	a->blocked = json_is_object(json_object_get(a->ragd, "blocked_by"));
	a->blocked_by = flag_row(json_object_get(a->ragd, "blocked_by"));
	*out = a; /* the caller's from here */
	a = NULL;
out:
	ragd_answer_free(a);
	return rc;
}

void ragd_answer_free(struct ragd_answer *a)
{
	if (a == NULL)
		return;
	client_reply_fini(&a->reply);
	free(a->citations);
	free(a->sources);
	free(a->redactions);
	free(a);
}

const char *ragd_answer_id(const struct ragd_answer *a)
{
	return client_text(a->reply.root, "id");
}

const char *ragd_answer_assistant(const struct ragd_answer *a)
{
	return client_text(a->reply.root, "model");
}

const char *ragd_answer_text(const struct ragd_answer *a)
{
	const char *text = client_text(a->message, "content");

	return text[0] != '\0' ? text : client_text(a->message, "refusal");
}

const char *ragd_answer_finish(const struct ragd_answer *a)
{
	return client_text(a->choice, "finish_reason");
}

bool ragd_answer_grounded(const struct ragd_answer *a)
{
	return client_true(a->ragd, "grounded");
}

bool ragd_answer_abstained(const struct ragd_answer *a)
{
	return client_true(a->ragd, "abstained");
}

const struct ragd_flag *ragd_answer_blocked_by(const struct ragd_answer *a)
{
	return a->blocked ? &a->blocked_by : NULL;
}

const struct ragd_flag *ragd_answer_redaction(const struct ragd_answer *a, size_t i)
{
	return i < a->n_redactions ? &a->redactions[i] : NULL;
}

unsigned ragd_answer_dropped_sentences(const struct ragd_answer *a)
{
	return (unsigned)client_number(a->ragd, "dropped_sentences");
}

const struct ragd_citation *ragd_answer_citation(const struct ragd_answer *a, size_t i)
{
	return i < a->n_citations ? &a->citations[i] : NULL;
}

const struct ragd_source *ragd_answer_source(const struct ragd_answer *a, size_t i)
{
	return i < a->n_sources ? &a->sources[i] : NULL;
}

const char *ragd_answer_json(const struct ragd_answer *a)
{
	return a->reply.text;
}
