/*
 * Types of tensors: how numbers lie in blocks. Layouts as the GGUF specification and its reference
 * implementation state them (github.com/ggml-org/ggml); little endian throughout.
 */
#ifndef ENGINE_QUANT_TYPES_H
#define ENGINE_QUANT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are those of the file; others are refused when it is opened. */
enum quant_type {
	QUANT_F32 = 0,
	QUANT_F16 = 1,
	QUANT_Q4_0 = 2,
	QUANT_Q4_1 = 3,
	QUANT_Q5_0 = 6,
	QUANT_Q5_1 = 7,
	QUANT_Q8_0 = 8,
	QUANT_Q2_K = 10,
	QUANT_Q3_K = 11,
	QUANT_Q4_K = 12,
	QUANT_Q5_K = 13,
	QUANT_Q6_K = 14,
	QUANT_IQ4_NL = 20,
	QUANT_IQ4_XS = 23,
	QUANT_BF16 = 30,
};

struct quant_info {
	const char *name;    /* "Q4_K" */
	uint32_t n_elements; /* in a block: 1, 32 or 256 */
	uint32_t n_bytes;    /* of a block */
};

/* NULL for a number that is no type of ours. */
const struct quant_info *quant_info(uint32_t type);

/* Bytes of a row of n elements, n a multiple of the block; SIZE_MAX if it overflows. */
size_t quant_row_bytes(enum quant_type type, uint64_t n);

/*
 * The plain loops: n numbers (whole blocks) from blocks to floats. What every kernel is tested
 * against.
 */
void quant_unpack(enum quant_type type, const void *blocks, float *out, size_t n);

/*
 * n numbers (whole blocks) to blocks; F32, F16, BF16, Q8_0, Q4_0 and Q4_K. Returns false for the
 * other types. Not-a-number and infinity become what the format can hold.
 */
bool quant_pack(enum quant_type type, const float *in, void *blocks, size_t n);

float quant_f16_to_f32(uint16_t h);
/* Rounds to nearest, ties to even. */
uint16_t quant_f32_to_f16(float f);
float quant_bf16_to_f32(uint16_t h);
uint16_t quant_f32_to_bf16(float f);

#endif
