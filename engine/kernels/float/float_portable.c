/*
 * Products with weights in floats, plainly. A sum runs over the columns from first to last, for
 * every row and token alike.
 */
#include <assert.h>
#include <string.h>

#include "base/util.h"
#include "engine/kernels/sets.h"

#define COLS 64 /* columns of a group that are turned into floats at a time, for all tokens */

static_assert(FLOAT_PORTABLE_SCRATCH == COLS * PACK_ROWS * sizeof(float), "scratch");

/* One group's rows [0, n_rows) times one token, columns [0, n); goes on from out unless `fresh`. */
static void multiply_row(const float *w, const float *x, size_t n, bool fresh, float *out,
			 size_t n_rows)
{
	float acc[PACK_ROWS] = { 0 };

	if (!fresh)
		memcpy(acc, out, n_rows * sizeof(*acc));
	for (size_t c = 0; c < n; c++, w += PACK_ROWS)
		for (size_t r = 0; r < PACK_ROWS; r++)
			acc[r] += x[c] * w[r];
	memcpy(out, acc, n_rows * sizeof(*acc));
}

void float_portable_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
			   float *out, size_t ldo, void *scratch)
{
	size_t each = w->type == QUANT_F32 ? 4 : 2;

	for (size_t r = r0; r < r1; r += PACK_ROWS) {
		const uint8_t *group = w->data + r / PACK_ROWS * w->group_bytes;
		size_t n_rows = MIN(r1 - r, PACK_ROWS);

		for (size_t c = 0; c < w->cols; c += COLS) {
			size_t n = MIN(w->cols - c, COLS);

			quant_unpack(w->type, group + c * PACK_ROWS * each, scratch, n * PACK_ROWS);
			for (size_t i = 0; i < a->n; i++)
				multiply_row(scratch, a->x + i * a->ldx + c, n, c == 0,
					     out + i * ldo + (r - r0), n_rows);
		}
	}
}
