/*
 * Inside engine/model: what an architecture is made of: a name, tables of the tensors that its
 * files hold, what it reads from the metadata, and a forward function. To add one: a file with
 * these, and a row in arch.c.
 */
#ifndef ENGINE_MODEL_ARCH_ARCH_H
#define ENGINE_MODEL_ARCH_ARCH_H

#include "engine/model/weights.h"

struct run;

/* What tables call the dimensions of a tensor. */
enum dim {
	DIM_ONE,
	DIM_EMBD,
	DIM_VOCAB,
	DIM_Q,    /* n_heads * head_dim */
	DIM_KV,   /* n_kv_heads * head_dim */
	DIM_QKV,  /* DIM_Q + 2 * DIM_KV */
	DIM_HEAD, /* head_dim */
	DIM_FF,
	DIM_PAIRS,   /* pairs of a head that are rotated */
	DIM_CONTEXT, /* n_context or more: absolute positions */
	DIM_ANY,     /* at least one */
};

enum tensor_use {
	USE_MATRIX, /* packed, into a struct packed */
	USE_VECTOR, /* as floats, into a const float * */
	USE_ROWS,   /* looked up a row at a time: into a struct rows */
	USE_NONE,   /* known, and not needed */
};

struct tensor_rule {
	const char *name;
	bool layered; /* there is one for every layer: "blk.<layer>.<name>" */
	bool optional;
	enum tensor_use use;
	enum dim cols, rows;
	size_t at;            /* where it goes in struct layer, or in struct model */
	const char *fallback; /* what serves where it is missing: the name of another tensor */
};

struct arch {
	const char *name;
	bool causal;
	bool rope;
	bool ranks; /* may have a head that ranks */
	enum rope_pairs pairs;
	const char *eps_key;
	const struct tensor_rule *const *tables; /* each ends with a NULL name; NULL at the end */
	void (*forward)(struct run *r);
};

extern const struct arch arch_llama;
extern const struct arch arch_qwen2;
extern const struct arch arch_qwen3;
extern const struct arch arch_bert;
extern const struct arch arch_nomic_bert;

/* The i-th; NULL at the end. */
const struct arch *arch_at(size_t i);

/* Rows of tables. */
#define ROW_LAYER(member) .layered = true, .at = offsetof(struct layer, member)
#define ROW_MODEL(member) .at = offsetof(struct model, member)

/* tensors.c: tables that architectures share. */
extern const struct tensor_rule
	tensors_decoder[];                     /* embedding, output, norms, attention out, FFN */
extern const struct tensor_rule tensors_qkv[]; /* q, k, v apart */

#endif
