/*
 * Products with quantised weights, by set of kernels: the parts `quantise` and `matmul` of a table
 * (kernels.h) for every type that is not made of floats. For each output and in the order of the
 * columns, every part of 32 (or 16) columns adds
 *
 *     acc = acc + float(sum of quant * activation - offset * sum of activations) * (ws * as)
 *     acc = acc + add * sum of the activations' part   where the type has a minimum
 *
 * with ws and as the scales of weights and activations, each line one fma where the processor has
 * it. No other rounding takes place and nothing else decides the order, so that a token's numbers
 * are the same bits in a batch of any size. For halves of a block, `sum` is as * that half's sum.
 */
#ifndef ENGINE_KERNELS_INT_INT_KERNELS_H
#define ENGINE_KERNELS_INT_INT_KERNELS_H

#include "engine/kernels/kernels.h"

void int_portable_quantise(struct acts *a, size_t from, size_t to);
void int_portable_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
			 float *out, size_t ldo, void *scratch);
#define INT_PORTABLE_SCRATCH (8 * 1024)

/* AVX2, FMA and F16C. */
void int_avx2_quantise(struct acts *a, size_t from, size_t to);
void int_avx2_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a, float *out,
		     size_t ldo, void *scratch);
#define INT_AVX2_SCRATCH (36 * 1024)

/* AVX-512F, BW, VL and DQ. */
void int_avx512_quantise(struct acts *a, size_t from, size_t to);
void int_avx512_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
		       float *out, size_t ldo, void *scratch);
/* The same with VNNI; quantises as int_avx512 does. */
void int_vnni_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a, float *out,
		     size_t ldo, void *scratch);
#define INT_AVX512_SCRATCH (192 * 1024)
#define INT_AVX512_ROWS    128 /* a good piece of work */

#endif
