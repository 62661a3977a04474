/* rag moderate: what the filters say of a text, or of lines of them. */
#include <stdlib.h>
#include <string.h>

#include "clients/rag/batch/batch.h"
#include "clients/rag/commands/commands.h"

static const struct args_opt moderate_opts[] = {
	{ .name = "policy",
	  .arg = "NAME",
	  .help = "the policy to apply (default: the default assistant's)",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct rag_args, policy) },
	{ .name = "stage",
	  .arg = "STAGE",
	  .help = "what the text is: prompt, document or response (default: prompt)",
	  .type = ARGS_CHOICE,
	  .offset = offsetof(struct rag_args, stage),
	  .choices = "prompt document response" },
	OPT_JOBS(64, "lines in flight, 1 to 64 (default: 4)"),
	{ .name = NULL },
};

static json_t *categories_json(const struct ragd_verdicts *v)
{
	const struct ragd_category_row *row;
	json_t *o = json_object();

	for (size_t i = 0; (row = ragd_verdicts_category(v, 0, i)) != NULL; i++)
		json_object_set_new(o, row->name, json_real(row->score));
	return o;
}

static json_t *rules_json(const struct ragd_verdicts *v)
{
	json_t *list = json_array();
	const char *rule;

	for (size_t i = 0; (rule = ragd_verdicts_rule(v, 0, i)) != NULL; i++)
		json_array_append_new(list, json_string(rule));
	return list;
}

static int moderate_one(struct ragd_client *c, const struct rag *r, const char *text,
			const char *stage, struct ragd_verdicts **out, struct ragd_err *err)
{
	const struct ragd_moderate m = {
		.texts = &text,
		.n_texts = 1,
		.policy = r->args.policy,
		.stage = stage != NULL ? stage : r->args.stage,
	};

	return ragd_client_moderate(c, &m, out, err);
}

/* id is borrowed; NULL leaves it out. */
static json_t *verdict_json(const struct ragd_verdicts *v, json_t *id)
{
	const struct ragd_verdict_row *row = ragd_verdicts_at(v, 0);
	json_t *o = json_object();

	if (id != NULL)
		json_object_set(o, "id", id);
	json_object_set_new(o, "action", json_string(row->action));
	json_object_set_new(o, "score", json_real(row->score));
	json_object_set_new(o, "categories", categories_json(v));
	json_object_set_new(o, "rules", rules_json(v));
	json_object_set_new(o, "text", json_string(row->text));
	return o;
}

static int moderate_line(struct ragd_client *c, const struct json_line *line, void *ctx, FILE *out,
			 struct ragd_err *err)
{
	const json_t *stage = json_object_get(line->root, "stage");
	const struct rag *r = ctx;
	struct ragd_verdicts *v;
	int rc;

	if (stage != NULL && !json_is_string(stage))
		return ragd_err_set(err, -EINVAL, "\"stage\" is not a string");
	rc = moderate_one(c, r, line->text, json_string_value(stage), &v, err);
	if (rc < 0)
		return rc;
	if (r->args.json)
		fprintf(out, "%s\n", ragd_verdicts_json(v));
	else
		json_line_write(out, verdict_json(v, line->id_json));
	ragd_verdicts_free(v);
	return 0;
}

static void put_verdict(struct rag *r, const struct ragd_verdicts *v)
{
	const struct ragd_verdict_row *row = ragd_verdicts_at(v, 0);
	bool allowed = strcmp(row->action, "allow") == 0,
	     blocked = strcmp(row->action, "block") == 0;
	const struct ragd_category_row *cat;
	struct out *o = &r->out;
	const char *rule;

	out_printf(o, allowed ? STYLE_GOOD : blocked ? STYLE_BAD : STYLE_WARN, "%s", row->action);
	fprintf(o->f, " (score %.2f)\n", row->score);
	for (size_t i = 0; (cat = ragd_verdicts_category(v, 0, i)) != NULL; i++)
		if (cat->flagged || r->args.verbose)
			out_printf(o, STYLE_PLAIN, "  %-24s %.2f\n", cat->name, cat->score);
	for (size_t i = 0; (rule = ragd_verdicts_rule(v, 0, i)) != NULL; i++)
		out_printf(o, STYLE_DIM, "  rule %s\n", rule);
	if (row->note[0] != '\0')
		out_printf(o, STYLE_PLAIN, "%s\n", row->note);
	if (!blocked)
		out_printf(o, STYLE_PLAIN, "%s\n", row->text);
}

static int moderate_run(struct rag *r)
{
	struct ragd_verdicts *v;
	struct ragd_client *c;
	struct ragd_err err;
	char *text;
	int rc;

	if (r->line.n_rest == 0 || (r->line.n_rest == 1 && strcmp(r->line.rest[0], "-") == 0))
		return batch_run(r, moderate_line, r);
	rc = rag_connect(r, &c);
	if (rc != 0)
		return rc;
	text = rag_words(r, 0);
	if (text == NULL)
		rc = EXIT_FAILED;
	else if (moderate_one(c, r, text, NULL, &v, &err) < 0)
		rc = rag_fail(r, &err);
	else {
		rc = strcmp(ragd_verdicts_at(v, 0)->action, "block") == 0 ? EXIT_BLOCKED
									  : EXIT_ANSWERED;
		if (r->args.json)
			fprintf(r->out.f, "%s\n", ragd_verdicts_json(v));
		else
			put_verdict(r, v);
		ragd_verdicts_free(v);
	}
	free(text);
	ragd_client_close(c);
	return rc;
}

const struct rag_command moderate_command = {
	.args = { .name = "moderate",
		  .usage = "[TEXT | -]",
		  .summary = "what the filters say about a text, or about JSON lines",
		  .opts = moderate_opts,
		  .max_rest = -1 },
	.run = moderate_run,
};
