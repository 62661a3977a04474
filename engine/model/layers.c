/*
 * The blocks of a forward pass and the two orders in which models put them together. Between
 * products, work goes token by token: what is added, normed, rotated and quantised stays in the
 * cache of one core, and threads meet once for all of it.
 */
#include "engine/model/layers.h"

#include <string.h>

#include "base/util.h"
#include "engine/model/run.h"

/* Tokens that a thread takes at a time. */
#define GRAIN 4

static bool any_integer(const struct packed *a, const struct packed *b, const struct packed *c)
{
	return packed_is_integer(a) || packed_is_integer(b) || packed_is_integer(c);
}

static void quantise_rows(void *arg, size_t from, size_t to, unsigned worker)
{
	(void)worker;
	products_quantise(arg, from, to);
}

/* Rows that are complete become what the next products multiply. */
static void acts_take(struct run *r, const float *x, size_t cols, bool integer)
{
	products_take(r, x, cols, integer);
	if (integer)
		run_over(r, r->n, GRAIN, r->n * cols, quantise_rows, r);
}

/* ---- tokens in ------------------------------------------------------------------------------ */

/* type: of the text that the token belongs to, the first or the second of a pair. */
static void embed_token(const struct run *r, size_t row, size_t id, size_t position, size_t type)
{
	const struct model *m = r->m;
	size_t n = m->shape.n_embd, pairs = m->rope.n_dims / 2;
	float *x = r->x + row * n, *other = r->h + row * n;

	rows_read(&m->embd, id, x);
	if (rows_there(&m->types)) {
		rows_read(&m->types, MIN(type, m->types.n - 1), other);
		r->k->add(x, other, n);
	}
	if (rows_there(&m->positions)) {
		rows_read(&m->positions, position, other);
		r->k->add(x, other, n);
	}
	if (m->embd_norm != NULL)
		r->k->layer_norm(x, m->embd_norm, m->embd_norm_bias, n, m->eps, x);
	if (pairs > 0)
		rope_angles(&m->rope, position, r->cosine + row * pairs, r->sine + row * pairs);
}

static void embed_tiles(void *arg, size_t from, size_t to, unsigned worker)
{
	const struct run *r = arg;

	(void)worker;
	for (const struct tile *t = r->tiles + from; t < r->tiles + to; t++) {
		const struct run_span *s = &r->spans[t->span];
		const struct segment *of = &r->segments[t->span];

		for (size_t i = t->from; i < t->to; i++)
			embed_token(r, s->row + i, (size_t)of->ids[i], s->first + i,
				    of->second > 0 && i >= of->second);
	}
}

static void layer_embed(struct run *r)
{
	run_over(r, r->n_tiles, 1, r->n * r->m->shape.n_embd, embed_tiles, r);
	r->pending = false;
}

/* ---- norms ---------------------------------------------------------------------------------- */

struct norm {
	struct run *r;
	const float *weight, *bias;
	bool rms;
	float *to;
};

static void norm_rows(void *arg, size_t from, size_t to, unsigned worker)
{
	const struct norm *norm = arg;
	struct run *r = norm->r;
	const struct kernels *k = r->k;
	size_t n = r->m->shape.n_embd;

	(void)worker;
	for (size_t i = from; i < to; i++) {
		float *x = r->x + i * n, *y = norm->to + i * n;

		if (r->pending) { /* the residual add of the block before: layers.h */
			k->add(x, r->delta + i * n, n);
			if (r->delta_bias != NULL)
				k->add(x, r->delta_bias, n);
		}
		if (norm->rms)
			k->rms_norm(x, norm->weight, n, r->m->eps, y);
		else
			k->layer_norm(x, norm->weight, norm->bias, n, r->m->eps, y);
		if (r->acts.integer)
			products_quantise(r, i, i + 1);
	}
}

/*
 * The residual stream, with what is pending, through a norm: that is what the next products take.
 */
static void layer_norm(struct run *r, const struct norm *norm, bool integer)
{
	products_take(r, norm->to, r->m->shape.n_embd, integer);
	run_over(r, r->n, GRAIN, r->n * r->m->shape.n_embd, norm_rows, (void *)norm);
	r->pending = false;
}

static void layer_norm_rms(struct run *r, const float *weight, float *to, bool integer)
{
	layer_norm(r, &(struct norm){ r, weight, NULL, true, to }, integer);
}

/* After a block: the norm is of the residual stream itself. */
static void layer_norm_after(struct run *r, const float *weight, const float *bias, bool integer)
{
	layer_norm(r, &(struct norm){ r, weight, bias, false, r->x }, integer);
}

/* ---- attention ------------------------------------------------------------------------------ */

struct attending {
	struct run *r;
	const struct layer *l;
	size_t page_offset;
	bool last; /* only the wanted tokens ask */
	const struct tile *tiles, *blocks;
	size_t n_tiles, n_blocks;
};

/* One token's heads: biases, norms, rotation. */
static void heads_turn(const struct run *r, const struct layer *l, size_t row)
{
	const struct model *m = r->m;
	const struct kernels *k = r->k;
	size_t n = m->shape.head_dim, n_q = m->shape.n_heads, n_kv = m->shape.n_kv_heads;
	size_t pairs = m->rope.n_dims / 2;
	float *q = r->qkv + row * r->ld_qkv, *keys = q + n_q * n, *values = keys + n_kv * n;

	if (l->q_bias != NULL)
		k->add(q, l->q_bias, n_q * n);
	if (l->k_bias != NULL)
		k->add(keys, l->k_bias, n_kv * n);
	if (l->v_bias != NULL)
		k->add(values, l->v_bias, n_kv * n);
	for (size_t h = 0; h < n_q + n_kv; h++) {
		const float *norm = h < n_q ? l->q_norm : l->k_norm;

		if (norm != NULL)
			k->rms_norm(q + h * n, norm, n, m->eps, q + h * n);
		if (pairs > 0)
			k->rope(q + h * n, 2 * pairs, r->cosine + row * pairs,
				r->sine + row * pairs, m->rope.pairs);
	}
}

static void heads_tiles(void *arg, size_t from, size_t to, unsigned worker)
{
	const struct attending *a = arg;
	const struct run *r = a->r;
	size_t n = r->m->shape.head_dim;

	(void)worker;
	for (const struct tile *t = a->tiles + from; t < a->tiles + to; t++) {
		const struct run_span *s = &r->spans[t->span];
		const float *keys =
			r->qkv + (s->row + t->from) * r->ld_qkv + r->m->shape.n_heads * n;

		for (size_t i = t->from; i < t->to; i++)
			heads_turn(r, a->l, s->row + i);
		r->k->kv_store(&r->kv, s->pages, a->page_offset, s->first + t->from,
			       t->to - t->from, keys, keys + r->m->shape.n_kv_heads * n, r->ld_qkv);
	}
}

/*
 * Item: a head of keys and a block of queries; heads outermost, so that a head's keys and values
 * stay in the cache; the last blocks, which see the most keys, first.
 */
static void attend_items(void *arg, size_t from, size_t to, unsigned worker)
{
	const struct attending *a = arg;
	const struct run *r = a->r;
	const struct model_shape *shape = &r->m->shape;
	size_t width = (size_t)shape->n_heads * shape->head_dim;

	for (size_t item = from; item < to; item++) {
		size_t head = item / a->n_blocks;
		const struct tile *b = &a->blocks[a->n_blocks - 1 - item % a->n_blocks];
		const struct run_span *s = &r->spans[b->span];
		size_t skip = a->last ? s->n - s->n_out : 0;
		struct attention at = {
			.kv = r->kv,
			.n_heads = shape->n_heads,
			.scale = r->attention_scale,
			.causal = shape->causal,
			.first = s->first + skip,
			.n = s->n - skip,
			.n_keys = s->first + s->n,
			.pages = (const uint8_t *const *)s->pages,
			.page_offset = a->page_offset,
			.q = r->qkv + (s->row + skip) * r->ld_qkv,
			.ldq = r->ld_qkv,
			.out = r->att + (a->last ? s->out_row : s->row) * width,
			.ldo = width,
		};

		r->k->attend(&at, b->from, b->to, head, head + 1, run_scratch(r, worker));
	}
}

/* Keys and values of some spans into their pages, then attention of their queries. */
static void attend_spans(struct attending *a)
{
	struct run *r = a->r;
	size_t n_keys = 0;

	run_over(r, a->n_tiles, 1, r->n * r->ld_qkv, heads_tiles, a);
	for (size_t i = 0; i < a->n_blocks; i++)
		n_keys += (a->blocks[i].to - a->blocks[i].from) *
			  (r->spans[a->blocks[i].span].first + a->blocks[i].to);
	run_over(r, a->n_blocks * r->kv.n_kv_heads, 1, n_keys * r->ld_qkv, attend_items, a);
}

/* An encoder's keys and values are needed within the layer only: in pages of the run, for as many
 * texts at a time as there are pages. */
static void attend_rounds(struct attending *a)
{
	struct run *r = a->r;
	size_t tile = 0, block = 0;

	for (size_t i = 0; i < r->n_segments;) {
		size_t pages = 0, tile_end, block_end;

		for (; i < r->n_segments; i++) {
			size_t need = (r->spans[i].n + KV_PAGE - 1) / KV_PAGE;

			if (pages + need > r->n_pages)
				break;
			r->spans[i].pages = r->page_list + pages;
			pages += need;
		}
		for (tile_end = tile; tile_end < r->n_tiles && r->tiles[tile_end].span < i;)
			tile_end++;
		for (block_end = block; block_end < r->n_blocks && r->blocks[block_end].span < i;)
			block_end++;
		a->tiles = r->tiles + tile;
		a->n_tiles = tile_end - tile;
		a->blocks = r->blocks + block;
		a->n_blocks = block_end - block;
		attend_spans(a);
		tile = tile_end;
		block = block_end;
	}
}

/* From here on only the rows that somebody wants. */
static void rows_narrow(struct run *r)
{
	size_t n = r->m->shape.n_embd;

	for (size_t i = 0; i < r->n_segments; i++) {
		const struct run_span *s = &r->spans[i];

		if (s->n_out > 0)
			memmove(r->x + s->out_row * n, r->x + (s->row + s->n - s->n_out) * n,
				s->n_out * n * sizeof(float));
	}
	r->n = r->n_outputs;
}

static void layer_attention(struct run *r, size_t layer)
{
	const struct model_shape *shape = &r->m->shape;
	const struct layer *l = &r->m->layers[layer];
	size_t n_q = (size_t)shape->n_heads * shape->head_dim;
	size_t n_kv = (size_t)shape->n_kv_heads * shape->head_dim;
	struct attending a = { .r = r,
			       .l = l,
			       .last = layer + 1 == shape->n_layers && r->n_outputs < r->n,
			       .tiles = r->tiles,
			       .n_tiles = r->n_tiles };

	if (l->qkv.rows > 0)
		products_run(r, &(struct product){ &l->qkv, r->qkv, r->ld_qkv }, 1);
	else
		products_run(r,
			     (struct product[]){ { &l->q, r->qkv, r->ld_qkv },
						 { &l->k, r->qkv + n_q, r->ld_qkv },
						 { &l->v, r->qkv + n_q + n_kv, r->ld_qkv } },
			     3);
	if (a.last)
		run_blocks(r, true);
	a.blocks = r->blocks;
	a.n_blocks = r->n_blocks;
	if (shape->causal) {
		a.page_offset = layer * r->kv_bytes;
		attend_spans(&a);
	} else {
		attend_rounds(&a);
	}
	if (a.last)
		rows_narrow(r);
	acts_take(r, r->att, n_q, packed_is_integer(&l->attn_out));
	products_run(r, &(struct product){ &l->attn_out, r->delta, shape->n_embd }, 1);
	r->delta_bias = l->attn_out_bias;
	r->pending = true;
}

/* ---- feed-forward --------------------------------------------------------------------------- */

struct gelu {
	struct run *r;
	const float *bias;
};

static void gelu_rows(void *arg, size_t from, size_t to, unsigned worker)
{
	const struct gelu *g = arg;
	struct run *r = g->r;
	size_t n = r->m->shape.n_ff;

	(void)worker;
	for (size_t i = from; i < to; i++) {
		if (g->bias != NULL)
			r->k->add(r->ff + i * n, g->bias, n);
		r->k->gelu(r->ff + i * n, r->ff + i * n, n);
		if (r->acts.integer)
			products_quantise(r, i, i + 1);
	}
}

static void layer_ffn(struct run *r, const struct layer *l)
{
	size_t n = r->m->shape.n_ff;
	bool integer = packed_is_integer(&l->down);

	if (l->gate.rows > 0) {
		products_gated(r, l);
		acts_take(r, r->ff, n, integer);
	} else {
		products_run(r, &(struct product){ &l->up, r->ff, n }, 1);
		products_take(r, r->ff, n, integer);
		run_over(r, r->n, GRAIN, r->n * n, gelu_rows, &(struct gelu){ r, l->up_bias });
	}
	products_run(r, &(struct product){ &l->down, r->delta, r->m->shape.n_embd }, 1);
	r->delta_bias = l->down_bias;
	r->pending = true;
}

/* ---- forward functions ---------------------------------------------------------------------- */

void layers_decoder(struct run *r)
{
	const struct model *m = r->m;

	layer_embed(r);
	for (size_t i = 0; i < m->shape.n_layers; i++) {
		const struct layer *l = &m->layers[i];

		layer_norm_rms(r, l->attn_norm, r->h, any_integer(&l->q, &l->k, &l->v));
		layer_attention(r, i);
		layer_norm_rms(r, l->ffn_norm, r->h, any_integer(&l->gate, &l->up, &l->up));
		layer_ffn(r, l);
	}
	if (r->what == RUN_HIDDEN) {
		layer_norm_rms(r, m->output_norm, r->out, false);
		return;
	}
	layer_norm_rms(r, m->output_norm, r->h, packed_is_integer(&m->output));
	products_run(r, &(struct product){ &m->output, r->out, m->shape.n_vocab }, 1);
}

/*
 * Whether the products that a layer begins with are of integers; past the last layer there are
 * none.
 */
static bool begins_integer(const struct model *m, size_t layer)
{
	const struct layer *l = &m->layers[layer];

	return layer < m->shape.n_layers &&
	       (any_integer(&l->q, &l->k, &l->v) || packed_is_integer(&l->qkv));
}

void layers_encoder(struct run *r)
{
	const struct model *m = r->m;
	size_t n = m->shape.n_embd;

	layer_embed(r);
	acts_take(r, r->x, n, begins_integer(m, 0));
	for (size_t i = 0; i < m->shape.n_layers; i++) {
		const struct layer *l = &m->layers[i];

		layer_attention(r, i);
		layer_norm_after(r, l->attn_norm, l->attn_norm_bias,
				 any_integer(&l->gate, &l->up, &l->up));
		layer_ffn(r, l);
		layer_norm_after(r, l->ffn_norm, l->ffn_norm_bias, begins_integer(m, i + 1));
		if (r->between != NULL)
			r->between(r->between_arg);
	}
	memcpy(r->out, r->x, r->n * n * sizeof(float));
}
