/* rag feedback: rates an answer, or writes all ratings. */
#include <stdlib.h>
#include <string.h>

#include "clients/rag/batch/json_lines.h"
#include "clients/rag/commands/commands.h"

static const struct args_opt feedback_opts[] = {
	{ .name = "reason",
	  .arg = "WHY",
	  .help = "wrong, not_in_sources, unsafe, refused, incomplete or other",
	  .type = ARGS_CHOICE,
	  .offset = offsetof(struct rag_args, reason),
	  .choices = "wrong not_in_sources unsafe refused incomplete other" },
	{ .name = "comment",
	  .arg = "TEXT",
	  .help = "a comment in your own words",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, comment) },
	{ .name = "better",
	  .arg = "TEXT",
	  .help = "what the answer should have been",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, better) },
	{ .name = "export",
	  .help = "write all ratings as JSON lines; for administrators",
	  .type = ARGS_FLAG,
	  .offset = offsetof(struct rag_args, export) },
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
		.answer_id = r->line.rest[0],
		.rating = r->line.rest[1],
		.reason = r->args.reason,
		.comment = r->args.comment,
		.better = r->args.better,
	};
	struct ragd_err err;
	char *id;

	if (ragd_client_feedback(c, &f, &id, &err) < 0)
		return rag_fail(r, &err);
	if (r->args.json)
		json_line_write(r->out.f,
				json_pack("{s:s, s:s}", "id", id, "answer_id", f.answer_id));
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

	if (r->args.export && r->line.n_rest > 0)
		return rag_usage(r, "--export takes no other arguments");
	if (!r->args.export && r->line.n_rest != 2)
		return rag_usage(r, "which answer, and up or down?");
	if (!r->args.export && strcmp(r->line.rest[1], "up") != 0 &&
	    strcmp(r->line.rest[1], "down") != 0)
		return rag_usage(r, "a rating is up or down; not '%s'", r->line.rest[1]);
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

const struct rag_command feedback_command = {
	.args = { .name = "feedback",
		  .usage = "ANSWER up|down",
		  .summary = "rate an answer",
		  .opts = feedback_opts,
		  .max_rest = 2 },
	.run = feedback_run,
};
