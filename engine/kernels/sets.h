/*
 * The parts that tables of kernels are made of, by set; what each does is said in kernels.h. A set
 * has files of its own, compiled for its processors: in float/ float_ (products with weights in
 * floats), attend_ (the KV cache) and ops_ (rows of floats); in int/ int_ (products with quantised
 * weights, int_kernels.h).
 */
#ifndef ENGINE_KERNELS_SETS_H
#define ENGINE_KERNELS_SETS_H

#include "engine/kernels/kernels.h"

#define SETS_KEYS      64  /* keys of a block of attention: where sums are cut does not vary */
#define SETS_HEAD_MAX  256 /* largest head_dim */
#define SETS_HEADS_MAX 16  /* queries' heads that share one of keys */

extern const struct kernels kernels_portable;
extern const struct kernels kernels_avx2;
extern const struct kernels kernels_avx512;
extern const struct kernels kernels_vnni;

/* Whether weights of this type are multiplied as floats. */
static inline bool sets_is_float(enum quant_type type)
{
	return type == QUANT_F32 || type == QUANT_F16 || type == QUANT_BF16;
}

/* Where the parts of one head begin in a layer's part of a page. */
struct sets_kv {
	size_t k, v;             /* bytes to the quants or numbers */
	size_t k_scale, v_scale; /* bytes to the scales; Q8_0 */
};

static inline struct sets_kv sets_kv(const struct kv_shape *s, size_t head)
{
	size_t each = (size_t)s->head_dim * KV_PAGE * (s->type == KV_F16 ? 2 : 1);
	size_t scales = (size_t)s->head_dim / 32 * KV_PAGE * 2, n = s->n_kv_heads;

	return (struct sets_kv){
		.k = head * each,
		.v = (n + head) * each,
		.k_scale = 2 * n * each + head * scales,
		.v_scale = 2 * n * each + (n + head) * scales,
	};
}

#define SETS_DECLARE(set)                                                                          \
	void float_##set##_matmul(const struct packed *w, size_t r0, size_t r1,                    \
				  const struct acts *a, float *out, size_t ldo, void *scratch);    \
	void attend_##set##_store(const struct kv_shape *s, uint8_t *const *pages,                 \
				  size_t page_offset, size_t first, size_t n, const float *k,      \
				  const float *v, size_t ld);                                      \
	void attend_##set(const struct attention *a, size_t t0, size_t t1, size_t h0, size_t h1,   \
			  void *scratch);                                                          \
	void ops_##set##_rms_norm(const float *x, const float *weight, size_t n, float eps,        \
				  float *out);                                                     \
	void ops_##set##_layer_norm(const float *x, const float *weight, const float *bias,        \
				    size_t n, float eps, float *out);                              \
	void ops_##set##_rope(float *x, size_t n, const float *cosine, const float *sine,          \
			      enum rope_pairs pairs);                                              \
	void ops_##set##_add(float *x, const float *y, size_t n);                                  \
	void ops_##set##_silu_mul(const float *gate, const float *up, float *out, size_t n);       \
	void ops_##set##_gelu(const float *x, float *out, size_t n);                               \
	float ops_##set##_max(const float *x, size_t n);                                           \
	float ops_##set##_exp_sum(float *x, size_t n, float max)

SETS_DECLARE(portable);
SETS_DECLARE(avx2);
SETS_DECLARE(avx512);

/* Bytes of scratch memory that the parts take. */
#define FLOAT_PORTABLE_SCRATCH  (64 * PACK_ROWS * sizeof(float))
#define ATTEND_PORTABLE_SCRATCH ((SETS_KEYS + 2 * SETS_HEAD_MAX) * sizeof(float))
#define ATTEND_VEC_SCRATCH      (640 * 1024)

#endif
