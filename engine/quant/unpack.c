/*
 * From blocks to floats, one plain loop a type: the reference for every kernel, and what speed does
 * not matter for. A product of scales is formed before it meets the small whole number, as kernels
 * do.
 */
#include <string.h>

#include "base/util.h"
#include "engine/quant/blocks.h"
#include "engine/quant/types.h"

const int8_t quant_iq4_values[16] = { -127, -104, -83, -65, -49, -35, -22, -10,
				      1,    13,   25,  38,  53,  69,  89,  113 };

static void unpack_f32(const void *blocks, float *out, size_t n)
{
	memcpy(out, blocks, n * sizeof(*out));
}

static void unpack_f16(const void *blocks, float *out, size_t n)
{
	const uint16_t *h = blocks;

	for (size_t i = 0; i < n; i++)
		out[i] = quant_f16_to_f32(h[i]);
}

static void unpack_bf16(const void *blocks, float *out, size_t n)
{
	const uint16_t *h = blocks;

	for (size_t i = 0; i < n; i++)
		out[i] = quant_bf16_to_f32(h[i]);
}

static void unpack_q8_0(const void *blocks, float *out, size_t n)
{
	for (const struct quant_q8_0 *b = blocks; n > 0; n -= 32, b++, out += 32) {
		float d = quant_f16_to_f32(b->d);

		for (int j = 0; j < 32; j++)
			out[j] = d * b->qs[j];
	}
}

static void unpack_q4_0(const void *blocks, float *out, size_t n)
{
	for (const struct quant_q4_0 *b = blocks; n > 0; n -= 32, b++, out += 32) {
		float d = quant_f16_to_f32(b->d);

		for (int j = 0; j < 16; j++) {
			out[j] = d * (float)((b->qs[j] & 15) - 8);
			out[j + 16] = d * (float)((b->qs[j] >> 4) - 8);
		}
	}
}

static void unpack_q4_1(const void *blocks, float *out, size_t n)
{
	for (const struct quant_q4_1 *b = blocks; n > 0; n -= 32, b++, out += 32) {
		float d = quant_f16_to_f32(b->d), m = quant_f16_to_f32(b->m);

		for (int j = 0; j < 16; j++) {
			out[j] = d * (float)(b->qs[j] & 15) + m;
			out[j + 16] = d * (float)(b->qs[j] >> 4) + m;
		}
	}
}

/* The five bits of number i. */
static int five_bits(const uint8_t qs[16], const uint8_t qh[4], int i)
{
	int low = i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;

	return low | (qh[i / 8] >> i % 8 & 1) << 4;
}

static void unpack_q5_0(const void *blocks, float *out, size_t n)
{
	for (const struct quant_q5_0 *b = blocks; n > 0; n -= 32, b++, out += 32) {
		float d = quant_f16_to_f32(b->d);

		for (int j = 0; j < 32; j++)
			out[j] = d * (float)(five_bits(b->qs, b->qh, j) - 16);
	}
}

static void unpack_q5_1(const void *blocks, float *out, size_t n)
{
	for (const struct quant_q5_1 *b = blocks; n > 0; n -= 32, b++, out += 32) {
		float d = quant_f16_to_f32(b->d), m = quant_f16_to_f32(b->m);

		for (int j = 0; j < 32; j++)
			out[j] = d * (float)five_bits(b->qs, b->qh, j) + m;
	}
}

/* The two bits of number i of a block of 256. */
static int two_bits(const uint8_t qs[64], int i)
{
	return qs[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
}

static void unpack_q2_k(const void *blocks, float *out, size_t n)
{
	for (const struct quant_q2_k *b = blocks; n > 0; n -= 256, b++, out += 256) {
		float d = quant_f16_to_f32(b->d), dmin = quant_f16_to_f32(b->dmin);

		for (int i = 0; i < 256; i++) {
			float scale = d * (float)(b->scales[i / 16] & 15);
			float min = dmin * (float)(b->scales[i / 16] >> 4);

			out[i] = scale * (float)two_bits(b->qs, i) - min;
		}
	}
}

static void unpack_q3_k(const void *blocks, float *out, size_t n)
{
	for (const struct quant_q3_k *b = blocks; n > 0; n -= 256, b++, out += 256) {
		float d = quant_f16_to_f32(b->d);

		for (int i = 0; i < 256; i++) {
			float scale = d * (float)quant_scale3(b->scales, (unsigned)i / 16);
			int high = b->hmask[i % 32] >> i / 32 & 1;

			out[i] = scale * (float)((two_bits(b->qs, i) | high << 2) - 4);
		}
	}
}

static void unpack_q4_k(const void *blocks, float *out, size_t n)
{
	for (const struct quant_q4_k *b = blocks; n > 0; n -= 256, b++, out += 256) {
		float d = quant_f16_to_f32(b->d), dmin = quant_f16_to_f32(b->dmin);

		for (int g = 0; g < 8; g++) {
			const uint8_t *qs = b->qs + g / 2 * 32;
			uint8_t scale, min;

			quant_scale4(b->scales, (unsigned)g, &scale, &min);
			for (int j = 0; j < 32; j++)
				out[32 * g + j] =
					d * scale * (float)(qs[j] >> g % 2 * 4 & 15) - dmin * min;
		}
	}
}

static void unpack_q5_k(const void *blocks, float *out, size_t n)
{
	for (const struct quant_q5_k *b = blocks; n > 0; n -= 256, b++, out += 256) {
		float d = quant_f16_to_f32(b->d), dmin = quant_f16_to_f32(b->dmin);

		for (int g = 0; g < 8; g++) {
			const uint8_t *qs = b->qs + g / 2 * 32;
			uint8_t scale, min;

			quant_scale4(b->scales, (unsigned)g, &scale, &min);
			for (int j = 0; j < 32; j++) {
				int q = (qs[j] >> g % 2 * 4 & 15) | (b->qh[j] >> g & 1) << 4;

				out[32 * g + j] = d * scale * (float)q - dmin * min;
			}
		}
	}
}

static void unpack_q6_k(const void *blocks, float *out, size_t n)
{
	for (const struct quant_q6_k *b = blocks; n > 0; n -= 256, b++, out += 256) {
		float d = quant_f16_to_f32(b->d);

		for (int i = 0; i < 256; i++) {
			int half = i / 128, quarter = i / 32 % 4, l = i % 32;
			int low = b->ql[64 * half + quarter % 2 * 32 + l] >> quarter / 2 * 4 & 15;
			int high = b->qh[32 * half + l] >> 2 * quarter & 3;

			out[i] = d * b->scales[i / 16] * (float)((low | high << 4) - 32);
		}
	}
}

static void iq4_sixteen(const uint8_t qs[16], float d, float *out)
{
	for (int j = 0; j < 16; j++) {
		out[j] = d * quant_iq4_values[qs[j] & 15];
		out[j + 16] = d * quant_iq4_values[qs[j] >> 4];
	}
}

static void unpack_iq4_nl(const void *blocks, float *out, size_t n)
{
	for (const struct quant_iq4_nl *b = blocks; n > 0; n -= 32, b++, out += 32)
		iq4_sixteen(b->qs, quant_f16_to_f32(b->d), out);
}

static void unpack_iq4_xs(const void *blocks, float *out, size_t n)
{
	for (const struct quant_iq4_xs *b = blocks; n > 0; n -= 256, b++, out += 256) {
		float d = quant_f16_to_f32(b->d);

		for (unsigned g = 0; g < 8; g++)
			iq4_sixteen(b->qs + 16 * g, d * (float)quant_scale_iq4(b, g), out + 32 * g);
	}
}

static void (*const unpacks[])(const void *blocks, float *out, size_t n) = {
	[QUANT_F32] = unpack_f32,   [QUANT_F16] = unpack_f16,       [QUANT_BF16] = unpack_bf16,
	[QUANT_Q8_0] = unpack_q8_0, [QUANT_Q4_0] = unpack_q4_0,     [QUANT_Q4_1] = unpack_q4_1,
	[QUANT_Q5_0] = unpack_q5_0, [QUANT_Q5_1] = unpack_q5_1,     [QUANT_Q2_K] = unpack_q2_k,
	[QUANT_Q3_K] = unpack_q3_k, [QUANT_Q4_K] = unpack_q4_k,     [QUANT_Q5_K] = unpack_q5_k,
	[QUANT_Q6_K] = unpack_q6_k, [QUANT_IQ4_NL] = unpack_iq4_nl, [QUANT_IQ4_XS] = unpack_iq4_xs,
};

void quant_unpack(enum quant_type type, const void *blocks, float *out, size_t n)
{
	assert((unsigned)type < ARRAY_LEN(unpacks) && unpacks[type] != NULL);
	unpacks[type](blocks, out, n);
}
