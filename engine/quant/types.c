/* The table of types, and the conversions of single numbers. */
#include "engine/quant/types.h"

#include <string.h>

#include "base/util.h"
#include "engine/quant/blocks.h"

static const struct quant_info infos[] = {
	[QUANT_F32] = { "F32", 1, 4 },
	[QUANT_F16] = { "F16", 1, 2 },
	[QUANT_Q4_0] = { "Q4_0", QUANT_BLOCK, sizeof(struct quant_q4_0) },
	[QUANT_Q4_1] = { "Q4_1", QUANT_BLOCK, sizeof(struct quant_q4_1) },
	[QUANT_Q5_0] = { "Q5_0", QUANT_BLOCK, sizeof(struct quant_q5_0) },
	[QUANT_Q5_1] = { "Q5_1", QUANT_BLOCK, sizeof(struct quant_q5_1) },
	[QUANT_Q8_0] = { "Q8_0", QUANT_BLOCK, sizeof(struct quant_q8_0) },
	[QUANT_Q2_K] = { "Q2_K", QUANT_SUPER, sizeof(struct quant_q2_k) },
	[QUANT_Q3_K] = { "Q3_K", QUANT_SUPER, sizeof(struct quant_q3_k) },
	[QUANT_Q4_K] = { "Q4_K", QUANT_SUPER, sizeof(struct quant_q4_k) },
	[QUANT_Q5_K] = { "Q5_K", QUANT_SUPER, sizeof(struct quant_q5_k) },
	[QUANT_Q6_K] = { "Q6_K", QUANT_SUPER, sizeof(struct quant_q6_k) },
	[QUANT_IQ4_NL] = { "IQ4_NL", QUANT_BLOCK, sizeof(struct quant_iq4_nl) },
	[QUANT_IQ4_XS] = { "IQ4_XS", QUANT_SUPER, sizeof(struct quant_iq4_xs) },
	[QUANT_BF16] = { "BF16", 1, 2 },
};

const struct quant_info *quant_info(uint32_t type)
{
	return type < ARRAY_LEN(infos) && infos[type].name != NULL ? &infos[type] : NULL;
}

size_t quant_row_bytes(enum quant_type type, uint64_t n)
{
	const struct quant_info *info = quant_info(type);
	size_t bytes;

	if (info == NULL || __builtin_mul_overflow(n / info->n_elements, info->n_bytes, &bytes))
		return SIZE_MAX;
	return bytes;
}

static uint32_t bits_of(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static float float_of(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

float quant_f16_to_f32(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, body = h & 0x7fff;

	if (body >= 0x7c00) /* infinity, not-a-number */
		return float_of(sign | 0x7f800000 | (body & 0x3ff) << 13);
	if (body < 0x400) /* zero, subnormal: an exact multiple of 2^-24 */
		return float_of(sign | bits_of((float)body * 0x1p-24f));
	return float_of(sign | ((body << 13) + ((127 - 15) << 23)));
}

uint16_t quant_f32_to_f16(float f)
{
	uint32_t u = bits_of(f), sign = u >> 16 & 0x8000, body = u & 0x7fffffff;

	if (body > 0x7f800000) /* stays not-a-number, quiet */
		return (uint16_t)(sign | 0x7e00 | (body >> 13 & 0x3ff));
	if (body >= 0x477ff000) /* 65520 and more round to infinity */
		return (uint16_t)(sign | 0x7c00);
	if (body <
	    0x38800000) { /* below 2^-14: adding 0.5 lets the sum round to multiples of 2^-24 */
		float sum = float_of(body) + 0.5f;

		return (uint16_t)(sign | (bits_of(sum) - bits_of(0.5f)));
	}
	body += 0xfff +
		(body >> 13 & 1); /* to nearest, ties to even; may carry into the exponent */
	return (uint16_t)(sign | ((body >> 13) - ((127 - 15) << 10)));
}

float quant_bf16_to_f32(uint16_t h)
{
	return float_of((uint32_t)h << 16);
}

uint16_t quant_f32_to_bf16(float f)
{
	uint32_t u = bits_of(f);

	if ((u & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(u >> 16 | 0x40);
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
