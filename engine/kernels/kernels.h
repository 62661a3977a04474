/*
 * Kernels: the arithmetic of a forward pass, as one table for each kind of processor, chosen at run
 * time. Every table gives the same results within the bounds that tests/engine/kernels states; and
 * within one table a row of the result does not depend, to the last bit, on which other rows are
 * computed in the same call. So what a request gets never depends on what else runs.
 *
 * Kernels are pure: they allocate nothing, know no threads, and write only where they are told.
 * The caller splits the work by rows of weights, by tokens or by heads.
 */
#ifndef ENGINE_KERNELS_KERNELS_H
#define ENGINE_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

#include "engine/packed/acts.h"
#include "engine/packed/pack.h"

/* How keys and values lie in a page of the KV cache. */
enum kv_type { KV_F16, KV_Q8_0 };
#define KV_PAGE 32 /* tokens in a page */

/*
 * One layer's part of a page, as one run of bytes (kv_layer_bytes()): for each key-value head its
 * keys transposed, [head_dim][KV_PAGE], then for each head its values, [KV_PAGE][head_dim]. F16:
 * numbers as they are. Q8_0: quants in that order, then the scales (F16), one for 32 numbers of a
 * token's head: keys [head_dim / 32][KV_PAGE], values [KV_PAGE][head_dim / 32]. head_dim is a
 * multiple of 8 (F16) or 32 (Q8_0).
 */
struct kv_shape {
	enum kv_type type;
	uint32_t n_kv_heads;
	uint32_t head_dim;
};
size_t kv_layer_bytes(const struct kv_shape *s); /* a multiple of 64 */

/* Attention of consecutive tokens of one sequence, in one layer. */
struct attention {
	struct kv_shape kv;
	uint32_t n_heads; /* of queries; a multiple of kv.n_kv_heads */
	float scale;      /* of scores: 1 / sqrt(head_dim) */
	bool causal;      /* token i sees positions 0 … first + i; else all `n_keys` */
	size_t first;     /* position of the first of the n tokens */
	size_t n;         /* tokens */
	size_t n_keys;    /* keys there are, first + n where causal */
	const uint8_t *const
		*pages;     /* page p holds positions p * KV_PAGE …; already this layer's part */
	size_t page_offset; /* added to every pages[p]: where the layer's part begins */
	const float *q;     /* [n][ldq]: heads side by side, rotated */
	size_t ldq;
	float *out; /* [n][ldo]: heads side by side */
	size_t ldo;
};

/*
 * How a rotation pairs the numbers of a head: with their neighbour, or with the one half a head on.
 */
enum rope_pairs { ROPE_NEIGHBOURS, ROPE_HALVES };

struct kernels {
	const char *name;     /* "portable", "avx2", "avx512", "vnni" */
	bool (*usable)(void); /* whether this processor can run it */

	/* Quantise rows [from, to) of a->x. Not-a-number becomes 0, infinity the largest quant. */
	void (*quantise)(struct acts *a, size_t from, size_t to);
	/*
	 * out[i * ldo + r - r0] for rows r in [r0, r1) of w and all a->n rows i of a: the products.
	 * r0 is a multiple of PACK_ROWS. `scratch` is the calling thread's own: matmul_scratch
	 * bytes, 64-aligned.
	 */
	void (*matmul)(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
		       float *out, size_t ldo, void *scratch);
	size_t matmul_scratch;
	size_t matmul_rows; /* of weights, for a good piece of work; a multiple of PACK_ROWS */

	/*
	 * Write the keys and values of n consecutive tokens into pages, from position `first` on.
	 * k, v: [n][ld], heads side by side. What F16 cannot hold becomes its largest number, what
	 * is no number 0. The same bits in every set.
	 */
	void (*kv_store)(const struct kv_shape *s, uint8_t *const *pages, size_t page_offset,
			 size_t first, size_t n, const float *k, const float *v, size_t ld);
	/*
	 * Softmax(q k / scale) v for the tokens [t0, t1) and the key-value heads [h0, h1) with the
	 * queries that belong to them, block by block, no matrix of scores in memory
	 * (arXiv:2205.14135). The result for a token does not depend on t0, t1 or n.
	 */
	void (*attend)(const struct attention *a, size_t t0, size_t t1, size_t h0, size_t h1,
		       void *scratch);
	size_t attend_scratch; /* bytes for head_dim up to 256; 64-aligned */
	size_t attend_tokens;  /* tokens that make a good piece of work where n is large */

	/* out = x / sqrt(mean(x^2) + eps) * weight, for one row; out may be x. */
	void (*rms_norm)(const float *x, const float *weight, size_t n, float eps, float *out);
	/* out = (x - mean) / sqrt(variance + eps) * weight + bias; bias may be NULL. */
	void (*layer_norm)(const float *x, const float *weight, const float *bias, size_t n,
			   float eps, float *out);
	/* Rotate a head of n numbers in place by cos/sin[n / 2] (arXiv:2104.09864). */
	void (*rope)(float *x, size_t n, const float *cosine, const float *sine,
		     enum rope_pairs pairs);
	void (*add)(float *x, const float *y, size_t n); /* x += y */
	void (*silu_mul)(const float *gate, const float *up, float *out,
			 size_t n);                         /* out may be gate */
	void (*gelu)(const float *x, float *out, size_t n); /* with erf, not its look-alike */
	float (*max)(const float *x, size_t n);
	/* In place: exp(x - max), returns the sum; for sampling over a whole vocabulary. */
	float (*exp_sum)(float *x, size_t n, float max);
};

/*
 * By name, or NULL for the best that this processor runs. NULL result: no such set, or not usable.
 */
const struct kernels *kernels_choose(const char *name);
/* The i-th set that was built in, best first, usable or not; NULL at the end. */
const struct kernels *kernels_list(size_t i);

#endif
