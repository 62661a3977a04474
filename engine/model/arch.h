/*
 * Inside engine/model: what an architecture is made of: a name, tables of the tensors that its
 * files hold, what it reads from the metadata, and a forward function. To add one: a file with
 * these, and a row in arch.c.
 */
#ifndef ENGINE_MODEL_ARCH_H
#define ENGINE_MODEL_ARCH_H

#include "engine/gguf/gguf.h"
#include "engine/model/model.h"

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
	USE_ROWS,   /* one row at a time: into a struct rows, for row_read() */
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

/*
 * A table whose rows are looked up: as the file has it, or within a matrix that is packed anyway.
 */
struct rows {
	enum quant_type type;
	size_t cols;
	const uint8_t *data;
	const struct packed *packed; /* in place of data, or NULL */
};

static inline bool rows_there(const struct rows *r)
{
	return r->data != NULL || r->packed != NULL;
}

/* The weights of a layer. What a file does not have is NULL, and a matrix of no rows. */
struct layer {
	struct packed q, k, v;
	struct packed qkv; /* in place of the three */
	const float *q_bias, *k_bias, *v_bias;
	const float *q_norm, *k_norm; /* of each head */
	struct packed attn_out;
	const float *attn_out_bias;
	struct packed gate, up, down;
	const float *gate_bias, *up_bias, *down_bias;
	const float *attn_norm, *attn_norm_bias; /* before attention, or after it (bert) */
	const float *ffn_norm, *ffn_norm_bias;   /* before the feed-forward, or after it (bert) */
};

/* Rotary positions: pair i of a head turns by position * frequency[i]. */
struct rope {
	uint32_t n_dims; /* of a head that are rotated; 0: none */
	enum rope_pairs pairs;
	double *frequency;   /* [n_dims / 2], owned */
	float magnitude;     /* of cosine and sine */
	const float *factor; /* [n_dims / 2]: what the file divides frequencies by, or NULL */
};

struct model {
	struct model_shape shape;
	const struct arch *arch;
	const struct gguf *gguf; /* while it is being opened; NULL then */
	const struct kernels *kernels;
	float eps; /* of the norms */
	struct rope rope;

	struct rows embd, positions, types;
	const float *embd_norm, *embd_norm_bias;
	const float *output_norm;
	struct packed output;
	struct layer *layers;

	uint8_t *packed; /* all packed matrices: a mapping */
	size_t packed_bytes;
	float *vectors; /* all vectors */
	uint8_t *rows;  /* all tables of rows that are not packed */
};

struct arch {
	const char *name;
	bool causal;
	bool rope;
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

/* Read shape, eps and rope of the file's architecture into m, whose arch and gguf are set. */
int shape_read(struct model *m, struct ragd_err *err);
/* What a dimension of a table is here. */
uint64_t shape_dim(const struct model *m, enum dim d);

int rope_read(struct model *m, struct ragd_err *err);
/* Once the file's factors are bound: divide the frequencies by them. */
int rope_factors(struct model *m, struct ragd_err *err);
/* Cosine and sine of a position, [n_dims / 2] each. */
void rope_angles(const struct rope *rope, size_t position, float *cosine, float *sine);

/* One tensor of the file and where it goes. */
struct binding {
	const struct gguf_tensor *tensor;
	const struct tensor_rule *rule;
	void *to;
};

struct bindings {
	struct binding *list;
	size_t n, cap;
};

/* All tensors of the file against the tables; m->layers is there. */
int bind_tensors(struct model *m, struct bindings *out, struct ragd_err *err);
void bindings_fini(struct bindings *b);

/* Row i as floats. */
void row_read(const struct rows *r, size_t i, float *out);

static inline bool packed_is_integer(const struct packed *p)
{
	return p->rows > 0 && p->type != QUANT_F32 && p->type != QUANT_F16 && p->type != QUANT_BF16;
}

#endif
