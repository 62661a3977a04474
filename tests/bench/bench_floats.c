/*
 * Products with weights in floats, attention and rows of floats on one thread, by every set of
 * kernels that this processor runs: as a share of what its fma units can do and of what can be read
 * from memory, both measured in the same run.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "engine/kernels/kernels.h"

#define ROUNDS 3 /* the best of them counts */

static double peak, bandwidth; /* flop/ns, bytes/ns */

static void *memory(size_t n)
{
	void *p = aligned_alloc(64, (n + 63) / 64 * 64);

	if (p == NULL)
		abort();
	memset(p, 0, (n + 63) / 64 * 64);
	return p;
}

static float number(void)
{
	static uint32_t state = 3;

	state = state * 1664525 + 1013904223;
	return (float)(int32_t)state * 0x1p-31f;
}

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* The best time of a call, in nanoseconds. */
static double best(void (*fn)(void *arg), void *arg)
{
	double least = INFINITY;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ns(), took;
		unsigned n = 0;

		do {
			fn(arg);
			n++;
			took = now_ns() - start;
		} while (took < 1e7);
		least = fmin(least, took / n);
	}
	return least;
}

/* ---- what the machine can do ----------------------------------------------------------------- */

#ifdef __x86_64__
#include <immintrin.h>

#define CHAINS 12

__attribute__((target("avx512f"))) static void fma512(void *arg)
{
	__m512 acc[CHAINS], a = _mm512_set1_ps(0.5f);

#pragma GCC unroll 12
	for (int i = 0; i < CHAINS; i++)
		acc[i] = _mm512_set1_ps((float)i);
	for (int n = 0; n < 10000; n++) {
#pragma GCC unroll 12
		for (int i = 0; i < CHAINS; i++)
			acc[i] = _mm512_fmadd_ps(acc[i], a, a);
	}
#pragma GCC unroll 12
	for (int i = 1; i < CHAINS; i++)
		acc[0] = _mm512_add_ps(acc[0], acc[i]);
	*(float *)arg = _mm512_reduce_add_ps(acc[0]);
}

__attribute__((target("avx2,fma"))) static void fma256(void *arg)
{
	__m256 acc[CHAINS], a = _mm256_set1_ps(0.5f);

#pragma GCC unroll 12
	for (int i = 0; i < CHAINS; i++)
		acc[i] = _mm256_set1_ps((float)i);
	for (int n = 0; n < 10000; n++) {
#pragma GCC unroll 12
		for (int i = 0; i < CHAINS; i++)
			acc[i] = _mm256_fmadd_ps(acc[i], a, a);
	}
#pragma GCC unroll 12
	for (int i = 1; i < CHAINS; i++)
		acc[0] = _mm256_add_ps(acc[0], acc[i]);
	*(float *)arg = _mm256_cvtss_f32(acc[0]);
}

static void measure_peak(const char *set)
{
	float sink;

	if (strcmp(set, "avx2") == 0)
		peak = 2.0 * 8 * CHAINS * 10000 / best(fma256, &sink);
	else
		peak = 2.0 * 16 * CHAINS * 10000 / best(fma512, &sink);
}
#else
static void measure_peak(const char *set)
{
	(void)set;
	peak = NAN;
}
#endif

#define READ_BYTES ((size_t)256 << 20)

static void read_all(void *arg)
{
	typedef uint64_t line __attribute__((vector_size(64)));
	const line *p = arg;
	static volatile uint64_t sink;
	line sum[2] = { { 0 }, { 0 } };

	for (size_t i = 0; i < READ_BYTES / sizeof(line); i += 2) {
		__builtin_prefetch(&p[i + 32]);
		__builtin_prefetch(&p[i + 33]);
		sum[0] += p[i];
		sum[1] += p[i + 1];
	}
	sink += sum[0][0] + sum[1][7];
}

/* ---- products -------------------------------------------------------------------------------- */

struct product {
	const struct kernels *k;
	struct packed w;
	struct acts a;
	float *out;
	void *scratch;
};

static void multiply(void *arg)
{
	struct product *p = arg;
	size_t step = p->k->matmul_rows;

	for (size_t r = 0; r < p->w.rows; r += step)
		p->k->matmul(&p->w, r, MIN(r + step, p->w.rows), &p->a, p->out + r, p->w.rows,
			     p->scratch);
}

static void products(const struct kernels *k, enum quant_type type)
{
	static const size_t tokens[] = { 1, 4, 8, 32, 128, 512 };
	const uint32_t cols = 2048, rows = 32768; /* far more than caches hold */
	struct weight_matrix m = { .type = type, .cols = cols, .rows = rows };
	float *w = memory((size_t)rows * cols * sizeof(*w));
	float *x = memory(512 * cols * sizeof(*x));
	void *file = memory(rows * quant_row_bytes(type, cols)), *data;
	struct product p = { .k = k };

	for (size_t i = 0; i < (size_t)rows * cols; i++)
		w[i] = number();
	for (size_t i = 0; i < (size_t)512 * cols; i++)
		x[i] = number();
	(void)quant_pack(type, w, file, (size_t)rows * cols);
	free(w);
	m.data = file;
	data = memory(pack_bytes(&m));
	pack_groups(&m, data, 0, pack_n_groups(&m));
	free(file);
	p.w = pack_view(&m, data);
	p.out = memory((size_t)512 * 8192 * sizeof(float));
	p.scratch = memory(k->matmul_scratch);
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		uint32_t n_rows = tokens[i] > 8 ? 8192 : rows;
		double ns, flop = 2.0 * (double)tokens[i] * n_rows * cols;
		double bytes = (double)p.w.group_bytes * n_rows / PACK_ROWS;

		p.a = (struct acts){ .n = tokens[i], .cols = cols, .x = x, .ldx = cols };
		p.w.rows = n_rows;
		ns = best(multiply, &p);
		printf("%-8s %-4s %4zu tokens: %7.1f GFLOP/s, %3.0f %% of the fma peak; "
		       "%5.1f GB/s, %3.0f %% of what can be read\n",
		       k->name, quant_info(type)->name, tokens[i], flop / ns,
		       100 * flop / ns / peak, bytes / ns, 100 * bytes / ns / bandwidth);
	}
	free(p.out);
	free(p.scratch);
	free(data);
	free(x);
}

/* ---- attention ------------------------------------------------------------------------------- */

struct reading {
	const struct kernels *k;
	struct attention a;
	void *scratch;
	uint8_t **pages;
	size_t n_store;
};

static void attend(void *arg)
{
	struct reading *r = arg;

	for (size_t h = 0; h < r->a.kv.n_kv_heads; h++)
		for (size_t t = 0; t < r->a.n; t += r->k->attend_tokens)
			r->k->attend(&r->a, t, MIN(t + r->k->attend_tokens, r->a.n), h, h + 1,
				     r->scratch);
}

static void store(void *arg)
{
	struct reading *r = arg;

	r->k->kv_store(&r->a.kv, r->pages, 0, 0, r->n_store, r->a.q, r->a.q,
		       (size_t)r->a.kv.n_kv_heads * r->a.kv.head_dim);
}

static void attention(const struct kernels *k, enum kv_type type, uint32_t dim, uint32_t group)
{
	static const struct {
		size_t first, n;
	} rows[] = { { 0, 512 }, { 2048, 512 }, { 2048, 64 }, { 40000, 1 }, { 40000, 4 } };
	const struct kv_shape kv = { type, 4, dim };
	size_t n_pages = 41000 / KV_PAGE, n_heads = (size_t)4 * group, each = kv_layer_bytes(&kv);
	uint8_t **pages = memory(n_pages * sizeof(*pages));
	float *x = memory(512 * n_heads * dim * sizeof(*x));
	struct reading r = { .k = k, .pages = pages };

	for (size_t i = 0; i < 512 * n_heads * dim; i++)
		x[i] = number();
	for (size_t i = 0; i < n_pages; i++) {
		pages[i] = memory(each);
		k->kv_store(&kv, pages, 0, i * KV_PAGE, KV_PAGE, x + i, x + i, 4 * dim);
	}
	r.scratch = memory(k->attend_scratch);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t n = rows[i].n;
		double ns,
			keys = (double)n * (double)rows[i].first + (double)n * (double)(n + 1) / 2;
		double flop = 4 * keys * dim * (double)n_heads;
		double bytes = (double)each / KV_PAGE * (double)(rows[i].first + n);

		r.a = (struct attention){ .kv = kv,
					  .n_heads = (uint32_t)n_heads,
					  .scale = 0.1f,
					  .causal = true,
					  .first = rows[i].first,
					  .n = n,
					  .n_keys = rows[i].first + n,
					  .pages = (const uint8_t *const *)pages,
					  .q = x,
					  .ldq = n_heads * dim,
					  .out = memory(n * n_heads * dim * sizeof(float)),
					  .ldo = n_heads * dim };
		ns = best(attend, &r);
		printf("%-8s attend %s, %3u x %2u, %4zu tokens after %5zu: %7.1f GFLOP/s, %3.0f %% "
		       "of the fma peak; %5.1f GB/s, %3.0f %% of what can be read\n",
		       k->name, type == KV_F16 ? "F16 " : "Q8_0", dim, group, n, rows[i].first,
		       flop / ns, 100 * flop / ns / peak, bytes / ns, 100 * bytes / ns / bandwidth);
		free(r.a.out);
	}
	r.n_store = 512;
	printf("%-8s kv_store %s, %u: %.2f ns for a number of a key and a value\n", k->name,
	       type == KV_F16 ? "F16" : "Q8_0", dim, best(store, &r) / (512.0 * 4 * dim));
	for (size_t i = 0; i < n_pages; i++)
		free(pages[i]);
	free(pages);
	free(x);
	free(r.scratch);
}

/* ---- rows ------------------------------------------------------------------------------------ */

#define ROW 4096

struct rows {
	const struct kernels *k;
	float *x, *y, *out;
};

static void rms_norm(void *arg)
{
	struct rows *r = arg;

	r->k->rms_norm(r->x, r->y, ROW, 1e-5f, r->out);
}

static void rope(void *arg)
{
	struct rows *r = arg;

	for (size_t i = 0; i < ROW; i += 64)
		r->k->rope(r->out + i, 64, r->x, r->y, ROPE_NEIGHBOURS);
}

static void silu(void *arg)
{
	struct rows *r = arg;

	r->k->silu_mul(r->x, r->y, r->out, ROW);
}

static void gelu(void *arg)
{
	struct rows *r = arg;

	r->k->gelu(r->x, r->out, ROW);
}

static void exp_sum(void *arg)
{
	struct rows *r = arg;

	memcpy(r->out, r->x, ROW * sizeof(float));
	(void)r->k->exp_sum(r->out, ROW, 1);
}

static void all_rows(const struct kernels *k)
{
	static const struct {
		const char *name;
		void (*fn)(void *arg);
	} ops[] = { { "rms_norm", rms_norm },
		    { "rope", rope },
		    { "silu_mul", silu },
		    { "gelu", gelu },
		    { "exp_sum", exp_sum } };
	struct rows r = { k, memory(ROW * 4), memory(ROW * 4), memory(ROW * 4) };

	for (size_t i = 0; i < ROW; i++) {
		r.x[i] = number();
		r.y[i] = number();
	}
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		printf("%-8s %-8s: %.3f ns a number\n", k->name, ops[i].name,
		       best(ops[i].fn, &r) / ROW);
	free(r.x), free(r.y), free(r.out);
}

/* With names of sets as arguments, those alone; the plain one only where it is named. */
int main(int argc, char **argv)
{
	uint64_t *p = memory(READ_BYTES);
	const struct kernels *k;

	bandwidth = (double)READ_BYTES / best(read_all, p);
	free(p);
	printf("one thread reads %.1f GB/s\n", bandwidth);
	for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
		bool wanted = argc < 2 &&
			      (strcmp(k->name, "avx512") == 0 || (strcmp(k->name, "avx2") == 0));

		for (int j = 1; j < argc; j++)
			wanted |= strcmp(argv[j], k->name) == 0;
		if (!wanted || !k->usable())
			continue;
		measure_peak(k->name);
		printf("%-8s fma: %.1f GFLOP/s\n", k->name, peak);
		products(k, QUANT_F16);
		products(k, QUANT_F32);
		products(k, QUANT_BF16);
		attention(k, KV_F16, 64, 4);
		attention(k, KV_F16, 128, 4);
		attention(k, KV_F16, 64, 1);
		attention(k, KV_Q8_0, 64, 4);
		all_rows(k);
	}
	return 0;
}
