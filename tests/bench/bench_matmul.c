/*
 * How fast products with quantised weights are, against what this processor can do: its VNNI peak
 * (a loop in registers) and its read bandwidth (a loop of loads over the very memory that holds the
 * weights), both measured beside every row of the table. Weights are 256 MiB, so that they come
 * from memory.
 *
 *   bench_matmul [-s SET] [-t THREADS] [-m ROWSxCOLS | -a] [-n TOKENS]... [TYPE...]
 *
 * For up to 8 tokens the share is that of the bandwidth, for more that of the peak.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/clock.h"
#include "base/util.h"
#include "engine/kernels/int/int_kernels.h"
#include "tests/engine/packed/random_blocks.h"

#define WEIGHTS     ((size_t)256 << 20) /* bytes */
#define THREADS_MAX 64
#define SCRATCH     ((size_t)256 << 10)
#define BATCH_MAX   1024
#define LEAST_US    120000 /* that a figure is measured for */

static const struct set {
	const char *name;
	void (*quantise)(struct acts *a, size_t from, size_t to);
	void (*matmul)(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
		       float *out, size_t ldo, void *scratch);
} sets[] = {
#ifdef __x86_64__
	{ "vnni", int_avx512_quantise, int_vnni_matmul },
	{ "avx512", int_avx512_quantise, int_avx512_matmul },
#endif
	{ "portable", int_portable_quantise, int_portable_matmul },
};

/* One thread's share of what is measured: work() is called until `stop`. */
struct thread {
	pthread_t id;
	void (*work)(struct thread *t);
	size_t index, n_threads;
	const struct set *set;
	const uint8_t *memory; /* WEIGHTS bytes */
	struct packed w;       /* one matrix; others follow it in memory */
	size_t n_matrices;
	const struct acts *a;
	float *out;
	void *scratch;
	double amount; /* what work() has done: bytes or operations */
	int64_t from_us, to_us;
	uint64_t sink;
};

static pthread_barrier_t barrier;

#ifdef __x86_64__
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni")))

AVX512 static void peak_work(struct thread *t)
{
	__m512i sum[16], a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5), all;

	UNROLL for (size_t i = 0; i < 16; i++) sum[i] = _mm512_setzero_si512();
	for (size_t n = 0; n < 200000; n++) {
		UNROLL for (size_t i = 0; i < 16; i++)
		{
			sum[i] = _mm512_dpbusd_epi32(sum[i], a, b);
			__asm__ volatile("" : "+v"(sum[i])); /* or all sums were the same to gcc */
		}
	}
	all = sum[0];
	UNROLL for (size_t i = 1; i < 16; i++) all = _mm512_add_epi32(all, sum[i]);
	t->sink += (uint64_t)_mm512_reduce_add_epi32(all);
	t->amount += 200000.0 * 16 * 64 * 2;
}

AVX512 static void read_work(struct thread *t)
{
	size_t share = WEIGHTS / t->n_threads / 4096 * 4096;
	const uint8_t *p = t->memory + t->index * share;
	__m512i sum[4] = { _mm512_setzero_si512() };

	sum[1] = sum[2] = sum[3] = sum[0];
	for (size_t i = 0; i < share; i += 256)
		for (size_t k = 0; k < 4; k++)
			sum[k] = _mm512_xor_si512(sum[k], _mm512_load_si512(p + i + 64 * k));
	sum[0] = _mm512_xor_si512(_mm512_xor_si512(sum[0], sum[1]),
				  _mm512_xor_si512(sum[2], sum[3]));
	t->sink += (uint64_t)_mm512_reduce_add_epi64(sum[0]);
	t->amount += (double)share;
}

static bool wide(void)
{
	return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");
}
#else
static void peak_work(struct thread *t)
{
	t->amount += 1;
}

static void read_work(struct thread *t)
{
	t->amount += 1;
}

static bool wide(void)
{
	return false;
}
#endif

/* This thread's rows of every matrix. */
static void product_work(struct thread *t)
{
	size_t share = (t->w.rows / t->n_threads + 63) / 64 * 64;
	size_t from = MIN(t->index * share, t->w.rows), to = MIN(from + share, t->w.rows);
	size_t bytes = t->w.group_bytes * (t->w.rows / PACK_ROWS);
	struct packed w = t->w;

	for (size_t i = 0; i < t->n_matrices; i++, w.data += bytes)
		for (size_t r = from; r < to; r += 256)
			t->set->matmul(&w, r, MIN(r + 256, to), t->a, t->out + r, w.rows,
				       t->scratch);
	t->amount += 2.0 * (double)(to - from) * w.cols * (double)(t->a->n * t->n_matrices);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	pthread_barrier_wait(&barrier);
	t->from_us = clock_us();
	t->work(t);
	t->to_us = clock_us();
	return NULL;
}

/* Amount per microsecond of the best of some rounds. */
static double measure(struct thread *ts, void (*work)(struct thread *t))
{
	size_t n = ts[0].n_threads;
	int64_t spent = 0;
	double best = 0;

	for (int round = 0; round < 3 || spent < LEAST_US; round++) {
		double amount = 0;
		int64_t from = INT64_MAX, to = 0;

		pthread_barrier_init(&barrier, NULL, (unsigned)n);
		for (size_t i = 0; i < n; i++) {
			ts[i].work = work;
			ts[i].amount = 0;
			if (pthread_create(&ts[i].id, NULL, thread_main, &ts[i]) != 0)
				exit(1);
		}
		for (size_t i = 0; i < n; i++) {
			pthread_join(ts[i].id, NULL);
			amount += ts[i].amount;
			from = MIN(from, ts[i].from_us);
			to = MAX(to, ts[i].to_us);
		}
		pthread_barrier_destroy(&barrier);
		spent += to - from;
		best = MAX(best, amount / (double)MAX(to - from, 1));
	}
	return best;
}

static void *memory(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("memory");
		exit(1);
	}
	madvise(p, n, MADV_HUGEPAGE);
	return p;
}

/* Fill `to` with packed matrices; returns how many. */
static size_t fill(enum quant_type type, uint32_t rows, uint32_t cols, uint8_t *to,
		   struct packed *w)
{
	struct weight_matrix m = random_matrix(type, rows, cols, 1);
	size_t bytes = pack_bytes(&m), n = WEIGHTS / bytes;

	pack_groups(&m, to, 0, pack_n_groups(&m));
	for (size_t i = 1; i < n; i++)
		memcpy(to + i * bytes, to, bytes);
	*w = pack_view(&m, to);
	free((void *)m.data);
	return n;
}

static void row(struct thread *ts, size_t n_threads, const size_t *batches, size_t n_batches)
{
	double peak = 0, bandwidth = 0;
	uint64_t seed = 5;
	float *x = memory(BATCH_MAX * ts->w.cols * sizeof(*x));
	float *out = memory(BATCH_MAX * ts->w.rows * sizeof(*out));
	void *mem = memory(acts_bytes(BATCH_MAX, ts->w.cols));

	for (size_t i = 0; i < BATCH_MAX * ts->w.cols; i++)
		x[i] = random_float(&seed);
	for (size_t i = 0; i < n_threads; i++) {
		ts[i].n_threads = n_threads;
		ts[i].out = out;
	}
	if (wide()) {
		bandwidth = measure(ts, read_work) / 1e3;
		peak = measure(ts, peak_work) / 1e3;
	}
	printf("%-6s %5u x %-5u %zu threads, %5.1f GB/s, peak %5.0f Gop/s:",
	       quant_info(ts->w.type)->name, ts->w.rows, ts->w.cols, n_threads, bandwidth, peak);
	for (size_t i = 0; i < n_batches; i++) {
		struct acts a;
		double gops, gbs;

		acts_init(&a, batches[i], ts->w.cols, true, mem);
		a.x = x;
		a.ldx = ts->w.cols;
		ts->set->quantise(&a, 0, a.n);
		for (size_t k = 0; k < n_threads; k++)
			ts[k].a = &a;
		gops = measure(ts, product_work) / 1e3;
		gbs = gops / (2.0 * (double)a.n) * (double)ts->w.group_bytes / PACK_ROWS /
		      ts->w.cols;
		if (a.n <= 8)
			printf("  n=%zu %.1f GB/s %.0f%%", a.n, gbs,
			       bandwidth > 0 ? 100 * gbs / bandwidth : 0);
		else
			printf("  n=%zu %.0f Gop/s %.1f%%", a.n, gops,
			       peak > 0 ? 100 * gops / peak : 0);
		fflush(stdout);
	}
	printf("\n");
	munmap(x, BATCH_MAX * ts->w.cols * sizeof(*x));
	munmap(out, BATCH_MAX * ts->w.rows * sizeof(*out));
	munmap(mem, acts_bytes(BATCH_MAX, ts->w.cols));
}

static enum quant_type type_of(const char *name)
{
	for (size_t i = 0; i < random_n_quantised; i++)
		if (strcmp(quant_info(random_types[i])->name, name) == 0)
			return random_types[i];
	fprintf(stderr, "'%s' is no quantised type\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	static const char *const usual[] = { "Q8_0", "Q4_0", "Q4_K", "Q6_K" };
	static const size_t all[] = { 1, 2, 4, 8, 32, 128, 256, 512 };
	uint32_t shapes[3][2] = { { 2048, 2048 }, { 8192, 2048 }, { 2048, 8192 } };
	static struct thread ts[THREADS_MAX];
	size_t n_shapes = 1, n_threads = 0, n_batches = 0, batches[8];
	const char *const *types = usual;
	size_t n_types = ARRAY_LEN(usual);
	const struct set *set = &sets[wide() ? 0 : ARRAY_LEN(sets) - 1];
	uint8_t *weights = memory(WEIGHTS);
	int c;

	while ((c = getopt(argc, argv, "s:t:m:n:a")) != -1) {
		if (c == 's')
			for (size_t i = 0; i < ARRAY_LEN(sets); i++)
				set = strcmp(sets[i].name, optarg) == 0 ? &sets[i] : set;
		else if (c == 't')
			n_threads = MIN(strtoul(optarg, NULL, 10), THREADS_MAX);
		else if (c == 'n' && n_batches < ARRAY_LEN(batches))
			batches[n_batches++] = MIN(strtoul(optarg, NULL, 10), BATCH_MAX);
		else if (c == 'a')
			n_shapes = 3;
		else if (c != 'm' || sscanf(optarg, "%ux%u", &shapes[0][0], &shapes[0][1]) != 2)
			return 2;
	}
	if (optind < argc) {
		types = (const char *const *)argv + optind;
		n_types = (size_t)(argc - optind);
	}
	for (size_t i = 0; i < THREADS_MAX; i++)
		ts[i] = (struct thread){ .index = i, .memory = weights, .set = set };
	for (size_t i = 0; i < THREADS_MAX && i < (n_threads > 0 ? n_threads : 2); i++)
		ts[i].scratch = memory(SCRATCH);
	for (size_t t = 0; t < n_types; t++)
		for (size_t s = 0; s < n_shapes; s++) {
			size_t n = fill(type_of(types[t]), shapes[s][0], shapes[s][1], weights,
					&ts[0].w);

			for (size_t i = 0; i < THREADS_MAX; i++) {
				ts[i].w = ts[0].w;
				ts[i].n_matrices = n;
			}
			for (size_t k = n_threads > 0 ? n_threads : 1;
			     k <= (n_threads > 0 ? n_threads : 2); k++)
				row(ts, k, n_batches > 0 ? batches : all,
				    n_batches > 0 ? n_batches : ARRAY_LEN(all));
		}
	return 0;
}
