/*
 * ragd-model perplexity: how surprised the model is by a text. The text is read in windows; in
 * each, what stands in its second half is counted, so that every token that counts has at least
 * half a window before it. A text that fits into one window counts from its first token on.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/serve/sampler.h"
#include "tools/model/pass.h"
#include "tools/model/tool.h"

#define PASS_MAX 512
#define OUTPUTS  64 /* rows of logits at once: a vocabulary may have a hundred thousand */

static const struct args_opt opts[] = {
	{ .name = "window",
	  .arg = "N",
	  .help = "tokens in a window, at most the model's context (default: 512)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, window),
	  .min = 4,
	  .max = 1 << 20 },
	{ .name = NULL },
};

struct sum {
	double nll; /* of all that counted */
	size_t n;
	size_t n_windows;
};

/* ids[0..n) at the start of the context; from ids[from] on they count. */
static int window_read(struct pass *p, const int32_t *ids, size_t n, size_t from, struct sum *sum,
		       struct ragd_err *err)
{
	uint32_t n_vocab = p->l->shape->n_vocab;
	const float *rows;
	int rc = 0;

	/* The row of one token tells of the next; nothing follows the last. */
	if (from > 1)
		rc = pass_read(p, 0, ids, from - 1, 0, 0, NULL, err);
	for (size_t at = from - 1, now; at + 1 < n && rc == 0; at += now) {
		now = MIN((size_t)OUTPUTS, n - 1 - at);
		rc = pass_read(p, 0, ids + at, now, at, now, &rows, err);
		for (size_t i = 0; i < now && rc == 0; i++) {
			const float *row = rows + i * n_vocab;

			sum->nll += sampler_log_sum(model_kernels(p->l->model), row, n_vocab) -
				    (double)row[ids[at + i + 1]];
			sum->n++;
		}
	}
	sum->n_windows++;
	return rc;
}

static int text_read(struct pass *p, const struct tokens *t, size_t window, struct sum *sum,
		     struct ragd_err *err)
{
	int32_t bos, *ids = calloc(window, sizeof(*ids));
	size_t n_bos = load_bos(p->l, &bos), step = window - n_bos;
	int rc = 0;

	if (ids == NULL)
		return ragd_err_set(err, -ENOMEM, "perplexity: out of memory");
	if (n_bos + t->n < 2) {
		free(ids);
		return ragd_err_set(err, -EINVAL, "perplexity: the text is too short: %zu tokens",
				    t->n);
	}
	for (size_t at = 0; at < t->n && rc == 0; at += step) {
		size_t n = MIN(step, t->n - at);

		if (n < step && at > 0) /* the rest is too short to compare */
			break;
		if (n_bos > 0)
			ids[0] = bos;
		memcpy(ids + n_bos, t->ids + at, n * sizeof(*ids));
		rc = window_read(p, ids, n_bos + n, t->n <= step ? 1 : window / 2, sum, err);
	}
	free(ids);
	return rc;
}

static int perplexity_run(const struct model_args *a)
{
	struct tokens tokens = { .ids = NULL };
	struct pass pass = { .run = NULL };
	struct ragd_err err = { 0 };
	struct buf text = BUF_INIT;
	struct sum sum = { 0 };
	struct loaded l;
	size_t window = 0;
	int rc;

	rc = load_open(a, &l, &err);
	if (rc == 0)
		rc = load_needs_causal(&l, "perplexity", &err);
	if (rc == 0)
		rc = tool_stdin(&text, &err);
	if (rc == 0)
		rc = vocab_encode(l.vocab, buf_str(&text), 0, &tokens, &err);
	if (rc == 0) {
		window = MIN((size_t)a->window, (size_t)l.shape->n_context);
		rc = pass_open(&l, 1, window, MIN(window, (size_t)PASS_MAX), OUTPUTS, &pass, &err);
	}
	if (rc == 0)
		rc = text_read(&pass, &tokens, window, &sum, &err);
	if (rc < 0)
		rc = tool_fail(&err);
	else if (a->json)
		rc = tool_print_json(json_pack(
			"{s:f,s:f,s:I,s:I,s:I}", "perplexity", exp(sum.nll / (double)sum.n), "nll",
			sum.nll / (double)sum.n, "tokens", (json_int_t)sum.n, "windows",
			(json_int_t)sum.n_windows, "window", (json_int_t)window));
	else
		printf("perplexity %.4f (%.5f nats a token) over %zu tokens in %zu windows of "
		       "%zu\n",
		       exp(sum.nll / (double)sum.n), sum.nll / (double)sum.n, sum.n, sum.n_windows,
		       window);
	pass_close(&pass);
	tokens_fini(&tokens);
	buf_fini(&text);
	load_close(&l);
	return rc;
}

const struct model_command perplexity_command = {
	.args = { .name = "perplexity",
		  .usage = "-m FILE <TEXT",
		  .summary = "how well the model predicts a text",
		  .opts = opts,
		  .shared = true },
	.run = perplexity_run,
};
