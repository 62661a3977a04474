/* rag ask: one question, or lines of them. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clients/rag/answer/answer_view.h"
#include "clients/rag/batch/batch.h"
#include "clients/rag/commands/commands.h"

#define QUESTION_MAX ((size_t)1 << 20)

static const struct args_opt ask_opts[] = {
	OPT_COLLECTIONS("answer from this collection only"),
	OPT_ASSISTANT,
	OPT_PASSAGES(50, "how many passages the answer may rest on, 1 to 50"),
	OPT_BATCH("one line of JSON for each"),
	OPT_JOBS(64, "with --batch: questions in flight, 1 to 64 (default: 4)"),
	{ .name = NULL },
};

/* Standard input, or what of it a question may be; NULL: out of memory. */
static char *stdin_read(void)
{
	char *text = NULL;
	size_t size = 0, len;
	FILE *f = open_memstream(&text, &size);
	char part[4096];

	if (f == NULL)
		return NULL;
	while (size <= QUESTION_MAX && (len = fread(part, 1, sizeof(part), stdin)) > 0) {
		fwrite(part, 1, len, f);
		fflush(f);
	}
	fclose(f);
	return text;
}

/* The words of the command line, or standard input, without white space at its ends. */
static char *question_read(struct rag *r, int *rc)
{
	bool from_stdin =
		r->line.n_rest == 0 || (r->line.n_rest == 1 && !strcmp(r->line.rest[0], "-"));
	size_t from, len;
	char *text;

	if (r->line.n_rest == 0 && isatty(STDIN_FILENO)) {
		*rc = rag_usage(r, "what is the question? For several, use rag chat");
		return NULL;
	}
	*rc = EXIT_FAILED;
	text = from_stdin ? stdin_read() : rag_words(r, 0);
	if (text == NULL)
		return NULL;
	from = strspn(text, " \t\r\n");
	len = strlen(text + from);
	memmove(text, text + from, len + 1);
	for (; len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL; len--)
		text[len - 1] = '\0';
	if (len > 0)
		return text;
	free(text);
	*rc = rag_usage(r, "the question is empty");
	return NULL;
}

static int ask_json(struct rag *r, struct ragd_client *c, const struct ragd_ask *ask)
{
	struct ragd_answer *a;
	struct ragd_err err;
	int rc;

	if (ragd_client_ask(c, ask, NULL, &a, &err) < 0)
		return rag_fail(r, &err);
	fprintf(r->out.f, "%s\n", ragd_answer_json(a));
	rc = answer_view_exit_code(a);
	ragd_answer_free(a);
	return rc;
}

static int ask_shown(struct rag *r, struct ragd_client *c, const struct ragd_ask *ask)
{
	struct ragd_events events;
	struct ragd_answer *a;
	struct ragd_err err;
	struct answer_view v;
	int rc;

	answer_view_init(&v, &r->out, r->args.verbose);
	events = answer_view_events(&v);
	if (ragd_client_ask(c, ask, &events, &a, &err) < 0) {
		answer_view_break(&v);
		return rag_fail(r, &err);
	}
	rc = answer_view_exit_code(a);
	ragd_answer_free(a);
	return rc;
}

/* ---- batch ---- */

static json_t *citations_json(const struct ragd_answer *a)
{
	json_t *list = json_array();
	const struct ragd_citation *c;

	for (size_t i = 0; (c = ragd_answer_citation(a, i)) != NULL; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I, s:s}", "document",
						      c->document, "collection", c->collection,
						      "start", (json_int_t)c->start, "end",
						      (json_int_t)c->end, "quote", c->quote));
	return list;
}

static json_t *blocked_json(const struct ragd_flag *f)
{
	if (f == NULL)
		return json_null();
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:f}", "stage", f->stage, "plugin", f->plugin,
			 "category", f->category, "rule", f->rule, "action", f->action, "score",
			 f->score);
}

static int ask_line(struct ragd_client *c, const struct json_line *line, void *ctx, FILE *out,
		    struct ragd_err *err)
{
	const struct rag *r = ctx;
	const struct ragd_ask ask = rag_ask(r, line->text);
	struct ragd_answer *a;
	json_t *o;
	int rc = ragd_client_ask(c, &ask, NULL, &a, err);

	if (rc < 0)
		return rc;
	if (r->args.json) {
		fprintf(out, "%s\n", ragd_answer_json(a));
	} else {
		o = json_pack("{s:O, s:s, s:b, s:o, s:o, s:s}", "id", line->id_json, "answer",
			      ragd_answer_text(a), "abstained", ragd_answer_abstained(a),
			      "blocked_by", blocked_json(ragd_answer_blocked_by(a)), "citations",
			      citations_json(a), "answer_id", ragd_answer_id(a));
		json_line_write(out, o);
	}
	ragd_answer_free(a);
	return 0;
}

static int ask_run(struct rag *r)
{
	struct ragd_client *c;
	struct ragd_ask ask;
	char *question;
	int rc;

	if (r->args.batch) {
		if (r->line.n_rest > 0)
			return rag_usage(r, "--batch reads its questions from standard input");
		return batch_run(r, ask_line, r);
	}
	question = question_read(r, &rc);
	if (question == NULL)
		return rc;
	rc = rag_connect(r, &c);
	if (rc == 0) {
		ask = rag_ask(r, question);
		rc = r->args.json ? ask_json(r, c, &ask) : ask_shown(r, c, &ask);
		ragd_client_close(c);
	}
	free(question);
	return rc;
}

const struct rag_command ask_command = {
	.args = { .name = "ask",
		  .usage = "[QUESTION | -]",
		  .summary = "ask a question and get a grounded, cited answer",
		  .opts = ask_opts,
		  .max_rest = -1 },
	.run = ask_run,
};
