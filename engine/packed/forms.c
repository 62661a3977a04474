/* The table of forms, and the plain loop from a packed chunk to quants and scales. */
#include "engine/packed/forms.h"

#include <string.h>

#include "base/util.h"
#include "engine/quant/blocks.h"

#define ROW(type, bits, offset, halves, levels, scales)                                            \
	[QUANT_##type] = { bits, offset, halves, levels, scales },

static const struct form forms[] = { FORMS(ROW) };

const struct form *form_of(enum quant_type type)
{
	return (size_t)type < ARRAY_LEN(forms) && forms[type].bits > 0 ? &forms[type] : NULL;
}

/* The two bytes at p as the number they hold. */
static float f16_load(const uint8_t *p)
{
	uint16_t h;

	memcpy(&h, p, sizeof(h));
	return quant_f16_to_f32(h);
}

void form_scale(const struct form *f, const uint8_t *head, size_t n_blocks, size_t part, size_t row,
		float *scale, float *add)
{
	size_t n_parts = n_blocks * f->halves, i = part * FORM_ROWS + row;
	const uint8_t *parts = head + 4 * FORM_ROWS;

	*add = 0;
	switch (f->scales) {
	case FORM_F16_ADD:
		*add = f16_load(head + 2 * (n_parts * FORM_ROWS + i));
		/* fall through */
	case FORM_F16:
		*scale = f16_load(head + 2 * i);
		break;
	case FORM_I8_MIN:
		*add = -(f16_load(head + 2 * (FORM_ROWS + row)) *
			 (float)parts[n_parts * FORM_ROWS + i]);
		/* fall through */
	case FORM_I8:
		*scale = f16_load(head + 2 * row) * (float)(int8_t)parts[i];
		break;
	case FORM_NIBBLE_MIN:
		*scale = f16_load(head + 2 * row) * (float)(parts[i] & 15);
		*add = -(f16_load(head + 2 * (FORM_ROWS + row)) * (float)(parts[i] >> 4));
		break;
	}
}

/* Bytes [from, from + n) of unit u of the block at p. */
static void unit_bytes(const struct form *f, const uint8_t *p, size_t u, size_t from, size_t n,
		       uint8_t *out)
{
	unsigned bits = f->bits, shift = 0; /* bits left; what the next plane is to be shifted by */

	p += from;
	memset(out, 0, n);
	if (bits == 8) {
		memcpy(out, p + 64 * u, n);
		return;
	}
	if (bits >= 4) {
		for (size_t i = 0; i < n; i++)
			out[i] = p[u % 4 * 64 + i] >> u / 4 * 4 & 15;
		p += 256;
		bits -= 4;
		shift = 4;
	}
	if (bits >= 2) {
		for (size_t i = 0; i < n; i++)
			out[i] |= (uint8_t)((p[u / 4 * 64 + i] >> u % 4 * 2 & 3) << shift);
		p += 128;
		bits -= 2;
		shift += 2;
	}
	if (bits == 1)
		for (size_t i = 0; i < n; i++)
			out[i] |= (uint8_t)((p[i] >> u & 1) << shift);
	for (size_t i = 0; f->levels && i < n; i++)
		out[i] = (uint8_t)(quant_iq4_values[out[i]] + 128);
}

void form_unpack(const struct form *f, const uint8_t *chunk, size_t n_blocks,
		 struct form_plain *out)
{
	const uint8_t *p = chunk + form_head_bytes(*f, n_blocks);

	for (size_t b = 0; b < n_blocks; b++, p += form_block_bytes(*f))
		for (size_t u = 0; u < FORM_BLOCK / 4; u++)
			unit_bytes(f, p, u, 0, sizeof(out->q[b][u]), out->q[b][u][0]);
	for (size_t part = 0; part < n_blocks * f->halves; part++)
		for (size_t r = 0; r < FORM_ROWS; r++)
			form_scale(f, chunk, n_blocks, part, r, &out->scale[part][r],
				   &out->add[part][r]);
}

void form_row(const struct form *f, const uint8_t *chunk, size_t n_blocks, size_t row, float *out)
{
	const uint8_t *p = chunk + form_head_bytes(*f, n_blocks);
	size_t columns = FORM_BLOCK / f->halves; /* of a part */
	float scale = 0, add = 0;
	uint8_t q[4];

	for (size_t c = 0; c < n_blocks * FORM_BLOCK; c += 4) {
		if (c % columns == 0)
			form_scale(f, chunk, n_blocks, c / columns, row, &scale, &add);
		unit_bytes(f, p + c / FORM_BLOCK * form_block_bytes(*f), c % FORM_BLOCK / 4,
			   4 * row, 4, q);
		for (size_t i = 0; i < 4; i++) {
			out[c + i] = scale * (float)(q[i] - f->offset);
			if (form_adds(*f)) /* else -0 would become 0 */
				out[c + i] += add;
		}
	}
}
