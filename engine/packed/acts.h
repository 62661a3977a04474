/*
 * Activations as products take them. For weights in floats they are the caller's own floats. For
 * quantised weights they are quantised themselves: 32 numbers of a row share a scale, max|x| / 127,
 * and quants are round(x / scale), ties to even, in -127 … 127 (Q8_0's rule). One format for every
 * set of kernels, and the same bits whichever set has written them.
 *
 * Chunks of 256 columns are the outer order, tokens the inner one, so that a product which walks
 * over all tokens with one chunk of the weights reads one straight line.
 */
#ifndef ENGINE_PACKED_ACTS_H
#define ENGINE_PACKED_ACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTS_CHUNK  256 /* columns of a chunk */
#define ACTS_BLOCKS 8   /* blocks of 32 columns in a chunk */

/* One token's part of a chunk; everything beyond the row's end is 0. */
struct acts_chunk {
	int8_t q[ACTS_CHUNK];
	float scale[ACTS_BLOCKS];
	float sum[ACTS_BLOCKS];        /* scale * the sum of the block's quants, for minima */
	int32_t minus[ACTS_BLOCKS];    /* less the sum of the block's quants, for offsets */
	int32_t half[2 * ACTS_BLOCKS]; /* the same of each 16 columns */
};

struct acts {
	size_t n;       /* rows: tokens */
	size_t cols;    /* numbers of a row; a multiple of 32 where `integer` */
	bool integer;   /* quantised, as weights in blocks take them; else x is multiplied */
	const float *x; /* [n][ldx], borrowed */
	size_t ldx;
	size_t n_chunks;
	struct acts_chunk *chunks; /* [n_chunks][n], 64-aligned; NULL where not `integer` */
};

/* Bytes of memory that acts_init needs for n rows of integer activations. */
size_t acts_bytes(size_t n, size_t cols);
/* Lay the chunks out in mem (64-aligned); x is to be filled in before they are quantised. */
void acts_init(struct acts *a, size_t n, size_t cols, bool integer, void *mem);

#endif
