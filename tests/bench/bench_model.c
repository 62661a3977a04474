/*
 * bench_model FILE [THREADS [REPS [WHAT]]]: how fast a model reads and writes inside the engine, beside what the
 * memory of the machine allows. Prompt tokens/s for 512 and 128 tokens in one pass, generated tokens/s
 * for 64 tokens one by one, and for 8 sequences together; medians. The share of the bandwidth
 * is the packed weights read for each token, over the bandwidth measured in the same run. WHAT leaves
 * the rest out, for a profiler.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "engine/gguf/gguf.h"
#include "engine/model/model.h"

#define N_PROMPT   512
#define N_GENERATE 64
#define N_SEQS     8
#define REPS_MAX   32
#define N_PAGES    (N_PROMPT / KV_PAGE)
#define READ_BYTES ((size_t)512 << 20)

struct bench {
	struct gguf *gguf;
	struct threads *threads;
	struct model *model;
	struct run *run;
	uint8_t *pages[N_SEQS][N_PAGES];
	int32_t ids[N_PROMPT];
};

static void check(int rc, const struct ragd_err *err)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "bench_model: %s\n", err->msg);
	exit(1);
}

static void forward(struct bench *b, const struct segment *s, size_t n)
{
	struct ragd_err err;
	const float *rows;

	check(run_forward(b->run, s, n, RUN_LOGITS, &rows, &err), &err);
}

/* Tokens a second of one pass over n tokens. */
static double prompt(struct bench *b, size_t n)
{
	int64_t from = clock_us();

	forward(b, &(struct segment){ b->ids, n, 0, b->pages[0], 1 }, 1);
	return 1e6 * (double)n / (double)(clock_us() - from);
}

/* Tokens a second of all sequences, each of which writes n tokens one by one. */
static double generate(struct bench *b, size_t n_seqs, size_t n)
{
	int64_t from = clock_us();

	for (size_t i = 0; i < n; i++) {
		struct segment s[N_SEQS];

		for (size_t k = 0; k < n_seqs; k++)
			s[k] = (struct segment){ b->ids + i, 1, i, b->pages[k], 1 };
		forward(b, s, n_seqs);
	}
	return 1e6 * (double)(n * n_seqs) / (double)(clock_us() - from);
}

/* ---- the memory's bandwidth ----------------------------------------------------------------- */

struct reading {
	const uint64_t *data;
	uint64_t sums[THREADS_MAX];
};

static void read_some(void *arg, size_t from, size_t to, unsigned worker)
{
	struct reading *r = arg;
	const uint64_t *p = r->data + from * 8192;
	uint64_t sum[8] = { 0 };

	for (size_t i = 0; i < (to - from) * 8192; i += 8)
		for (size_t k = 0; k < 8; k++)
			sum[k] += p[i + k];
	for (size_t k = 0; k < 8; k++)
		r->sums[worker] += sum[k];
}

/* Bytes a second, the best of some. */
static double bandwidth(struct bench *b)
{
	static struct reading r;
	uint64_t *data = aligned_alloc((size_t)2 << 20, READ_BYTES);
	double best = 0;

	if (data == NULL)
		return 0;
	memset(data, 1, READ_BYTES);
	r.data = data;
	for (int i = 0; i < 5; i++) {
		int64_t from = clock_us();

		threads_run(b->threads, READ_BYTES / 65536, 16, read_some, &r);
		best = MAX(best, 1e6 * (double)READ_BYTES / (double)(clock_us() - from));
	}
	free(data);
	return best;
}

/* ---- table ---------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
	qsort(x, n, sizeof(*x), by_value);
	return x[n / 2];
}

static void bench_open(struct bench *b, const char *path, unsigned n_threads)
{
	struct model_options opt = { .huge_pages = true };
	struct ragd_err err;
	size_t page;

	check(gguf_open(path, &b->gguf, &err), &err);
	check(threads_open(n_threads, NULL, &b->threads, &err), &err);
	opt.threads = b->threads;
	check(model_open(b->gguf, &opt, &b->model, &err), &err);
	check(run_new(b->model, b->threads, KV_F16, N_PROMPT, N_SEQS, &b->run, &err), &err);
	page = model_page_bytes(b->model, KV_F16);
	for (size_t i = 0; i < N_SEQS; i++)
		for (size_t k = 0; k < N_PAGES; k++)
			b->pages[i][k] = aligned_alloc(64, page);
	for (size_t i = 0; i < N_PROMPT; i++)
		b->ids[i] = (int32_t)((300 + i * 7919 % 20000) % model_shape(b->model)->n_vocab);
}

static void bench_close(struct bench *b)
{
	for (size_t i = 0; i < N_SEQS; i++)
		for (size_t k = 0; k < N_PAGES; k++)
			free(b->pages[i][k]);
	run_free(b->run);
	model_close(b->model);
	threads_close(b->threads);
	gguf_close(b->gguf);
}

int main(int argc, char **argv)
{
	static struct bench b;
	double pp512[REPS_MAX], pp128[REPS_MAX], tg[REPS_MAX], tg8[REPS_MAX], one, bytes;
	size_t reps = argc > 3 ? (size_t)atoi(argv[3]) : 3;
	char what = argc > 4 ? argv[4][0] : 'a';
	int64_t from = clock_us();

	if (argc < 2 || reps < 1 || reps > REPS_MAX) {
		fprintf(stderr,
			"usage: bench_model FILE [THREADS [REPS [all|prompt|generate|8]]]\n");
		return 2;
	}
	bench_open(&b, argv[1], argc > 2 ? (unsigned)atoi(argv[2]) : 0);
	printf("%s: %s, kernels %s, %u threads, opened in %.1f s\n", argv[1],
	       model_shape(b.model)->architecture, model_kernels(b.model)->name,
	       threads_n(b.threads), 1e-6 * (double)(clock_us() - from));
	prompt(&b, N_PROMPT);
	for (size_t i = 0; i < reps; i++) {
		pp512[i] = what == 'a' || what == 'p' ? prompt(&b, N_PROMPT) : 0;
		pp128[i] = what == 'a' ? prompt(&b, N_PROMPT / 4) : 0;
		tg[i] = what == 'a' || what == 'g' ? generate(&b, 1, N_GENERATE) : 1;
		tg8[i] = what == 'a' || what == '8' ? generate(&b, N_SEQS, N_GENERATE / 4) : 0;
	}
	one = median(tg, reps);
	bytes = bandwidth(&b);
	printf("pp512 %.1f  pp128 %.1f  tg64 %.2f  tg16 x %d %.2f (x %.2f)\n", median(pp512, reps),
	       median(pp128, reps), one, N_SEQS, median(tg8, reps), median(tg8, reps) / one);
	printf("weights %.1f MB a token at %.1f GB/s, memory reads %.1f GB/s: %.0f %%\n",
	       1e-6 * (double)model_shape(b.model)->weight_bytes,
	       1e-9 * one * (double)model_shape(b.model)->weight_bytes, 1e-9 * bytes,
	       100 * one * (double)model_shape(b.model)->weight_bytes / bytes);
	bench_close(&b);
	return 0;
}
