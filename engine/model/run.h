/*
 * Inside engine/model: the state of a forward pass, shared by run.c (memory, segments), products.c
 * (matrices) and layers.c (everything that an architecture's forward function is put together
 * from).
 */
#ifndef ENGINE_MODEL_RUN_H
#define ENGINE_MODEL_RUN_H

#include "engine/model/weights.h"

/* A segment in the rows of a pass. */
struct run_span {
	size_t row;   /* of its first token */
	size_t n;     /* tokens */
	size_t first; /* position of the first */
	uint8_t *const *pages;
	size_t out_row; /* of its wanted tokens, the last n_out, once only those are left */
	size_t n_out;
};

/* Tokens of a span that lie in one page of its cache. */
struct tile {
	uint32_t span;
	uint32_t from, to; /* tokens of the span */
};

struct run {
	const struct model *m;
	const struct kernels *k;
	struct threads *threads;
	unsigned n_threads;
	size_t max_tokens, max_outputs;
	struct kv_shape kv;
	size_t kv_bytes; /* of a layer's part of a page */
	float attention_scale;

	/* The pass. Rows are tokens; `n` of them are left in x. */
	size_t n;
	const struct segment *segments;
	size_t n_segments, n_outputs;
	enum run_output what;
	struct run_span *spans;
	struct tile *tiles; /* by pages, for keys and values */
	size_t n_tiles;
	struct tile *blocks; /* of queries, for attention */
	size_t n_blocks;

	float *x;             /* [n][n_embd]: the residual stream */
	float *h;             /* [n][n_embd]: normed */
	float *delta;         /* [n][n_embd]: what is to be added to x, see layers.h */
	float *qkv;           /* [n][ld_qkv]: queries, keys, values side by side */
	float *att;           /* [n][n_heads * head_dim] */
	float *ff;            /* [n][n_ff]; shares memory with qkv and att */
	float *cosine, *sine; /* [n][rope.n_dims / 2] */
	float *out;           /* [n_outputs][n_vocab or n_embd] */
	size_t ld_qkv;
	const float *delta_bias; /* added with delta, or NULL */
	bool pending;            /* x lacks delta and its bias: only a norm may read it */

	/* What the next products multiply: as floats, and quantised if one of them needs that. */
	struct acts plain, acts;
	void *acts_memory;
	bool fine;     /* products_fine() */
	float *fine_x; /* [2 n][columns]: rows, then what their quants leave of them */

	/* [n_threads][scratch_bytes]: of kernels, then rows of a gated piece, then of a fine one */
	uint8_t *scratch;
	size_t scratch_bytes, gated_offset, fine_offset;

	uint8_t **page_list; /* an encoder's keys and values: pages of one layer */
	uint8_t *page_memory;
	size_t n_pages;

	void (*between)(void *arg); /* layers; NULL: nothing */
	void *between_arg;

	uint8_t *memory; /* all of the above */
	size_t memory_bytes;
};

/* Few tokens: matrices are limited by memory, and cut into longer pieces, of at most these rows. */
#define RUN_FEW      8
#define RUN_FEW_ROWS 512

/* A matrix and where its product with r->acts goes. */
struct product {
	const struct packed *w;
	float *out;
	size_t ldo;
};

/*
 * Whether activations are multiplied in two parts, their quants and the quants of what those leave:
 * some 15 bits instead of 8. In a small model the error of a row does not average out over its few
 * numbers, and the time does not matter.
 */
bool products_fine(const struct model *m);
/*
 * Rows of `cols` numbers in x are what the next products multiply; the caller fills them in, and
 * where a matrix of integers is among those, has them quantised.
 */
void products_take(struct run *r, const float *x, size_t cols, bool integer);
void products_quantise(struct run *r, size_t from, size_t to);

/* out = products of all rows taken with each matrix; together one list of pieces of work. */
void products_run(struct run *r, const struct product *list, size_t n);
/* ff = silu(gate x) * (up x) */
void products_gated(struct run *r, const struct layer *l);

/* Cut the queries of all spans into r->blocks: all of them, or only the wanted ones. */
void run_blocks(struct run *r, bool wanted);

/* fn over n items, by the caller alone where `work` (numbers touched) is too small to share. */
void run_over(struct run *r, size_t n, size_t grain, size_t work, threads_fn fn, void *arg);

static inline uint8_t *run_scratch(const struct run *r, unsigned worker)
{
	return r->scratch + worker * r->scratch_bytes;
}

#endif
