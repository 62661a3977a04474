/*
 * Products with weights in floats, in vectors: the body of float_avx2.c and float_avx512.c, which
 * say with FLOAT() what its function is called. Weights are read as they lie and converted in
 * registers, at no cost next to the products. A few tokens take a tile's rows from the first column
 * to the last; many take a chunk of columns one tile after the other, while the nearest cache holds
 * it, and sums go on from chunk to chunk in `out`.
 */
#include <string.h>

#include "base/util.h"
#include "engine/kernels/float/tile.h"
#include "engine/kernels/sets.h"

#define CHUNK 256  /* columns at a time where there are many tokens */
#define AHEAD 1024 /* columns' numbers of a group: how far memory is asked before */

struct float_product {
	const struct packed *w;
	const struct acts *a;
	size_t ldo;
	enum tile_type type;
	size_t group; /* numbers from a group of rows to the next */
};

INLINE const void *weight_at(const struct float_product *p, size_t at)
{
	return p->w->data + at * (p->type == TILE_F32 ? 4 : 2);
}

/* All tokens with `vectors` vectors of rows from `row` on. */
INLINE void strip_multiply(const struct float_product *p, enum tile_type type, size_t row,
			   size_t vectors, float *out)
{
	const size_t n_tiles = (p->a->n + TILE_ROWS - 1) / TILE_ROWS;
	const size_t step = n_tiles == 1 ? p->w->cols : CHUNK;

	for (size_t c = 0; c < p->w->cols; c += step) {
		struct tile_w w = { weight_at(p, row / PACK_ROWS * p->group + c * PACK_ROWS),
				    PACK_ROWS, p->group, AHEAD };
		const size_t n = MIN(p->w->cols - c, step);

		for (size_t t = 0, i = 0, rows; t < n_tiles; t++, i += rows) {
			const struct tile_x x = { p->a->x + i * p->a->ldx + c, p->a->ldx, n };
			const struct tile_out to = { out + i * p->ldo, p->ldo,
						     c == 0 ? TILE_FRESH : TILE_ON, NULL };

			rows = p->a->n / n_tiles + (t < p->a->n % n_tiles); /* of about one size */
			tile_any(rows, vectors, type, &w, &x, &to);
			w.ahead = 0;
		}
	}
}

static void strip_of_type(const struct float_product *p, size_t row, size_t vectors, float *out)
{
	switch (p->type) {
	case TILE_F32:
		strip_multiply(p, TILE_F32, row, vectors, out);
		break;
	case TILE_F16:
		strip_multiply(p, TILE_F16, row, vectors, out);
		break;
	case TILE_BF16:
		strip_multiply(p, TILE_BF16, row, vectors, out);
		break;
	}
}

/* The first n rows of a group that is not wanted, or not there, as a whole. */
static void part_of_group(const struct float_product *p, size_t row, size_t n, float *out)
{
	float whole[TILE_ROWS][PACK_ROWS];
	struct acts some = *p->a;
	struct float_product part = *p;

	part.a = &some;
	part.ldo = PACK_ROWS;
	for (size_t i = 0; i < p->a->n; i += TILE_ROWS) {
		some.n = MIN(p->a->n - i, TILE_ROWS);
		some.x = p->a->x + i * p->a->ldx;
		strip_of_type(&part, row, PACK_ROWS / VL, whole[0]);
		for (size_t r = 0; r < some.n; r++)
			memcpy(out + (i + r) * p->ldo, whole[r], n * sizeof(*out));
	}
}

void FLOAT(matmul)(const struct packed *w, size_t r0, size_t r1, const struct acts *a, float *out,
		   size_t ldo, void *scratch)
{
	const struct float_product p = {
		.w = w,
		.a = a,
		.ldo = ldo,
		.type = w->type == QUANT_F32   ? TILE_F32
			: w->type == QUANT_F16 ? TILE_F16
					       : TILE_BF16,
		.group = w->group_bytes / (w->type == QUANT_F32 ? 4 : 2),
	};
	size_t whole = r0 + (r1 - r0) / PACK_ROWS * PACK_ROWS;

	(void)scratch; /* registers are enough */
	for (size_t r = r0; r < whole; r += TILE_COLS)
		strip_of_type(&p, r, MIN(whole - r, TILE_COLS) / VL, out + (r - r0));
	if (whole < r1)
		part_of_group(&p, whole, r1 - whole, out + (whole - r0));
}
