#include "tests/engine/packed/random_blocks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

const enum quant_type random_types[] = {
	QUANT_Q8_0,   QUANT_Q4_0,   QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1,
	QUANT_Q2_K,   QUANT_Q3_K,   QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K,
	QUANT_IQ4_NL, QUANT_IQ4_XS, QUANT_F32,  QUANT_F16,  QUANT_BF16,
};
const size_t random_n_types = ARRAY_LEN(random_types);
const size_t random_n_quantised = ARRAY_LEN(random_types) - 3;

uint32_t random_next(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 32);
}

float random_float(uint64_t *state)
{
	return (float)(int32_t)random_next(state) / 2147483648.0f;
}

/* Where the sixteen-bit scales of a block are; -1: none. */
static int scale_at(enum quant_type type, int i)
{
	switch (type) {
	case QUANT_Q2_K:
		return 80 + 2 * i;
	case QUANT_Q4_1:
	case QUANT_Q5_1:
	case QUANT_Q4_K:
	case QUANT_Q5_K:
		return 2 * i;
	case QUANT_Q3_K:
		return i == 0 ? 108 : -1;
	case QUANT_Q6_K:
		return i == 0 ? 208 : -1;
	default:
		return i == 0 ? 0 : -1;
	}
}

struct weight_matrix random_matrix(enum quant_type type, uint32_t rows, uint32_t cols,
				   uint64_t seed)
{
	const struct quant_info *info = quant_info(type);
	size_t each = info->n_bytes, n = (size_t)rows * cols / info->n_elements;
	uint8_t *data = malloc(n * each);

	assert(data != NULL && cols % info->n_elements == 0);
	for (size_t b = 0; b < n; b++) {
		uint8_t *p = data + b * each;

		for (size_t i = 0; info->n_elements > 1 && i < each; i++)
			p[i] = (uint8_t)(random_next(&seed) >> 13);
		for (int i = 0; info->n_elements > 1 && i < 2; i++) {
			int at = scale_at(type, i);
			uint16_t h = quant_f32_to_f16(random_float(&seed) * 0.01f);

			if (at >= 0)
				memcpy(p + at, &h, 2);
		}
		if (type == QUANT_F32) {
			float f = random_float(&seed);

			memcpy(p, &f, sizeof(f));
		} else if (each == 2) {
			uint16_t h = type == QUANT_F16 ? quant_f32_to_f16(random_float(&seed))
						       : quant_f32_to_bf16(random_float(&seed));

			memcpy(p, &h, sizeof(h));
		}
	}
	return (struct weight_matrix){ .type = type, .cols = cols, .rows = rows, .data = data };
}

struct packed random_packed(const struct weight_matrix *m)
{
	uint8_t *out = aligned_alloc(64, pack_bytes(m));

	assert(out != NULL);
	pack_groups(m, out, 0, pack_n_groups(m));
	return pack_view(m, out);
}
