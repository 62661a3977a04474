/*
 * Products with quantised weights in plain C: the place to read first, and what runs where no other
 * set does. A chunk of 256 columns of 16 rows is brought into the plain form, then meets every
 * token.
 */
#include <assert.h>
#include <float.h>
#include <string.h>

#include "base/util.h"
#include "engine/kernels/int/int_kernels.h"
#include "engine/kernels/int/int_quantise.h"
#include "engine/packed/forms.h"

static_assert(INT_PORTABLE_SCRATCH >= sizeof(struct form_plain), "scratch");
static_assert(FORM_CHUNK == ACTS_CHUNK && FORM_ROWS == PACK_ROWS, "chunks");

/* Below this a block counts as zero: 127 / max would overflow. */
/* Adding and taking away 1.5 * 2^23 rounds what is below 2^22 to a whole number, ties to even. */
static float round_even(float x)
{
	float big = x + 12582912.0f;

	return big - 12582912.0f;
}

static float finite_bounded(float x)
{
	if (x != x)
		return 0;
	return x > FLT_MAX ? FLT_MAX : x < -FLT_MAX ? -FLT_MAX : x;
}

/* Block b of a token's chunk from n floats; the rest of the 32 is 0. */
static void quantise_block(const float *x, size_t n, struct acts_chunk *out, size_t b)
{
	float max = 0, inverse;
	int32_t sums[2] = { 0, 0 };

	for (size_t i = 0; i < n; i++) {
		float v = finite_bounded(x[i]);

		max = MAX(max, v < 0 ? -v : v);
	}
	inverse = max < TINY ? 0 : 127.0f / max;
	for (size_t i = 0; i < PACK_BLOCK; i++) {
		int q = i < n ? (int)round_even(finite_bounded(x[i]) * inverse) : 0;

		out->q[PACK_BLOCK * b + i] = (int8_t)q;
		sums[i / 16] -= q;
	}
	out->scale[b] = max < TINY ? 0 : max / 127.0f;
	out->minus[b] = sums[0] + sums[1];
	out->half[2 * b] = sums[0];
	out->half[2 * b + 1] = sums[1];
	out->sum[b] = out->scale[b] * (float)-out->minus[b];
}

void int_portable_quantise(struct acts *a, size_t from, size_t to)
{
	quantise_blocks(a, from, to, quantise_block);
}

/* acc[16] goes on over one chunk. */
static void multiply_tile(const struct form *f, const struct form_plain *w, size_t n_blocks,
			  const struct acts_chunk *a, float *acc)
{
	size_t units = FORM_BLOCK / 4 / f->halves; /* of a part */

	for (size_t part = 0; part < n_blocks * f->halves; part++) {
		size_t b = part / f->halves, first = part % f->halves * units;
		int32_t minus = f->halves == 1 ? a->minus[b] : a->half[part];
		float as = a->scale[b], sum = f->halves == 1 ? a->sum[b] : as * (float)-minus;
		int32_t total[FORM_ROWS];

		for (size_t r = 0; r < FORM_ROWS; r++)
			total[r] = minus * f->offset;
		for (size_t u = first; u < first + units; u++) {
			const int8_t *q = a->q + b * FORM_BLOCK + 4 * u;

			for (size_t r = 0; r < FORM_ROWS; r++)
				for (size_t i = 0; i < 4; i++)
					total[r] += w->q[b][u][r][i] * q[i];
		}
		for (size_t r = 0; r < FORM_ROWS; r++)
			acc[r] += (float)total[r] * (w->scale[part][r] * as);
		if (form_adds(*f))
			for (size_t r = 0; r < FORM_ROWS; r++)
				acc[r] += w->add[part][r] * sum;
	}
}

void int_portable_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
			 float *out, size_t ldo, void *scratch)
{
	const struct form *f = form_of(w->type);
	struct form_plain *plain = scratch;

	for (size_t r = r0; r < r1; r += FORM_ROWS) {
		const uint8_t *chunk = w->data + r / FORM_ROWS * w->group_bytes;
		size_t n_rows = MIN(r1 - r, FORM_ROWS);

		for (size_t c = 0; c < a->n_chunks; c++) {
			size_t n_blocks = MIN((w->cols - c * FORM_CHUNK) / FORM_BLOCK, FORM_BLOCKS);

			form_unpack(f, chunk, n_blocks, plain);
			chunk += form_chunk_bytes(*f, n_blocks);
			for (size_t i = 0; i < a->n; i++) {
				float *to = out + i * ldo + (r - r0), acc[FORM_ROWS] = { 0 };

				if (c > 0)
					memcpy(acc, to, n_rows * sizeof(*acc));
				multiply_tile(f, plain, n_blocks, &a->chunks[c * a->n + i], acc);
				memcpy(to, acc, n_rows * sizeof(*acc));
			}
		}
	}
}
