/* ragd-model embed: each line of standard input to a vector of unit length. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/serve/engine.h"
#include "tools/model/load.h"
#include "tools/model/tool.h"

#define LINES_AT_ONCE 64

static const struct args_opt opts[] = {
	{ .name = NULL },
};

/* All lines as tokens; *n of them, the longest of *longest tokens. */
static int read_lines(const struct loaded *l, const struct buf *text, struct tokens **out,
		      size_t *n, size_t *longest, struct ragd_err *err)
{
	const char *s = text->data, *end = s != NULL ? s + text->len : NULL, *stop;
	struct tokens *lines = NULL, *more;
	int rc = 0;

	*n = *longest = 0;
	for (; s < end && rc == 0; s = stop + 1) {
		stop = memchr(s, '\n', (size_t)(end - s));
		if (stop == NULL)
			stop = end;
		more = reallocarray(lines, *n + 1, sizeof(*lines));
		if (more == NULL) {
			rc = ragd_err_set(err, -ENOMEM, "embed: out of memory");
			break;
		}
		lines = more;
		lines[*n] = (struct tokens){ .ids = NULL };
		rc = vocab_encode(l->vocab, (struct ragd_str){ s, (size_t)(stop - s) }, VOCAB_ENDS,
				  &lines[*n], err);
		if (rc == 0 && lines[*n].n == 0)
			rc = ragd_err_set(err, -EINVAL, "embed: line %zu is empty", *n + 1);
		*longest = MAX(*longest, lines[*n].n);
		(*n)++;
	}
	*out = lines;
	return rc;
}

static int engine_start(const struct loaded *l, size_t longest, struct engine **out,
			struct ragd_err *err)
{
	struct engine_options opt = {
		.model = l->model,
		.vocab = l->vocab,
		.threads = l->threads,
		.kv = l->kv,
		.n_context = (uint32_t)MIN(MAX(longest, 16), (size_t)l->shape->n_context),
	};

	opt.cache_bytes =
		8 * ((size_t)opt.n_context / KV_PAGE + 2) * model_page_bytes(l->model, l->kv);
	return load_engine(&opt, out, err);
}

static void print_vector(const float *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s%.8g", i > 0 ? "," : "[", (double)v[i]);
	puts("]");
}

static int embed_lines(const struct loaded *l, struct engine *e, const struct tokens *lines,
		       size_t n, struct ragd_err *err)
{
	size_t dim = l->shape->n_embd;
	float *out = calloc(LINES_AT_ONCE * dim, sizeof(*out));
	int rc = 0;

	if (out == NULL)
		return ragd_err_set(err, -ENOMEM, "embed: out of memory");
	for (size_t at = 0, now; at < n && rc == 0; at += now) {
		now = MIN((size_t)LINES_AT_ONCE, n - at);
		rc = engine_embed(e, ENGINE_NOBODY, lines + at, now, out, NULL, NULL, err);
		for (size_t i = 0; i < now && rc == 0; i++)
			print_vector(out + i * dim, dim);
	}
	free(out);
	return rc;
}

static int embed_run(const struct model_args *a)
{
	struct tokens *lines = NULL;
	struct engine *engine = NULL;
	struct ragd_err err = { 0 };
	struct buf text = BUF_INIT;
	size_t n = 0, longest = 0;
	struct loaded l;
	int rc;

	rc = load_open(a, &l, &err);
	if (rc == 0)
		rc = tool_stdin(&text, &err);
	if (rc == 0)
		rc = read_lines(&l, &text, &lines, &n, &longest, &err);
	if (rc == 0 && n > 0)
		rc = engine_start(&l, longest, &engine, &err);
	if (rc == 0 && n > 0)
		rc = embed_lines(&l, engine, lines, n, &err);
	if (rc < 0)
		rc = tool_fail(&err);
	engine_close(engine);
	for (size_t i = 0; i < n; i++)
		tokens_fini(&lines[i]);
	free(lines);
	buf_fini(&text);
	load_close(&l);
	return rc;
}

const struct model_command embed_command = {
	.args = { .name = "embed",
		  .usage = "-m FILE <LINES",
		  .summary = "turn each line of standard input into a vector, a JSON array",
		  .opts = opts,
		  .shared = true },
	.run = embed_run,
};
