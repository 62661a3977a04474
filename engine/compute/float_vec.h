/*
 * Products with weights in floats, in vectors: the body of float_avx2.c and float_avx512.c, which say
 * with FLOAT() what its function is called. A few tokens take the weights as they lie, converted in
 * registers; for many, a chunk of columns of a tile's rows is turned into floats once, in scratch memory
 * that the nearest cache holds. Sums go on from chunk to chunk in `out`.
 */
#include <string.h>

#include "base/util.h"
#include "engine/compute/sets.h"
#include "engine/compute/tile.h"

#define CHUNK  ((size_t)FLOAT_VEC_PANEL / (TILE_COLS * sizeof(float))) /* columns at a time */
#define GROUPS ((size_t)TILE_COLS / PACK_ROWS)                         /* in a tile */

struct product {
	const struct packed *w;
	const struct acts *a;
	float *out;
	size_t ldo;
	enum tile_type type;
	size_t group; /* numbers from a group of rows to the next */
	float *panel;
};

INLINE const void *weight(const struct product *p, size_t at)
{
	return p->w->data + at * (p->type == TILE_F32 ? 4 : 2);
}

/* Tokens [from, from + n), n <= TILE_ROWS, with rows of `vectors` vectors from `row` on, all columns. */
INLINE void few(const struct product *p, enum tile_type type, size_t from, size_t n, size_t row,
		size_t vectors, float *out, size_t ldo)
{
	const struct tile_w w = { weight(p, row / PACK_ROWS * p->group), PACK_ROWS, p->group };
	const struct tile_x x = { p->a->x + from * p->a->ldx, p->a->ldx, p->w->cols };
	const struct tile_out to = { out, ldo, TILE_FRESH, NULL };

	tile_any(n, vectors, type, &w, &x, &to);
}

static void few_of_type(const struct product *p, size_t from, size_t n, size_t row, size_t vectors,
			float *out, size_t ldo)
{
	switch (p->type) {
	case TILE_F32:
		few(p, TILE_F32, from, n, row, vectors, out, ldo);
		break;
	case TILE_F16:
		few(p, TILE_F16, from, n, row, vectors, out, ldo);
		break;
	case TILE_BF16:
		few(p, TILE_BF16, from, n, row, vectors, out, ldo);
		break;
	}
}

/* The columns [from, from + n) of the rows from `row` on, as floats [n][TILE_COLS]. */
INLINE void unpack(const struct product *p, enum tile_type type, size_t row, size_t vectors,
		   size_t from, size_t n)
{
	const void *w = weight(p, row / PACK_ROWS * p->group + from * PACK_ROWS);

	for (size_t v = 0; v < vectors; v++)
		for (size_t c = 0; c < n; c++)
			vf_store(p->panel + c * TILE_COLS + v * VL,
				 tile_load(type, w,
					   v * VL / 16 * p->group + c * PACK_ROWS + v * VL % 16));
}

/* All tokens with up to TILE_VECTORS vectors of rows from `row` on. */
static void many(const struct product *p, size_t row, size_t vectors, float *out)
{
	for (size_t c = 0; c < p->w->cols; c += CHUNK) {
		size_t n = MIN(p->w->cols - c, CHUNK);
		struct tile_w w = { p->panel, TILE_COLS, 16 };

		if (p->type == TILE_F16)
			unpack(p, TILE_F16, row, vectors, c, n);
		else if (p->type == TILE_BF16)
			unpack(p, TILE_BF16, row, vectors, c, n);
		else
			w = (struct tile_w){ weight(p, row / PACK_ROWS * p->group + c * PACK_ROWS),
					     PACK_ROWS, p->group };
		for (size_t i = 0; i < p->a->n; i += TILE_ROWS) {
			struct tile_x x = { p->a->x + i * p->a->ldx + c, p->a->ldx, n };
			struct tile_out to = { out + i * p->ldo, p->ldo,
					       c == 0 ? TILE_FRESH : TILE_ON, NULL };

			tile_any(MIN(p->a->n - i, TILE_ROWS), vectors, TILE_F32, &w, &x, &to);
		}
	}
}

/* The first n rows of a group that is not wanted, or not there, as a whole. */
static void part_of_group(const struct product *p, size_t row, size_t n, float *out)
{
	float whole[TILE_ROWS][PACK_ROWS];

	for (size_t i = 0; i < p->a->n; i += TILE_ROWS) {
		size_t rows = MIN(p->a->n - i, TILE_ROWS);

		few_of_type(p, i, rows, row, PACK_ROWS / VL, whole[0], PACK_ROWS);
		for (size_t r = 0; r < rows; r++)
			memcpy(out + (i + r) * p->ldo, whole[r], n * sizeof(*out));
	}
}

void FLOAT(matmul)(const struct packed *w, size_t r0, size_t r1, const struct acts *a, float *out,
		   size_t ldo, void *scratch)
{
	const struct product p = {
		.w = w,
		.a = a,
		.out = out,
		.ldo = ldo,
		.type = w->type == QUANT_F32   ? TILE_F32
			: w->type == QUANT_F16 ? TILE_F16
					       : TILE_BF16,
		.group = w->group_bytes / (w->type == QUANT_F32 ? 4 : 2),
		.panel = scratch,
	};
	size_t whole = r0 + (r1 - r0) / PACK_ROWS * PACK_ROWS;

	for (size_t r = r0; r < whole; r += TILE_COLS) {
		size_t vectors = MIN(whole - r, TILE_COLS) / VL;

		if (a->n <= TILE_ROWS)
			few_of_type(&p, 0, a->n, r, vectors, out + (r - r0), ldo);
		else
			many(&p, r, vectors, out + (r - r0));
	}
	if (whole < r1)
		part_of_group(&p, whole, r1 - whole, out + (whole - r0));
}
