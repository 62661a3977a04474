/* What quantising activations is in every set: which blocks there are, and when one is all zero. */
#ifndef ENGINE_KERNELS_INT_INT_QUANTISE_H
#define ENGINE_KERNELS_INT_INT_QUANTISE_H

#include "base/util.h"
#include "engine/kernels/inline.h"
#include "engine/kernels/kernels.h"

#define TINY 1e-36f /* the largest number of a block below it: all of them count as zero */

/* n numbers from x, less than a block at the end of a row and none beyond it, as block b of out. */
typedef void (*quantise_block_fn)(const float *x, size_t n, struct acts_chunk *out, size_t b);

INLINE void quantise_blocks(struct acts *a, size_t from, size_t to, quantise_block_fn quantise)
{
	for (size_t i = from; i < to; i++)
		for (size_t c = 0; c < a->n_chunks; c++)
			for (size_t b = 0; b < ACTS_BLOCKS; b++) {
				size_t at = c * ACTS_CHUNK + b * PACK_BLOCK;
				size_t n = at < a->cols ? MIN(a->cols - at, PACK_BLOCK) : 0;

				quantise(n > 0 ? a->x + i * a->ldx + at : a->x, n,
					 &a->chunks[c * a->n + i], b);
			}
}

#endif
