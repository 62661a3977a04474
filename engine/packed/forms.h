/*
 * How packed weights lie in memory, to the byte. pack.c writes it, the kernels read it.
 *
 * Quantised types. A group of 16 rows is a line of chunks of 256 columns; where cols is no multiple
 * of 256 the last chunk has fewer blocks of 32 columns. A chunk is its head, filled up to 64 bytes,
 * and then its blocks. All of a head stands [part][row]: 16 numbers side by side.
 *
 *   scales          head, in order                                              the added term
 *   FORM_F16        f16 scale[blocks][16]                                       none
 *   FORM_F16_ADD    f16 scale[blocks][16], f16 add[blocks][16]                  add
 *   FORM_I8         f16 d[16], 32 bytes of 0, i8 scale[parts][16]               none
 *   FORM_I8_MIN     f16 d[16], f16 dmin[16], i8 scale[parts][16], i8 min[parts][16]   -dmin * min
 *   FORM_NIBBLE_MIN f16 d[16], f16 dmin[16], u8 (scale | min << 4)[parts][16]         -dmin * min
 *
 * A weight is scale * (quant - offset) + add, where scale is d * scale for the last three. A part
 * has the 32 columns of a block or, for types with a scale for 16 columns, half of them.
 *
 * The quants of a block come in planes, each next one the bits above those before. A `unit` is 64
 * bytes of quants, [row][column]: four columns of 16 rows; unit u has the block's columns 4 u … 4 u
 * + 3.
 *
 *   bits of a quant   planes
 *   8                 bytes: 8 units
 *   4                 nibbles
 *   5                 nibbles, singles
 *   6                 nibbles, pairs
 *   3                 pairs, singles
 *   2                 pairs
 *
 *   nibbles  256 bytes: four registers of 64; number i has unit i in its low nibbles, i + 4 in its
 *            high
 *   pairs    128 bytes: two registers; bits 2 k of number i belong to unit 4 i + k
 *   singles  64 bytes: bit u belongs to unit u
 *
 * Types of floats: [column][row], the file's own numbers; a group is filled up to 64 bytes.
 */
#ifndef ENGINE_PACKED_FORMS_H
#define ENGINE_PACKED_FORMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/quant/types.h"

#define FORM_ROWS   16
#define FORM_BLOCK  32
#define FORM_BLOCKS 8 /* blocks in a chunk */
#define FORM_CHUNK  (FORM_BLOCK * FORM_BLOCKS)

enum form_scales { FORM_F16, FORM_F16_ADD, FORM_I8, FORM_I8_MIN, FORM_NIBBLE_MIN };

struct form {
	uint8_t bits;   /* of a quant as it is stored */
	uint8_t offset; /* a power of two or 0 */
	uint8_t halves; /* parts in a block: 1, or 2 where 16 columns share a scale */
	uint8_t levels; /* quants are places in quant_iq4_values, of values plus 128 */
	enum form_scales scales;
};

/* Every quantised type: X(type, bits, offset, halves, levels, scales). */
#define FORMS(X)                                                                                   \
	X(Q8_0, 8, 128, 1, 0, FORM_F16)                                                            \
	X(Q4_0, 4, 8, 1, 0, FORM_F16)                                                              \
	X(Q4_1, 4, 0, 1, 0, FORM_F16_ADD)                                                          \
	X(Q5_0, 5, 16, 1, 0, FORM_F16)                                                             \
	X(Q5_1, 5, 0, 1, 0, FORM_F16_ADD)                                                          \
	X(IQ4_NL, 4, 128, 1, 1, FORM_F16)                                                          \
	X(Q2_K, 2, 0, 2, 0, FORM_NIBBLE_MIN)                                                       \
	X(Q3_K, 3, 4, 2, 0, FORM_I8)                                                               \
	X(Q4_K, 4, 0, 1, 0, FORM_I8_MIN)                                                           \
	X(Q5_K, 5, 0, 1, 0, FORM_I8_MIN)                                                           \
	X(Q6_K, 6, 32, 2, 0, FORM_I8)                                                              \
	X(IQ4_XS, 4, 128, 1, 1, FORM_I8)

/* The form of a quantised type; NULL for floats. */
const struct form *form_of(enum quant_type type);

static inline size_t form_block_bytes(struct form f)
{
	return (size_t)f.bits * FORM_BLOCK * FORM_ROWS / 8;
}

/* Bytes of the head of a chunk of n_blocks; those that are not FORM_F16… always have all eight. */
static inline size_t form_head_bytes(struct form f, size_t n_blocks)
{
	size_t parts = n_blocks * f.halves * FORM_ROWS;

	switch (f.scales) {
	case FORM_F16:
		return (2 * parts + 63) / 64 * 64;
	case FORM_F16_ADD:
		return 4 * parts;
	case FORM_I8:
	case FORM_NIBBLE_MIN:
		return 64 + parts;
	case FORM_I8_MIN:
		return 64 + 2 * parts;
	}
	return 0;
}

static inline size_t form_chunk_bytes(struct form f, size_t n_blocks)
{
	return form_head_bytes(f, n_blocks) + n_blocks * form_block_bytes(f);
}

/* Whether weights have an added term. */
static inline bool form_adds(struct form f)
{
	return f.scales == FORM_F16_ADD || f.scales == FORM_I8_MIN || f.scales == FORM_NIBBLE_MIN;
}

/* A chunk of a group as a product takes it, whatever the type. */
struct form_plain {
	uint8_t q[FORM_BLOCKS][FORM_BLOCK / 4][FORM_ROWS][4]; /* quants (levels: values + 128) */
	float scale[FORM_BLOCKS * 2][FORM_ROWS];              /* of each part */
	float add[FORM_BLOCKS * 2][FORM_ROWS];                /* 0 where the type has none */
};

/*
 * The first n_blocks of the chunk at `chunk` in the plain form: the loop that others are tested
 * against.
 */
void form_unpack(const struct form *f, const uint8_t *chunk, size_t n_blocks,
		 struct form_plain *out);
/* One row of it as floats, n_blocks * FORM_BLOCK of them. */
void form_row(const struct form *f, const uint8_t *chunk, size_t n_blocks, size_t row, float *out);
/* Scale and added term of a part of a row; `head` is that of a chunk of n_blocks. */
void form_scale(const struct form *f, const uint8_t *head, size_t n_blocks, size_t part, size_t row,
		float *scale, float *add);

#endif
