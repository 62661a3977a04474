/* The shape of a model from the metadata of its file, every number of it doubted. */
#include "engine/model/shape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/gguf/gguf.h"

/* Far beyond any model there is; products of two of them do not overflow 64 bits, and positions and
 * sizes of rows stay exact. */
#define EMBD_MAX    (1u << 18)
#define FF_MAX      (1u << 20)
#define HEADS_MAX   (1u << 12)
#define HEAD_MAX    256 /* what the kernels' scratch memory is made for */
#define VOCAB_MAX   (1u << 24)
#define CONTEXT_MAX (1u << 26)
#define LAYERS_MAX  (1u << 12)

struct number {
	const char *key;
	uint32_t *to;
	uint32_t max;
};

static int number_read(const struct model *m, const struct number *n, struct ragd_err *err)
{
	uint32_t value;

	if (!gguf_arch_u32(m->gguf, n->key, &value))
		return ragd_err_set(err, -EINVAL,
				    "model of architecture '%s': '%s.%s' is missing or no whole "
				    "number",
				    m->arch->name, m->arch->name, n->key);
	if (value == 0 || value > n->max)
		return ragd_err_set(err, -EINVAL,
				    "model of architecture '%s': '%s' is %u, not 1 to %u",
				    m->arch->name, n->key, (unsigned)value, (unsigned)n->max);
	*n->to = value;
	return 0;
}

/* Forms of llama-like models that this engine does not have, each named by its key. */
static int unsupported_read(const struct model *m, struct ragd_err *err)
{
	static const char *const keys[] = {
		"expert_count",
		"expert_used_count",
		"attn_logit_softcapping",
		"final_logit_softcapping",
		"attention.max_alibi_bias",
		"attention.clamp_kqv",
	};
	const char *name = m->arch->name;
	uint32_t window = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		uint32_t u = 0;
		float f = 0;

		if ((gguf_arch_u32(m->gguf, keys[i], &u) && u != 0) ||
		    (gguf_arch_f32(m->gguf, keys[i], &f) && f != 0))
			return ragd_err_set(err, -ENOTSUP,
					    "model of architecture '%s': '%s.%s' is not supported",
					    name, name, keys[i]);
	}
	if (gguf_arch_u32(m->gguf, "attention.sliding_window", &window) && window != 0 &&
	    window < m->shape.n_context)
		return ragd_err_set(err, -ENOTSUP,
				    "model of architecture '%s': attention in a sliding window of "
				    "%u tokens is not supported",
				    name, (unsigned)window);
	return 0;
}

static int heads_read(struct model *m, struct ragd_err *err)
{
	struct model_shape *s = &m->shape;
	const char *name = m->arch->name;
	uint32_t value_dim;
	int rc;

	s->n_kv_heads = s->n_heads;
	if (gguf_arch_u32(m->gguf, "attention.head_count_kv", &s->n_kv_heads)) {
		rc = number_read(
			m, &(struct number){ "attention.head_count_kv", &s->n_kv_heads, HEADS_MAX },
			err);
		if (rc < 0)
			return rc;
	} else {
		struct gguf_array each;
		char key[96];

		snprintf(key, sizeof(key), "%s.attention.head_count_kv", name);
		if (gguf_array(m->gguf, key, &each))
			return ragd_err_set(
				err, -ENOTSUP,
				"model of architecture '%s': heads whose number differs from "
				"layer to layer are not supported",
				name);
	}
	if (s->n_heads % s->n_kv_heads != 0)
		return ragd_err_set(err, -EINVAL,
				    "model of architecture '%s': %u heads of queries are no "
				    "multiple of %u of keys",
				    name, (unsigned)s->n_heads, (unsigned)s->n_kv_heads);
	if (!gguf_arch_u32(m->gguf, "attention.key_length", &s->head_dim)) {
		if (s->n_embd % s->n_heads != 0)
			return ragd_err_set(err, -EINVAL,
					    "model of architecture '%s': an embedding of %u "
					    "numbers does not divide into %u heads",
					    name, (unsigned)s->n_embd, (unsigned)s->n_heads);
		s->head_dim = s->n_embd / s->n_heads;
	}
	value_dim = s->head_dim;
	if (gguf_arch_u32(m->gguf, "attention.value_length", &value_dim) &&
	    value_dim != s->head_dim)
		return ragd_err_set(err, -ENOTSUP,
				    "model of architecture '%s': heads of %u numbers in keys and "
				    "%u in values are not supported",
				    name, (unsigned)s->head_dim, (unsigned)value_dim);
	if (s->head_dim == 0 || s->head_dim % 8 != 0 || s->head_dim > HEAD_MAX)
		return ragd_err_set(err, s->head_dim == 0 ? -EINVAL : -ENOTSUP,
				    "model of architecture '%s': heads of %u numbers are not "
				    "supported, only multiples of 8 up to %u",
				    name, (unsigned)s->head_dim, HEAD_MAX);
	return 0;
}

/* As many rows as the embedding has, which must be what the vocabulary says. */
static int vocab_read(struct model *m, struct ragd_err *err)
{
	const struct gguf_tensor *embd = gguf_tensor(m->gguf, "token_embd.weight");
	struct gguf_array tokens;
	uint32_t said;

	if (embd == NULL)
		return ragd_err_set(err, -EINVAL,
				    "model of architecture '%s': tensor 'token_embd.weight' is "
				    "missing",
				    m->arch->name);
	if (embd->dims[1] > VOCAB_MAX)
		return ragd_err_set(err, -EINVAL,
				    "model of architecture '%s': 'token_embd.weight' has %llu rows",
				    m->arch->name, (unsigned long long)embd->dims[1]);
	m->shape.n_vocab = (uint32_t)embd->dims[1];
	if (gguf_array(m->gguf, "tokenizer.ggml.tokens", &tokens)) {
		if (tokens.n != m->shape.n_vocab)
			return ragd_err_set(err, -EINVAL,
					    "model of architecture '%s': a vocabulary of %llu "
					    "tokens, but %u rows in 'token_embd.weight'",
					    m->arch->name, (unsigned long long)tokens.n,
					    (unsigned)m->shape.n_vocab);
	} else if (gguf_arch_u32(m->gguf, "vocab_size", &said) && said != m->shape.n_vocab) {
		return ragd_err_set(err, -EINVAL,
				    "model of architecture '%s': a vocabulary of %u tokens, but "
				    "%u rows in 'token_embd.weight'",
				    m->arch->name, (unsigned)said, (unsigned)m->shape.n_vocab);
	}
	return 0;
}

/*
 * A pair of texts gets a type of token for each where the model was trained so; what says how many
 * there are must be right, else the passage would be read as part of the query.
 */
static int head_types_check(const struct model *m, struct ragd_err *err)
{
	const struct gguf_tensor *types = gguf_tensor(m->gguf, "token_types.weight");
	uint64_t rows = types != NULL ? types->dims[1] : 0;
	uint32_t said;

	if (!gguf_u32(m->gguf, "tokenizer.ggml.token_type_count", &said) || said == rows)
		return 0;
	return ragd_err_set(err, -EINVAL,
			    "model of architecture '%s': %u types of tokens, but %llu rows in "
			    "'token_types.weight'",
			    m->arch->name, (unsigned)said, (unsigned long long)rows);
}

/* The tensors of a head that ranks; their shapes are checked when they are bound. */
static int head_check(const struct model *m, struct ragd_err *err)
{
	const struct gguf_tensor *output = gguf_tensor(m->gguf, "cls.output.weight");

	if (output == NULL)
		return ragd_err_set(err, -EINVAL,
				    "model of architecture '%s': it ranks (pooling type 4), but "
				    "tensor 'cls.output.weight' is missing",
				    m->arch->name);
	if (output->dims[1] != 1)
		return ragd_err_set(err, -ENOTSUP,
				    "model of architecture '%s': a classifier of %llu labels is "
				    "not supported, only of one, which ranks",
				    m->arch->name, (unsigned long long)output->dims[1]);
	if (gguf_tensor(m->gguf, "cls.bias") != NULL && gguf_tensor(m->gguf, "cls.weight") == NULL)
		return ragd_err_set(err, -EINVAL,
				    "model of architecture '%s': 'cls.bias' without 'cls.weight'",
				    m->arch->name);
	return head_types_check(m, err);
}

static bool head_there(const struct model *m)
{
	return m->arch->ranks && (gguf_tensor(m->gguf, "cls.weight") != NULL ||
				  gguf_tensor(m->gguf, "cls.output.weight") != NULL);
}

static int pooling_read(struct model *m, struct ragd_err *err)
{
	uint32_t pooling, most = m->arch->ranks ? POOLING_RANK : POOLING_LAST;

	m->shape.pooling = m->arch->causal ? POOLING_LAST : POOLING_MEAN;
	if (!gguf_arch_u32(m->gguf, "pooling_type", &pooling)) {
		if (!head_there(m))
			return 0;
		pooling = POOLING_RANK; /* older files leave it to whoever runs them */
	}
	if (pooling > most)
		return ragd_err_set(err, -ENOTSUP,
				    "model of architecture '%s': pooling type %u is not supported",
				    m->arch->name, (unsigned)pooling);
	m->shape.pooling = (enum model_pooling)pooling;
	m->shape.ranks = pooling == POOLING_RANK;
	if (m->shape.ranks)
		return head_check(m, err);
	if (head_there(m))
		return ragd_err_set(err, -ENOTSUP,
				    "model of architecture '%s': a classifier with pooling type %u "
				    "is not supported, only with 4, which ranks",
				    m->arch->name, (unsigned)pooling);
	return 0;
}

int shape_read(struct model *m, struct ragd_err *err)
{
	struct model_shape *s = &m->shape;
	const struct number numbers[] = {
		{ "block_count", &s->n_layers, LAYERS_MAX },
		{ "embedding_length", &s->n_embd, EMBD_MAX },
		{ "feed_forward_length", &s->n_ff, FF_MAX },
		{ "attention.head_count", &s->n_heads, HEADS_MAX },
		{ "context_length", &s->n_context, CONTEXT_MAX },
	};
	bool causal;
	int rc = 0;
	char key[96];

	s->architecture = m->arch->name;
	s->causal = m->arch->causal;
	for (size_t i = 0; rc == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		rc = number_read(m, &numbers[i], err);
	if (rc < 0)
		return rc;
	snprintf(key, sizeof(key), "%s.attention.causal", m->arch->name);
	if (gguf_bool(m->gguf, key, &causal) && causal != m->arch->causal)
		return ragd_err_set(err, -ENOTSUP,
				    "model of architecture '%s': '%s' of %s is not supported",
				    m->arch->name, key, causal ? "true" : "false");
	if (!gguf_arch_f32(m->gguf, m->arch->eps_key, &m->eps) || !isfinite(m->eps) || m->eps < 0 ||
	    m->eps > 1)
		return ragd_err_set(err, -EINVAL,
				    "model of architecture '%s': '%s' is missing or not 0 to 1",
				    m->arch->name, m->arch->eps_key);
	rc = unsupported_read(m, err);
	if (rc == 0)
		rc = heads_read(m, err);
	if (rc == 0)
		rc = vocab_read(m, err);
	if (rc == 0)
		rc = pooling_read(m, err);
	if (rc == 0 && m->arch->rope)
		rc = rope_read(m, err);
	return rc;
}

uint64_t shape_dim(const struct model *m, enum dim d)
{
	const struct model_shape *s = &m->shape;
	uint64_t q = (uint64_t)s->n_heads * s->head_dim, kv = (uint64_t)s->n_kv_heads * s->head_dim;

	switch (d) {
	case DIM_EMBD:
		return s->n_embd;
	case DIM_VOCAB:
		return s->n_vocab;
	case DIM_Q:
		return q;
	case DIM_KV:
		return kv;
	case DIM_QKV:
		return q + 2 * kv;
	case DIM_HEAD:
		return s->head_dim;
	case DIM_FF:
		return s->n_ff;
	case DIM_PAIRS:
		return m->rope.n_dims / 2;
	case DIM_CONTEXT:
		return s->n_context;
	case DIM_ONE:
	case DIM_ANY:
		break;
	}
	return 1;
}
