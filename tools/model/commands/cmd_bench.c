/*
 * ragd-model bench: how fast a model reads and writes, and how much that is of what the machine can
 * do. Reading is one prompt, in passes as the engine makes them; writing is one token after
 * another, from an empty context, for one sequence or for several together.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "tools/model/measure.h"
#include "tools/model/pass.h"
#include "tools/model/tool.h"

#define RUNS_DEFAULT 3

static const struct args_opt opts[] = {
	{ .letter = 'p',
	  .name = "prompt-tokens",
	  .arg = "N",
	  .help = "tokens to read (default: 512; 0: none)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, n_prompt),
	  .min = 0,
	  .max = 1 << 24 },
	{ .letter = 'n',
	  .name = "tokens",
	  .arg = "N",
	  .help = "tokens to write (default: 64; 0: none)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, n_decode),
	  .min = 0,
	  .max = 1 << 24 },
	{ .name = "batch",
	  .arg = "N",
	  .help = "sequences to write side by side (default: 1)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, batch),
	  .min = 1,
	  .max = 4096 },
	{ .name = "pass",
	  .arg = "N",
	  .help = "tokens of the prompt that are read in one pass (default: 512)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, pass),
	  .min = 1,
	  .max = 65536 },
	{ .name = "runs",
	  .arg = "N",
	  .help = "how many runs to take the medians of (default: 3)",
	  .type = ARGS_NUMBER,
	  .offset = offsetof(struct model_args, runs),
	  .min = 1,
	  .max = 1000 },
	{ .name = NULL },
};

/* Figures of one run each; the machine's own are the best of what was measured between them. */
struct figures {
	double *prefill; /* tokens a second, [n] */
	double *decode;
	size_t n;
	double read, int8, f32;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 != 0 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Any tokens do; the same on every run. */
static int32_t token_at(const struct loaded *l, size_t i)
{
	return (int32_t)((i * UINT64_C(2654435761) + 12345) % l->shape->n_vocab);
}

static int run_prefill(const struct model_args *a, struct pass *p, int32_t *ids, double *out,
		       struct ragd_err *err)
{
	size_t n = (size_t)a->n_prompt;
	int64_t start;
	const float *row;
	int rc;

	for (size_t i = 0; i < n; i++)
		ids[i] = token_at(p->l, i);
	start = clock_us();
	rc = pass_read(p, 0, ids, n, 0, 1, &row, err);
	*out = (double)n / (double)MAX(clock_us() - start, 1) * 1e6;
	return rc;
}

static int run_decode(const struct model_args *a, struct pass *p, int32_t *ids, double *out,
		      struct ragd_err *err)
{
	int64_t start = clock_us();
	const float *rows;
	int rc = 0;

	for (size_t at = 0; at < (size_t)a->n_decode && rc == 0; at++) {
		for (size_t s = 0; s < p->n_seqs; s++)
			ids[s] = token_at(p->l, at + 1000 * s);
		rc = pass_step(p, ids, at, &rows, err);
	}
	*out = (double)(p->n_seqs * (size_t)a->n_decode) / (double)MAX(clock_us() - start, 1) * 1e6;
	return rc;
}

static void measure_machine(struct measure *m, struct figures *f)
{
	f->read = MAX(f->read, measure_read(m));
	f->int8 = MAX(f->int8, measure_int8(m));
	f->f32 = MAX(f->f32, measure_f32(m));
}

static int run_all(const struct model_args *a, struct pass *p, struct figures *f,
		   struct ragd_err *err)
{
	size_t n_ids = MAX((size_t)a->n_prompt, (size_t)a->batch);
	int32_t *ids = calloc(n_ids, sizeof(*ids));
	struct measure *m = NULL;
	double warm;
	int rc = 0;

	if (ids == NULL)
		return ragd_err_set(err, -ENOMEM, "bench: out of memory");
	rc = measure_open(p->l->threads, &m, err);
	/* Weights and scratch memory come in with a first run that does not count. */
	if (rc == 0 && a->n_prompt > 0)
		rc = run_prefill(a, p, ids, &warm, err);
	else if (rc == 0 && a->n_decode > 0)
		rc = run_decode(a, p, ids, &warm, err);
	for (size_t i = 0; i < f->n && rc == 0; i++) {
		measure_machine(m, f);
		if (a->n_prompt > 0)
			rc = run_prefill(a, p, ids, &f->prefill[i], err);
		if (rc == 0 && a->n_decode > 0)
			rc = run_decode(a, p, ids, &f->decode[i], err);
	}
	if (rc == 0)
		measure_machine(m, f);
	measure_close(m);
	free(ids);
	return rc;
}

/* ---- shares --------------------------------------------------------------------------------- */

/*
 * Weights that every token of a prompt is multiplied with: matrices of the layers, not the output.
 */
struct bench_work {
	uint64_t n_weights;
	bool floats; /* most are F32, F16 or BF16: 8-bit arithmetic is not what bounds them */
};

static struct bench_work work_of(const struct gguf *g)
{
	struct bench_work w = { 0 };
	uint64_t n_floats = 0;

	for (size_t i = 0; i < gguf_n_tensors(g); i++) {
		const struct gguf_tensor *t = gguf_tensor_at(g, i);
		uint64_t n = t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];

		if (t->n_dims < 2 || t->name.len < 4 || memcmp(t->name.s, "blk.", 4) != 0)
			continue;
		w.n_weights += n;
		if (quant_info(t->type)->n_elements == 1)
			n_floats += n;
	}
	w.floats = n_floats > w.n_weights / 2;
	return w;
}

struct result {
	double prefill, decode; /* tokens a second */
	double prefill_share;   /* of the arithmetic peak; 0: not known */
	double decode_share;    /* of the read bandwidth */
	const char *peak;       /* which one: "int8" or "f32" */
};

static struct result result_of(const struct model_args *a, const struct loaded *l,
			       struct figures *f)
{
	struct bench_work w = work_of(l->gguf);
	struct result r = { .peak = w.floats ? "f32" : "int8" };
	double peak = w.floats ? f->f32 : f->int8;

	if (a->n_prompt > 0)
		r.prefill = median_of(f->prefill, f->n);
	if (a->n_decode > 0)
		r.decode = median_of(f->decode, f->n);
	if (peak > 0)
		r.prefill_share = 2 * (double)w.n_weights * r.prefill / peak;
	/* Sequences that step together read the weights once. */
	if (f->read > 0)
		r.decode_share =
			(double)l->shape->weight_bytes * r.decode / (double)a->batch / f->read;
	return r;
}

static json_t *json_numbers(const double *v, size_t n, bool any)
{
	json_t *list = json_array();

	for (size_t i = 0; any && i < n; i++)
		json_array_append_new(list, json_real(v[i]));
	return list;
}

static int print_json(const struct model_args *a, const struct loaded *l, struct figures *f)
{
	struct result r = result_of(a, l, f);
	json_t *j =
		json_pack("{s:s,s:s,s:I,s:I,s:I,s:I}", "model", a->model, "kernel",
			  model_kernels(l->model)->name, "threads",
			  (json_int_t)threads_n(l->threads), "n_prompt", (json_int_t)a->n_prompt,
			  "n_decode", (json_int_t)a->n_decode, "batch", (json_int_t)a->batch);

	json_object_set_new(j, "prefill", json_real(r.prefill));
	json_object_set_new(j, "decode", json_real(r.decode));
	json_object_set_new(j, "prefill_share", json_real(r.prefill_share));
	json_object_set_new(j, "decode_share", json_real(r.decode_share));
	json_object_set_new(j, "prefill_peak", json_string(r.peak));
	json_object_set_new(j, "bandwidth", json_real(f->read));
	json_object_set_new(j, "int8_peak", json_real(f->int8));
	json_object_set_new(j, "f32_peak", json_real(f->f32));
	json_object_set_new(j, "weight_bytes", json_integer((json_int_t)l->shape->weight_bytes));
	json_object_set_new(j, "load_s", json_real(l->seconds));
	json_object_set_new(j, "prefill_runs", json_numbers(f->prefill, f->n, a->n_prompt > 0));
	json_object_set_new(j, "decode_runs", json_numbers(f->decode, f->n, a->n_decode > 0));
	return tool_print_json(j);
}

static int print_text(const struct model_args *a, const struct loaded *l, struct figures *f)
{
	struct result r = result_of(a, l, f);

	printf("%u threads, kernels %s, loaded in %.2f s, medians of %zu runs\n",
	       threads_n(l->threads), model_kernels(l->model)->name, l->seconds, f->n);
	printf("machine   reads %.1f GB/s, %.0f Gop/s in 8-bit integers, %.0f GFLOP/s in floats\n",
	       f->read / 1e9, f->int8 / 1e9, f->f32 / 1e9);
	if (a->n_prompt > 0)
		printf("prefill   %.1f tokens/s (%ld tokens), %.1f %% of the %s peak\n", r.prefill,
		       a->n_prompt, 100 * r.prefill_share, r.peak);
	if (a->n_decode > 0)
		printf("decode    %.2f tokens/s (%ld tokens, %ld together), %.1f %% of the "
		       "bandwidth\n",
		       r.decode, a->n_decode, a->batch, 100 * r.decode_share);
	return EXIT_DONE;
}

static int check_sizes(const struct model_args *a, const struct loaded *l, struct ragd_err *err)
{
	long most = MAX(a->n_prompt, a->n_decode);

	if (most == 0)
		return ragd_err_set(err, -EINVAL, "bench: nothing to read and nothing to write");
	if ((uint64_t)most > l->shape->n_context)
		return ragd_err_set(err, -EMSGSIZE, "bench: %ld tokens, the context holds %u", most,
				    (unsigned)l->shape->n_context);
	return 0;
}

static int bench_run(const struct model_args *a)
{
	struct figures f = { .n = a->runs > 0 ? (size_t)a->runs : RUNS_DEFAULT };
	size_t batch = (size_t)a->batch;
	struct pass pass = { .run = NULL };
	struct ragd_err err = { 0 };
	struct loaded l;
	int rc;

	f.prefill = calloc(f.n, sizeof(*f.prefill));
	f.decode = calloc(f.n, sizeof(*f.decode));
	rc = load_open(a, &l, &err);
	if (rc == 0 && (f.prefill == NULL || f.decode == NULL))
		rc = ragd_err_set(&err, -ENOMEM, "bench: out of memory");
	if (rc == 0)
		rc = load_needs_causal(&l, "bench", &err);
	if (rc == 0)
		rc = check_sizes(a, &l, &err);
	if (rc == 0)
		rc = pass_open(&l, batch, (size_t)MAX(a->n_prompt, a->n_decode),
			       MAX(MIN((size_t)MAX(a->n_prompt, 1), (size_t)a->pass), batch), batch,
			       &pass, &err);
	if (rc == 0)
		rc = run_all(a, &pass, &f, &err);
	if (rc < 0)
		rc = tool_fail(&err);
	else
		rc = a->json ? print_json(a, &l, &f) : print_text(a, &l, &f);
	pass_close(&pass);
	free(f.prefill);
	free(f.decode);
	load_close(&l);
	return rc;
}

const struct model_command bench_command = {
	.args = { .name = "bench",
		  .usage = "-m FILE",
		  .summary = "how fast the model is, and what share of the machine's peak that is",
		  .opts = opts,
		  .shared = true },
	.run = bench_run,
};
