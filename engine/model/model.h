/*
 * A model: what an architecture computes with the weights of a file. Opening reads the shape from
 * the metadata, checks every tensor against it, packs the weights (engine/packed/pack.h) and is
 * done with the file: what may happen to that later is nothing to the model. An open model is
 * read-only and shared between runs.
 */
#ifndef ENGINE_MODEL_MODEL_H
#define ENGINE_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

#include "engine/kernels/kernels.h"
#include "engine/threads/threads.h"

struct gguf;
struct model;

/* Numbered as `pooling_type` of a file. */
enum model_pooling { POOLING_NONE, POOLING_MEAN, POOLING_CLS, POOLING_LAST, POOLING_RANK };

/* The shape: what an architecture read from the metadata. */
struct model_shape {
	const char *architecture; /* "llama" */
	uint32_t n_layers;
	uint32_t n_embd;
	uint32_t n_heads;
	uint32_t n_kv_heads;
	uint32_t head_dim;
	uint32_t n_ff;
	uint32_t n_vocab;
	uint32_t n_context; /* trained for; rope scaling counted in */
	bool causal;        /* false: an encoder (bert), which has no logits and no cache */
	enum model_pooling
		pooling; /* what the file says; POOLING_LAST for a causal model that says nothing */
	bool ranks; /* POOLING_RANK: a head makes a number of a query and a passage, not a vector */
	uint64_t weight_bytes; /* packed weights that one token's forward pass reads */
	uint64_t table_bytes;  /* next to them in memory: tables, of which it reads a row */
};

struct model_options {
	struct threads *threads;       /* borrowed: packs the weights */
	const struct kernels *kernels; /* NULL: the best */
	/* Called now and then while weights are packed, with 0 … 1; returns false to give up
	 * (-ECANCELED). May be NULL. */
	bool (*progress)(void *arg, double done);
	void *progress_arg;
	bool huge_pages; /* ask for them for the packed weights */
};

/*
 * g is borrowed and not needed any more afterwards. -ENOTSUP names an architecture, a rope scaling
 * or the like that is not supported; -EINVAL a tensor that is missing or of another shape than the
 * metadata says, or a file that has become shorter meanwhile, -ESTALE one that was changed;
 * -ENOMEM.
 */
int model_open(const struct gguf *g, const struct model_options *opt, struct model **out,
	       struct ragd_err *err);
/*
 * The same without its weights: what opening will take is known before anything is allocated. For
 * model_shape() (weight_bytes included), model_page_bytes(), run_bytes() and engine_plan(); it
 * cannot run.
 */
int model_outline(const struct gguf *g, const struct kernels *kernels, struct model **out,
		  struct ragd_err *err);
void model_close(struct model *m);
const struct model_shape *model_shape(const struct model *m);
const struct kernels *model_kernels(const struct model *m);

/* Bytes of a page of the KV cache: KV_PAGE tokens, all layers. */
size_t model_page_bytes(const struct model *m, enum kv_type type);

/* Consecutive tokens of one sequence in a forward pass. */
struct segment {
	const int32_t *ids; /* each < n_vocab */
	size_t n;           /* at least 1 */
	size_t first;       /* position of ids[0]: the cache holds what comes before it */
	/*
	 * The sequence's pages, enough for first + n tokens; written from `first` on. NULL for an
	 * encoder, whose segments are whole texts (first = 0).
	 */
	uint8_t *const *pages;
	size_t n_outputs; /* of the last tokens of the segment: 0 … n rows of output */
	/* An encoder's: tokens from this one on are the second text of a pair; 0: there is none. */
	size_t second;
};

/*
 * Scratch memory for forward passes, all of it allocated at once; one thread at a time. A pass
 * takes at most max_tokens tokens in all segments and gives at most max_outputs rows of output.
 */
struct run;
size_t run_bytes(const struct model *m, size_t max_tokens, size_t max_outputs, unsigned n_threads);
int run_new(const struct model *m, struct threads *t, enum kv_type type, size_t max_tokens,
	    size_t max_outputs, struct run **out, struct ragd_err *err);
void run_free(struct run *r);

enum run_output {
	RUN_LOGITS, /* rows of n_vocab: logits of the token after */
	RUN_HIDDEN, /* rows of n_embd: the last layer's, after its norm: for embeddings */
};

/*
 * One pass over all segments. Rows come in the order of the segments and their tokens and stay
 * valid until the next pass. What a segment gets does not depend, to the last bit, on the other
 * segments or on how the tokens before it were cut into passes. 0; -EINVAL for ids or sizes out of
 * range.
 */
int run_forward(struct run *r, const struct segment *segments, size_t n, enum run_output what,
		const float **rows, struct ragd_err *err);

/*
 * From now on fn is called between the layers of a pass of an encoder, for what cannot wait for its
 * end; it may use any run but this one. NULL: nothing is.
 */
void run_between(struct run *r, void (*fn)(void *arg), void *arg);

/* Between two passes: gives its memory back to the system until the next one. */
void run_trim(struct run *r);

/*
 * One text's hidden rows to one vector of unit length: mean of the rows, the first, or the last.
 * rows: [n][n_embd].
 */
void run_pool(const struct model_shape *s, enum model_pooling pooling, const float *rows, size_t n,
	      float *out);
/*
 * How relevant a passage is to a query, from the hidden rows of both as one text, by the head of a
 * model that ranks: a logit, the higher the better. scratch: [2 * n_embd].
 */
float run_rank(const struct model *m, const float *rows, float *scratch);

#endif
