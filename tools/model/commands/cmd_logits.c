/* ragd-model logits: what the model thinks comes after the given tokens. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tools/model/pass.h"
#include "tools/model/tool.h"

#define TOP_MAX  1000000
#define PASS_MAX 512

static const struct args_opt opts[] = {
	{ .name = "ids",
	  .arg = "1,2,3",
	  .help = "the tokens, with commas or spaces between them",
	  .type = ARGS_TEXT,
	  .offset = offsetof(struct model_args, ids) },
	{ .name = "top",
	  .arg = "N",
	  .help = "how many of the likeliest to write (default: 10)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, top),
	  .min = 1,
	  .max = TOP_MAX },
	{ .name = NULL },
};

/* Every id is checked against the vocabulary. */
static int parse_ids(const char *s, const struct loaded *l, struct tokens *out,
		     struct ragd_err *err)
{
	for (s += strspn(s, ", \n"); *s != '\0'; s += strspn(s, ", \n")) {
		char *end;
		long id;

		errno = 0;
		id = strtol(s, &end, 10);
		if (end == s || (*end != '\0' && strchr(", \n", *end) == NULL))
			return ragd_err_set(err, -EINVAL, "--ids: '%.20s' is not a token", s);
		if (errno != 0 || id < 0 || id >= (long)l->shape->n_vocab)
			return ragd_err_set(
				err, -EINVAL,
				"--ids: %.*s is not a token; the vocabulary has 0 to %u",
				(int)MIN(end - s, 20), s, (unsigned)l->shape->n_vocab - 1);
		tokens_add(out, (int32_t)id);
		s = end;
	}
	if (out->failed)
		return ragd_err_set(err, -ENOMEM, "--ids: out of memory");
	if (out->n == 0)
		return ragd_err_set(err, -EINVAL, "--ids: at least one token is needed");
	if (out->n > l->shape->n_context)
		return ragd_err_set(err, -EMSGSIZE,
				    "--ids: %zu tokens, the context holds %u: %zu too many", out->n,
				    (unsigned)l->shape->n_context, out->n - l->shape->n_context);
	return 0;
}

struct ranked_token {
	int32_t id;
	float logit;
};

/* The larger logit first; the lower id among equals. */
static int by_logit(const void *a, const void *b)
{
	const struct ranked_token *x = a, *y = b;

	if (x->logit != y->logit)
		return x->logit > y->logit ? -1 : 1;
	return x->id - y->id;
}

static json_t *as_json(const struct ranked_token *c, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:i,s:f}", "id", (int)c[i].id, "logit",
						      (double)c[i].logit));
	return json_pack("{s:o}", "top", list);
}

static void print_table(const struct loaded *l, const struct ranked_token *c, size_t n)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		buf_clear(&text);
		vocab_piece(l->vocab, c[i].id, true, &text);
		printf("%8d %12.6f  ", (int)c[i].id, (double)c[i].logit);
		for (size_t k = 0; k < text.len; k++)
			putchar((unsigned char)text.data[k] < ' ' ? '.' : text.data[k]);
		putchar('\n');
	}
	buf_fini(&text);
}

static int show_row(const struct model_args *a, const struct loaded *l, const float *row,
		    struct ragd_err *err)
{
	uint32_t n_vocab = l->shape->n_vocab;
	size_t n = MIN((size_t)a->top, (size_t)n_vocab);
	struct ranked_token *c = calloc(n_vocab, sizeof(*c));
	int rc = 0;

	if (c == NULL)
		return ragd_err_set(err, -ENOMEM, "logits: out of memory");
	for (uint32_t i = 0; i < n_vocab; i++)
		c[i] = (struct ranked_token){ (int32_t)i, row[i] };
	qsort(c, n_vocab, sizeof(*c), by_logit);
	if (a->json)
		rc = tool_print_json(as_json(c, n));
	else
		print_table(l, c, n);
	free(c);
	return rc;
}

static int logits_run(const struct model_args *a)
{
	struct tokens ids = { .ids = NULL };
	struct pass pass = { .run = NULL };
	struct ragd_err err = { 0 };
	const float *row;
	struct loaded l;
	int rc;

	if (a->ids == NULL)
		return tool_usage("logits: --ids is missing");
	rc = load_open(a, &l, &err);
	if (rc == 0)
		rc = load_needs_causal(&l, "logits", &err);
	if (rc == 0)
		rc = parse_ids(a->ids, &l, &ids, &err);
	if (rc == 0)
		rc = pass_open(&l, 1, ids.n, MIN(ids.n, (size_t)PASS_MAX), 1, &pass, &err);
	if (rc == 0)
		rc = pass_read(&pass, 0, ids.ids, ids.n, 0, 1, &row, &err);
	if (rc == 0)
		rc = show_row(a, &l, row, &err);
	if (rc < 0)
		rc = tool_fail(&err);
	pass_close(&pass);
	tokens_fini(&ids);
	load_close(&l);
	return rc;
}

const struct model_command logits_command = {
	.args = { .name = "logits",
		  .usage = "-m FILE",
		  .summary = "what the model predicts after the given tokens",
		  .opts = opts,
		  .shared = true },
	.run = logits_run,
};
