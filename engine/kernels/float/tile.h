/*
 * The innermost loop of products in floats: a tile of a few rows of x times a few vectors of
 * columns of w, held in registers. Each output is one sum over k, from first to last, each step one
 * fma; the shape of the tile and the type that w is read from change nothing in it.
 */
#ifndef ENGINE_KERNELS_FLOAT_TILE_H
#define ENGINE_KERNELS_FLOAT_TILE_H

#include "engine/kernels/vec.h"

#ifdef __AVX512F__
#define TILE_VECTORS 4 /* of columns */
#else
#define TILE_VECTORS 2
#endif
#define TILE_COLS (TILE_VECTORS * VL)
#define TILE_ROWS 6

enum tile_type { TILE_F32, TILE_F16, TILE_BF16 };

/* [k][columns], columns in runs of 16; both distances in numbers. */
struct tile_w {
	const void *data;
	size_t step;  /* from one k to the next */
	size_t group; /* from one run of 16 columns to the next */
	size_t ahead; /* of what is read, to be brought in; 0 where the nearest cache has it */
};

struct tile_x {
	const float *data; /* [rows][ld] */
	size_t ld;
	size_t k;
};

/* Where sums begin: at 0, at what is in out, or at shrink[row] times it. */
enum tile_start { TILE_FRESH, TILE_ON, TILE_SHRINK };

struct tile_out {
	float *data; /* [rows][ld] */
	size_t ld;
	enum tile_start start;
	const float *shrink;
};

INLINE vf tile_load(enum tile_type type, const void *w, size_t at)
{
	if (type == TILE_F16)
		return vf_load_f16((const uint16_t *)w + at);
	if (type == TILE_BF16)
		return vf_load_bf16((const uint16_t *)w + at);
	return vf_load((const float *)w + at);
}

/* `rows` and `vectors` are constants wherever this is used. */
INLINE void tile_multiply(size_t rows, size_t vectors, enum tile_type type, const struct tile_w *w,
			  const struct tile_x *x, const struct tile_out *out)
{
	const float *p = x->data;
	vf acc[TILE_ROWS][TILE_VECTORS];
	size_t at = 0;

	UNROLL
	for (size_t r = 0; r < rows; r++) {
		UNROLL
		for (size_t v = 0; v < vectors; v++) {
			const float *from = out->data + r * out->ld + v * VL;

			acc[r][v] = out->start == TILE_FRESH ? vf_zero() : vf_load(from);
			if (out->start == TILE_SHRINK)
				acc[r][v] = vf_mul(acc[r][v], vf_set(out->shrink[r]));
		}
	}
	for (size_t k = 0; k < x->k; k++, at += w->step) {
		vf col[TILE_VECTORS];

		UNROLL
		for (size_t v = 0; v < vectors; v++)
			col[v] =
				tile_load(type, w->data, at + v * VL / 16 * w->group + v * VL % 16);
		UNROLL
		for (size_t r = 0; r < rows; r++) {
			vf a = vf_set(p[r * x->ld + k]);

			UNROLL
			for (size_t v = 0; v < vectors; v++)
				acc[r][v] = vf_fma(a, col[v], acc[r][v]);
		}
	}
	UNROLL
	for (size_t r = 0; r < rows; r++) {
		UNROLL
		for (size_t v = 0; v < vectors; v++)
			vf_store(out->data + r * out->ld + v * VL, acc[r][v]);
	}
}

INLINE void tile_rows(size_t rows, size_t vectors, enum tile_type type, const struct tile_w *w,
		      const struct tile_x *x, const struct tile_out *out)
{
	switch (rows) {
	case 1:
		tile_multiply(1, vectors, type, w, x, out);
		break;
	case 2:
		tile_multiply(2, vectors, type, w, x, out);
		break;
	case 3:
		tile_multiply(3, vectors, type, w, x, out);
		break;
	case 4:
		tile_multiply(4, vectors, type, w, x, out);
		break;
	case 5:
		tile_multiply(5, vectors, type, w, x, out);
		break;
	default:
		tile_multiply(6, vectors, type, w, x, out);
	}
}

/* Up to TILE_ROWS rows by up to TILE_VECTORS vectors. */
INLINE void tile_any(size_t rows, size_t vectors, enum tile_type type, const struct tile_w *w,
		     const struct tile_x *x, const struct tile_out *out)
{
	switch (vectors) {
	case 1:
		tile_rows(rows, 1, type, w, x, out);
		break;
	case 2:
		tile_rows(rows, 2, type, w, x, out);
		break;
#if TILE_VECTORS > 2
	case 3:
		tile_rows(rows, 3, type, w, x, out);
		break;
	case 4:
		tile_rows(rows, 4, type, w, x, out);
		break;
#endif
	}
}

#endif
