/* rag feedback: rates an answer, or writes all ratings. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "lines.h"

static const struct opt feedback_opts[] = {
	{ 0, "reason", "WHY", "wrong, not_in_sources, unsafe, refused, incomplete or other",
	  OPT_CHOICE, offsetof(struct args, reason), 0, 0,
	  "wrong not_in_sources unsafe refused incomplete other", WORDS_NONE },
	{ 0, "comment", "TEXT", "in your words", OPT_TEXT, offsetof(struct args, comment), 0, 0,
	  NULL, WORDS_NONE },
	{ 0, "better", "TEXT", "what the answer should have been", OPT_TEXT,
	  offsetof(struct args, better), 0, 0, NULL, WORDS_NONE },
	{ 0, "export", NULL, "write all ratings as JSON lines; for administrators", OPT_FLAG,
	  offsetof(struct args, export), 0, 0, NULL, WORDS_NONE },
	{ .name = NULL },
};

static int on_bytes(void *arg, const void *data, size_t len)
{
	FILE *f = arg;

	return fwrite(data, 1, len, f) == len ? 0 : -1;
}

static int feedback_give(struct rag *r, struct ragd_client *c)
{
	const struct ragd_feedback f = {
		.answer_id = r->args.rest[0],
		.rating = r->args.rest[1],
		.reason = r->args.reason,
		.comment = r->args.comment,
		.better = r->args.better,
	};
	struct ragd_err err;
	char *id;

	if (ragd_client_feedback(c, &f, &id, &err) < 0)
		return rag_fail(r, &err);
	if (r->args.json)
		line_write(r->out.f, json_pack("{s:s, s:s}", "id", id, "answer_id", f.answer_id));
	else
		out_printf(&r->out, STYLE_PLAIN, "Noted as %s, thank you.\n", id);
	ragd_free(id);
	return EXIT_ANSWERED;
}

static int feedback_run(struct rag *r)
{
	struct ragd_client *c;
	struct ragd_err err;
	int rc;

	if (r->args.export && r->args.n_rest > 0)
		return rag_usage(r, "--export stands alone");
	if (!r->args.export && r->args.n_rest != 2)
		return rag_usage(r, "which answer, and up or down?");
	if (!r->args.export && strcmp(r->args.rest[1], "up") != 0 &&
	    strcmp(r->args.rest[1], "down") != 0)
		return rag_usage(r, "a rating is up or down; not '%s'", r->args.rest[1]);
	rc = rag_connect(r, &c);
	if (rc != 0)
		return rc;
	if (!r->args.export)
		rc = feedback_give(r, c);
	else if (ragd_client_feedback_export(c, on_bytes, r->out.f, &err) < 0)
		rc = rag_fail(r, &err);
	ragd_client_close(c);
	return rc;
}

const struct command feedback_command = {
	.name = "feedback",
	.usage = "ANSWER up|down",
	.summary = "rate an answer",
	.run = feedback_run,
	.opts = feedback_opts,
	.min_rest = 0,
	.max_rest = 2,
};
