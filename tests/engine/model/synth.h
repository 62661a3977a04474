/*
 * Models made up for tests: every tensor of an architecture with random weights of a type, as a
 * GGUF file in memory, and the file's own forward pass in float64.
 */
#ifndef TESTS_ENGINE_MODEL_SYNTH_H
#define TESTS_ENGINE_MODEL_SYNTH_H

#include "base/buf.h"
#include "engine/gguf/gguf.h"

struct synth_shape {
	const char *arch;
	enum quant_type type; /* of matrices */
	uint32_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff, n_vocab, n_context;
	uint64_t seed;
	bool tied;         /* no output matrix of its own */
	bool biases;       /* llama with all the biases it may have */
	bool rope_factors; /* as Llama 3.1 */
};

enum { SYNTH_MAX = 128 };

struct synth {
	struct {
		char key[64];
		enum gguf_type type; /* GGUF_U32, GGUF_F32, GGUF_BOOL, GGUF_STRING */
		uint32_t bits;       /* of the number */
		char text[32];
	} keys[SYNTH_MAX];
	size_t n_keys;
	struct {
		char name[64];
		enum quant_type type;
		uint64_t cols, rows;
		uint8_t *data;
		size_t n_bytes;
	} tensors[SYNTH_MAX];
	size_t n_tensors;
	uint64_t seed;
};

void synth_init(struct synth *s, const struct synth_shape *shape);
void synth_fini(struct synth *s);

/* Set a key of the metadata ("llama.block_count"), or add it. */
void synth_u32(struct synth *s, const char *key, uint32_t v);
void synth_f32(struct synth *s, const char *key, float v);
void synth_str(struct synth *s, const char *key, const char *v);
void synth_drop_key(struct synth *s, const char *key);
/* Add a tensor of random numbers of this deviation around `mean`; rows 0: a vector. */
void synth_tensor(struct synth *s, const char *name, uint64_t cols, uint64_t rows,
		  enum quant_type type, double deviation, double mean);
void synth_drop(struct synth *s, const char *name);
/* Change a tensor's dimensions without its bytes: they must still fit. */
void synth_reshape(struct synth *s, const char *name, uint64_t cols, uint64_t rows);

/* The file; to be freed with buf_fini(). */
void synth_write(const struct synth *s, struct buf *out);

/*
 * The forward pass of a file in float64 on its dequantised weights, for all architectures, written
 * without a look at the engine's: [n][n_vocab] logits, or [n][n_embd] where hidden. To be freed.
 */
double *synth_reference(const struct gguf *g, const int32_t *ids, size_t n, bool hidden);
/* The number that a model with a head makes of a pair whose second text begins at `second`. */
double synth_reference_rank(const struct gguf *g, const int32_t *ids, size_t n, size_t second);

#endif
