/* From the file's blocks to the packed form; see forms.h. */
#include "engine/packed/pack.h"

#include <assert.h>
#include <string.h>

#include "base/util.h"
#include "engine/packed/forms.h"
#include "engine/quant/blocks.h"

/* One row's part of a chunk, taken out of its blocks: quants as they will be stored. */
struct taken {
	_Alignas(64) uint8_t q[FORM_CHUNK];
	uint16_t d[FORM_BLOCKS], m[FORM_BLOCKS]; /* of each block; [0] alone for blocks of 256 */
	uint8_t scale[2 * FORM_BLOCKS], min[2 * FORM_BLOCKS];
};

static void take_nibbles(const uint8_t qs[16], uint8_t *q)
{
	for (int j = 0; j < 16; j++) {
		q[j] = qs[j] & 15;
		q[j + 16] = qs[j] >> 4;
	}
}

static void take_fifth(const uint8_t qh[4], uint8_t *q)
{
	for (int j = 0; j < 32; j++)
		q[j] |= (uint8_t)((qh[j / 8] >> j % 8 & 1) << 4);
}

static void take_q8_0(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_q8_0 *b = blocks;

	for (size_t i = 0; i < n_blocks; i++) {
		t->d[i] = b[i].d;
		for (int j = 0; j < 32; j++)
			t->q[32 * i + j] = (uint8_t)(b[i].qs[j] ^ 0x80); /* + 128 */
	}
}

static void take_q4_0(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_q4_0 *b = blocks;

	for (size_t i = 0; i < n_blocks; i++) {
		t->d[i] = b[i].d;
		take_nibbles(b[i].qs, t->q + 32 * i);
	}
}

static void take_q4_1(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_q4_1 *b = blocks;

	for (size_t i = 0; i < n_blocks; i++) {
		t->d[i] = b[i].d;
		t->m[i] = b[i].m;
		take_nibbles(b[i].qs, t->q + 32 * i);
	}
}

static void take_q5_0(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_q5_0 *b = blocks;

	for (size_t i = 0; i < n_blocks; i++) {
		t->d[i] = b[i].d;
		take_nibbles(b[i].qs, t->q + 32 * i);
		take_fifth(b[i].qh, t->q + 32 * i);
	}
}

static void take_q5_1(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_q5_1 *b = blocks;

	for (size_t i = 0; i < n_blocks; i++) {
		t->d[i] = b[i].d;
		t->m[i] = b[i].m;
		take_nibbles(b[i].qs, t->q + 32 * i);
		take_fifth(b[i].qh, t->q + 32 * i);
	}
}

static void take_iq4_nl(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_iq4_nl *b = blocks;

	for (size_t i = 0; i < n_blocks; i++) {
		t->d[i] = b[i].d;
		take_nibbles(b[i].qs, t->q + 32 * i);
	}
}

/* Two bits of each number, as Q2_K and Q3_K keep them. */
static void take_pairs(const uint8_t qs[64], uint8_t *q)
{
	for (int k = 0; k < 8; k++)
		for (int l = 0; l < 32; l++)
			q[32 * k + l] = qs[k / 4 * 32 + l] >> k % 4 * 2 & 3;
}

static void take_q2_k(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_q2_k *b = blocks;

	(void)n_blocks;
	t->d[0] = b->d;
	t->m[0] = b->dmin;
	take_pairs(b->qs, t->q);
	memcpy(t->scale, b->scales, sizeof(t->scale));
}

static void take_q3_k(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_q3_k *b = blocks;

	(void)n_blocks;
	t->d[0] = b->d;
	take_pairs(b->qs, t->q);
	for (int k = 0; k < 8; k++)
		for (int l = 0; l < 32; l++)
			t->q[32 * k + l] |= (uint8_t)((b->hmask[l] >> k & 1) << 2);
	for (unsigned g = 0; g < 16; g++)
		t->scale[g] = (uint8_t)quant_scale3(b->scales, g);
}

/* The 256 nibbles of Q4_K and Q5_K. */
static void take_super(const uint8_t qs[128], uint8_t *q)
{
	for (int k = 0; k < 4; k++)
		for (int l = 0; l < 32; l++) {
			q[64 * k + l] = qs[32 * k + l] & 15;
			q[64 * k + 32 + l] = qs[32 * k + l] >> 4;
		}
}

static void take_q4_k(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_q4_k *b = blocks;

	(void)n_blocks;
	t->d[0] = b->d;
	t->m[0] = b->dmin;
	take_super(b->qs, t->q);
	for (unsigned g = 0; g < 8; g++)
		quant_scale4(b->scales, g, &t->scale[g], &t->min[g]);
}

static void take_q5_k(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_q5_k *b = blocks;

	(void)n_blocks;
	t->d[0] = b->d;
	t->m[0] = b->dmin;
	take_super(b->qs, t->q);
	for (int k = 0; k < 8; k++)
		for (int l = 0; l < 32; l++)
			t->q[32 * k + l] |= (uint8_t)((b->qh[l] >> k & 1) << 4);
	for (unsigned g = 0; g < 8; g++)
		quant_scale4(b->scales, g, &t->scale[g], &t->min[g]);
}

static void take_q6_k(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_q6_k *b = blocks;

	(void)n_blocks;
	t->d[0] = b->d;
	for (int k = 0; k < 8; k++) /* half k / 4, quarter k % 4 */
		for (int l = 0; l < 32; l++) {
			int low = b->ql[k / 4 * 64 + k % 2 * 32 + l] >> k % 4 / 2 * 4 & 15;
			int high = b->qh[k / 4 * 32 + l] >> k % 4 * 2 & 3;

			t->q[32 * k + l] = (uint8_t)(low | high << 4);
		}
	memcpy(t->scale, b->scales, sizeof(t->scale));
}

static void take_iq4_xs(const void *blocks, size_t n_blocks, struct taken *t)
{
	const struct quant_iq4_xs *b = blocks;

	(void)n_blocks;
	t->d[0] = b->d;
	for (unsigned g = 0; g < 8; g++) {
		take_nibbles(b->qs + 16 * g, t->q + 32 * g);
		t->scale[g] = (uint8_t)quant_scale_iq4(b, g);
	}
}

static void (*const takes[])(const void *blocks, size_t n_blocks, struct taken *t) = {
	[QUANT_Q8_0] = take_q8_0, [QUANT_Q4_0] = take_q4_0,     [QUANT_Q4_1] = take_q4_1,
	[QUANT_Q5_0] = take_q5_0, [QUANT_Q5_1] = take_q5_1,     [QUANT_Q2_K] = take_q2_k,
	[QUANT_Q3_K] = take_q3_k, [QUANT_Q4_K] = take_q4_k,     [QUANT_Q5_K] = take_q5_k,
	[QUANT_Q6_K] = take_q6_k, [QUANT_IQ4_NL] = take_iq4_nl, [QUANT_IQ4_XS] = take_iq4_xs,
};

static void put_head(const struct form *f, const struct taken *t, size_t n_blocks, uint8_t *out)
{
	size_t n_parts = n_blocks * f->halves;
	bool in_blocks = f->scales == FORM_F16 || f->scales == FORM_F16_ADD;

	memset(out, 0, form_head_bytes(*f, n_blocks));
	for (size_t r = 0; r < FORM_ROWS; r++) {
		for (size_t b = 0; b < (in_blocks ? n_blocks : 1); b++) {
			memcpy(out + 2 * (b * FORM_ROWS + r), &t[r].d[b], 2);
			if (f->scales == FORM_F16_ADD)
				memcpy(out + 2 * ((n_blocks + b) * FORM_ROWS + r), &t[r].m[b], 2);
		}
		if (in_blocks)
			continue;
		if (f->scales != FORM_I8)
			memcpy(out + 2 * (FORM_ROWS + r), &t[r].m[0], 2);
		for (size_t p = 0; p < n_parts; p++) {
			out[64 + p * FORM_ROWS + r] = t[r].scale[p];
			if (f->scales == FORM_I8_MIN)
				out[64 + (n_parts + p) * FORM_ROWS + r] = t[r].min[p];
		}
	}
}

/*
 * The planes of one block, whose quants are at columns [first, first + 32) of t. Four bytes at a
 * time: no quant has bits that a shift could carry into its neighbour.
 */
static void put_block(unsigned bits, const struct taken *t, size_t first, uint8_t *out)
{
	uint32_t units[FORM_BLOCK / 4][FORM_ROWS], plane[FORM_ROWS];
	unsigned below = 0; /* bits that earlier planes have taken */

	for (size_t u = 0; u < FORM_BLOCK / 4; u++)
		for (size_t r = 0; r < FORM_ROWS; r++)
			memcpy(&units[u][r], t[r].q + first + 4 * u, 4);
	if (bits == 8) {
		memcpy(out, units, sizeof(units));
		return;
	}
	if (bits >= 4) {
		for (size_t i = 0; i < 4; i++, out += sizeof(plane)) {
			for (size_t r = 0; r < FORM_ROWS; r++)
				plane[r] = (units[i][r] & 0x0f0f0f0f) |
					   (units[i + 4][r] & 0x0f0f0f0f) << 4;
			memcpy(out, plane, sizeof(plane));
		}
		below = 4;
	}
	if (bits - below >= 2) {
		for (size_t i = 0; i < 2; i++, out += sizeof(plane)) {
			for (size_t r = 0; r < FORM_ROWS; r++) {
				plane[r] = 0;
				for (size_t k = 0; k < 4; k++)
					plane[r] |= (units[4 * i + k][r] >> below & 0x03030303)
						    << 2 * k;
			}
			memcpy(out, plane, sizeof(plane));
		}
		below += 2;
	}
	if (bits > below) {
		for (size_t r = 0; r < FORM_ROWS; r++) {
			plane[r] = 0;
			for (size_t u = 0; u < FORM_BLOCK / 4; u++)
				plane[r] |= (units[u][r] >> below & 0x01010101) << u;
		}
		memcpy(out, plane, sizeof(plane));
	}
}

/* The blocks of n_rows rows in chunk c, each `row` bytes after the one before. */
static void put_chunk(const struct form *f, const struct weight_matrix *m, size_t first_row,
		      size_t c, size_t n_blocks, uint8_t *out)
{
	const uint8_t *at = (const uint8_t *)m->data + quant_row_bytes(m->type, c * FORM_CHUNK);
	size_t row = quant_row_bytes(m->type, m->cols),
	       n_rows = MIN(m->rows - first_row, FORM_ROWS);
	struct taken t[FORM_ROWS];

	if (n_rows < FORM_ROWS)
		memset(t, 0, sizeof(t));
	for (size_t r = 0; r < n_rows; r++)
		takes[m->type](at + (first_row + r) * row, n_blocks, &t[r]);
	put_head(f, t, n_blocks, out);
	out += form_head_bytes(*f, n_blocks);
	for (size_t b = 0; b < n_blocks; b++, out += form_block_bytes(*f))
		put_block(f->bits, t, b * FORM_BLOCK, out);
}

static size_t chunk_blocks(uint32_t cols, size_t c)
{
	return MIN((cols - c * FORM_CHUNK) / FORM_BLOCK, FORM_BLOCKS);
}

/* Bytes of a group, a multiple of 64. Columns are below 2^32: nothing overflows in 64 bits. */
static uint64_t group_bytes(enum quant_type type, uint32_t cols)
{
	const struct form *f = form_of(type);
	uint64_t bytes;

	if (f == NULL)
		return ((uint64_t)cols * quant_info(type)->n_bytes * FORM_ROWS + 63) / 64 * 64;
	bytes = cols / FORM_CHUNK * (uint64_t)form_chunk_bytes(*f, FORM_BLOCKS);
	if (cols % FORM_CHUNK != 0)
		bytes += form_chunk_bytes(*f, cols % FORM_CHUNK / FORM_BLOCK);
	return bytes;
}

size_t pack_n_groups(const struct weight_matrix *m)
{
	return ((size_t)m->rows + FORM_ROWS - 1) / FORM_ROWS;
}

size_t pack_bytes(const struct weight_matrix *m)
{
	uint64_t bytes;

	if (__builtin_mul_overflow(group_bytes(m->type, m->cols), pack_n_groups(m), &bytes) ||
	    bytes > SIZE_MAX)
		return SIZE_MAX;
	return (size_t)bytes;
}

/* A group of floats: columns side by side become rows side by side. */
static void pack_floats(const struct weight_matrix *m, size_t first_row, uint8_t *out)
{
	size_t each = quant_info(m->type)->n_bytes;
	size_t n_rows = MIN(m->rows - first_row, FORM_ROWS);
	const uint8_t *in = (const uint8_t *)m->data + first_row * m->cols * each;

	memset(out, 0, group_bytes(m->type, m->cols));
	for (size_t c = 0; c < m->cols; c++)
		for (size_t r = 0; r < n_rows; r++)
			memcpy(out + (c * FORM_ROWS + r) * each, in + (r * m->cols + c) * each,
			       each);
}

void pack_groups(const struct weight_matrix *m, uint8_t *out, size_t from, size_t to)
{
	const struct form *f = form_of(m->type);
	size_t each = group_bytes(m->type, m->cols);

	for (size_t g = from; g < to; g++) {
		uint8_t *at = out + g * each;

		if (f == NULL)
			pack_floats(m, g * FORM_ROWS, at);
		for (size_t c = 0; f != NULL && c * FORM_CHUNK < m->cols; c++) {
			size_t n_blocks = chunk_blocks(m->cols, c);

			put_chunk(f, m, g * FORM_ROWS, c, n_blocks, at);
			at += form_chunk_bytes(*f, n_blocks);
		}
	}
}

struct packed pack_view(const struct weight_matrix *m, const uint8_t *out)
{
	return (struct packed){
		.type = m->type,
		.cols = m->cols,
		.rows = m->rows,
		.group_bytes = group_bytes(m->type, m->cols),
		.data = out,
	};
}

void pack_row(const struct packed *p, size_t r, float *out)
{
	const uint8_t *at = p->data + r / FORM_ROWS * p->group_bytes;
	const struct form *f = form_of(p->type);
	size_t each = quant_info(p->type)->n_bytes;

	if (f == NULL) {
		for (size_t c = 0; c < p->cols; c++)
			quant_unpack(p->type, at + (c * FORM_ROWS + r % FORM_ROWS) * each, out + c,
				     1);
		return;
	}
	for (size_t c = 0; c * FORM_CHUNK < p->cols; c++) {
		size_t n_blocks = chunk_blocks(p->cols, c);

		form_row(f, at, n_blocks, r % FORM_ROWS, out + c * FORM_CHUNK);
		at += form_chunk_bytes(*f, n_blocks);
	}
}
