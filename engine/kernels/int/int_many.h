/*
 * Products of many tokens: a panel of 64 rows is brought into the plain form, a chunk of 256
 * columns at a time, so that it stays in the first cache; then every tile of three tokens passes
 * over it. A tile's twelve sums of whole numbers and its twelve results all stay in registers:
 * larger tiles load less but have to keep results in memory, which costs more (measured: 64 against
 * 71 % of the peak). See int_wide.h.
 */
#ifndef ENGINE_KERNELS_INT_INT_MANY_H
#define ENGINE_KERNELS_INT_INT_MANY_H

#include "engine/kernels/int/int_wide.h"

#define GROUPS      4 /* of 16 rows in a panel */
#define PANEL       (GROUPS * FORM_ROWS)
#define TILE        3   /* tokens */
#define MANY_TOKENS 512 /* whose sums are kept next to the panel */

struct wide_panel {
	uint8_t q[FORM_BLOCKS][UNITS][GROUPS][64];
	float scale[2 * FORM_BLOCKS][GROUPS][FORM_ROWS];
	float add[2 * FORM_BLOCKS][GROUPS][FORM_ROWS];
	float acc[MANY_TOKENS][GROUPS][FORM_ROWS];
};

static_assert(sizeof(struct wide_panel) <= INT_AVX512_SCRATCH, "scratch");

/* One group's chunk into its place in the panel. */
INLINE void many_unpack(const struct form f, const uint8_t *p, size_t n_blocks, size_t g,
			struct wide_panel *to)
{
	const struct chunk_scale s = chunk_scale(f, p);
	const uint8_t *head = p;

	p += form_head_bytes(f, n_blocks);
	for (size_t b = 0; b < n_blocks; b++, p += form_block_bytes(f)) {
		UNROLL for (size_t u = 0; u < UNITS; u++)
			_mm512_store_si512(to->q[b][u][g], wide_unit(f, p, u));
		UNROLL for (size_t h = 0; h < f.halves; h++)
		{
			size_t part = b * f.halves + h;

			_mm512_store_ps(to->scale[part][g], part_scale(f, s, head, part));
			if (form_adds(f))
				_mm512_store_ps(to->add[part][g],
						part_add(f, s, head, n_blocks, part));
		}
	}
}

/* What one part adds to the results of m tokens. */
INLINE void tile_part(const struct form f, const size_t m, const struct wide_panel *w, size_t b,
		      const size_t h, __m128i shift, const struct acts_chunk *a,
		      __m512 (*acc)[GROUPS])
{
	const size_t n_units = UNITS / f.halves, part = b * f.halves + h;
	__m512i sum[TILE][GROUPS];

	UNROLL for (size_t i = 0; i < m; i++)
	{
		__m512i from = wide_sums_start(f, &a[i], part, shift);

		UNROLL for (size_t g = 0; g < GROUPS; g++) sum[i][g] = from;
	}
	UNROLL for (size_t u = 0; u < n_units; u++)
	{
		__m512i q[GROUPS];

		UNROLL for (size_t g = 0; g < GROUPS; g++)
		{
			q[g] = _mm512_load_si512(w->q[b][h * n_units + u][g]);
			__asm__("" : "+v"(q[g])); /* gcc would load it again for every token */
		}
		UNROLL for (size_t i = 0; i < m; i++)
		{
			__m512i x =
				wide_broadcast4(a[i].q + b * FORM_BLOCK + 4 * (h * n_units + u));

			UNROLL for (size_t g = 0; g < GROUPS; g++) sum[i][g] =
				wide_dot(wide_values(f), sum[i][g], q[g], x);
		}
	}
	UNROLL for (size_t i = 0; i < m; i++)
	{
		__m512 as = _mm512_set1_ps(a[i].scale[b]);
		__m512 total = form_adds(f) ? part_sum(f, &a[i], part) : as;

		UNROLL for (size_t g = 0; g < GROUPS; g++)
		{
			__m512 ws = _mm512_load_ps(w->scale[part][g]);

			acc[i][g] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[i][g]),
						    _mm512_mul_ps(ws, as), acc[i][g]);
			if (form_adds(f))
				acc[i][g] = _mm512_fmadd_ps(_mm512_load_ps(w->add[part][g]), total,
							    acc[i][g]);
		}
	}
}

/*
 * The weights that will be unpacked next, fetched from memory while the arithmetic of this chunk
 * goes on, a few lines with every block: all at once they would only queue. With 32 tokens that
 * makes a third.
 */
struct ahead {
	const uint8_t *p;     /* a group's next chunk */
	size_t stride;        /* from group to group */
	size_t line, n_lines; /* of this group: done, and in all */
	size_t n_groups;      /* that are left */
	size_t each;          /* lines with every block of a tile */
};

INLINE void ahead_some(struct ahead *h)
{
	for (size_t i = 0; i < h->each && h->n_groups > 0; i++) {
		_mm_prefetch((const char *)h->p + 64 * h->line, _MM_HINT_T1);
		if (++h->line == h->n_lines) {
			h->line = 0;
			h->p += h->stride;
			h->n_groups--;
		}
	}
}

/* m tokens over the chunk in the panel, for forms like f whose offset is 1 << shift. */
INLINE void many_tile(const struct form f, const size_t m, const struct wide_panel *w,
		      size_t n_blocks, int shift, const struct acts_chunk *a,
		      float (*to)[GROUPS][FORM_ROWS], struct ahead *ahead)
{
	__m512 acc[TILE][GROUPS];

	UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t g = 0; g < GROUPS; g++) acc[i][g] =
		_mm512_load_ps(to[i][g]);
	for (size_t b = 0; b < n_blocks; b++) {
		ahead_some(ahead);
		UNROLL for (size_t i = 0; i < 3; i++) /* the next tile's activations */
			_mm_prefetch((const char *)(a + m) + 64 * (3 * b + i), _MM_HINT_T0);
		UNROLL for (size_t h = 0; h < f.halves; h++)
			tile_part(f, m, w, b, h, _mm_cvtsi32_si128(shift), a, acc);
	}
	UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t g = 0; g < GROUPS; g++)
		_mm512_store_ps(to[i][g], acc[i][g]);
}

typedef void (*tile_fn)(const struct wide_panel *w, size_t n_blocks, int shift,
			const struct acts_chunk *a, float (*to)[GROUPS][FORM_ROWS],
			struct ahead *ahead);
typedef void (*unpack_fn)(const uint8_t *p, size_t n_blocks, size_t g, struct wide_panel *to);

/* Unpacked, types differ by these alone: X(kind, a form of the kind). */
#define KINDS(X)                                                                                   \
	X(plain, ((struct form){ .bits = 4, .offset = 1, .halves = 1 }))                           \
	X(wide, ((struct form){ .bits = 8, .offset = 1, .halves = 1 }))                            \
	X(adds, ((struct form){ .bits = 4, .halves = 1, .scales = FORM_F16_ADD }))                 \
	X(halves, ((struct form){ .bits = 4, .offset = 1, .halves = 2 }))                          \
	X(halves_adds, ((struct form){ .bits = 4, .halves = 2, .scales = FORM_NIBBLE_MIN }))
enum kind { KIND_plain, KIND_wide, KIND_adds, KIND_halves, KIND_halves_adds };

#define TILE_M(kind, m, f)                                                                         \
	static void tile_##kind##_##m(const struct wide_panel *w, size_t n_blocks, int shift,      \
				      const struct acts_chunk *a, float(*to)[GROUPS][FORM_ROWS],   \
				      struct ahead *ahead)                                         \
	{                                                                                          \
		many_tile(f, m, w, n_blocks, shift, a, to, ahead);                                 \
	}
#define TILES(kind, f)                                                                             \
	TILE_M(kind, 1, f)                                                                         \
	TILE_M(kind, 2, f)                                                                         \
	TILE_M(kind, 3, f)
#define TILES_ROW(kind, f) [KIND_##kind] = { tile_##kind##_1, tile_##kind##_2, tile_##kind##_3 },
KINDS(TILES)
static const tile_fn tile_fns[][TILE] = { KINDS(TILES_ROW) };

#define UNPACK(type, bits, offset, halves, levels, scales)                                         \
	static void unpack_##type(const uint8_t *p, size_t n_blocks, size_t g,                     \
				  struct wide_panel *to)                                           \
	{                                                                                          \
		many_unpack((struct form){ bits, offset, halves, levels, scales }, p, n_blocks, g, \
			    to);                                                                   \
	}
#define UNPACK_ROW(type, bits, offset, halves, levels, scales) [QUANT_##type] = unpack_##type,
FORMS(UNPACK)
static const unpack_fn unpack_fns[] = { FORMS(UNPACK_ROW) };

static enum kind kind_of(const struct form f)
{
	if (f.halves == 2)
		return form_adds(f) ? KIND_halves_adds : KIND_halves;
	if (form_adds(f))
		return KIND_adds;
	return wide_values(f) ? KIND_wide : KIND_plain;
}

/* n tokens, MANY_TOKENS at most, over the chunk in the panel, in tiles of about one size. */
static void many_chunk(const struct form f, struct wide_panel *w, size_t n_blocks,
		       const struct acts_chunk *a, size_t n, struct ahead *ahead)
{
	const tile_fn *fns = tile_fns[kind_of(f)];
	const int shift = f.offset == 0 ? 0 : __builtin_ctz(f.offset);
	size_t n_tiles = (n + TILE - 1) / TILE, each = n / n_tiles, longer = n % n_tiles;

	ahead->each = (ahead->n_groups * ahead->n_lines - 1) / (n_tiles * n_blocks) + 1;
	for (size_t t = 0, i = 0; t < n_tiles; t++) {
		size_t m = each + (t < longer);

		fns[m - 1](w, n_blocks, shift, a + i, &w->acc[i], ahead);
		i += m;
	}
}

/* A panel's rows [0, n_rows) times n tokens from a[0] on. */
static void many_panel(const struct packed *w, const uint8_t *p, size_t n_rows,
		       const struct acts *acts, size_t first, size_t n, float *out, size_t ldo,
		       struct wide_panel *panel)
{
	const struct acts_chunk *a = acts->chunks + first;
	const struct form f = *form_of(w->type);
	const uint8_t *at = p;

	memset(panel->acc, 0, n * sizeof(panel->acc[0]));
	for (size_t left = w->cols / FORM_BLOCK; left > 0; a += acts->n) {
		size_t n_blocks = MIN(left, FORM_BLOCKS), each = form_chunk_bytes(f, n_blocks);
		struct ahead ahead = {
			.p = left > n_blocks ? at + each : p + GROUPS * w->group_bytes,
			.stride = w->group_bytes,
			.n_lines = each / 64,
			.n_groups = (n_rows + FORM_ROWS - 1) / FORM_ROWS,
		};

		for (size_t g = 0; g * FORM_ROWS < n_rows; g++)
			unpack_fns[w->type](at + g * w->group_bytes, n_blocks, g, panel);
		many_chunk(f, panel, n_blocks, a, n, &ahead);
		at += each;
		left -= n_blocks;
	}
	for (size_t i = 0; i < n; i++)
		memcpy(out + (first + i) * ldo, panel->acc[i], n_rows * sizeof(*out));
}

/* Rows [r0, r1) times all tokens. */
static void many_tokens(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
			float *out, size_t ldo, struct wide_panel *panel)
{
	for (size_t r = r0; r < r1; r += PANEL) {
		const uint8_t *p = w->data + r / FORM_ROWS * w->group_bytes;
		size_t n_rows = MIN(r1 - r, PANEL);

		if (n_rows <= PANEL - FORM_ROWS) /* groups that are not there shall be finite */
			memset(panel, 0, offsetof(struct wide_panel, acc));
		for (size_t i = 0; i < a->n; i += MANY_TOKENS)
			many_panel(w, p, n_rows, a, i, MIN(a->n - i, MANY_TOKENS), out + (r - r0),
				   ldo, panel);
	}
}

#endif
