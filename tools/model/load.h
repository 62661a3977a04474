/* A model opened as the command line says: file, vocabulary, threads, kernels, weights. */
#ifndef MODEL_LOAD_H
#define MODEL_LOAD_H

#include "engine/gguf/gguf.h"
#include "engine/model/model.h"
#include "engine/serve/engine.h"
#include "engine/token/vocab.h"
#include "tools/model/options.h"

struct loaded {
	struct gguf *gguf;
	struct vocab *vocab;
	struct threads *threads;
	struct model *model;
	const struct model_shape *shape; /* of the model */
	enum kv_type kv;
	double seconds; /* that opening took */
};

/*
 * -ENOTSUP where the kernels that were asked for cannot run here; -ENOMEM, with figures, where the
 * weights do not fit into the memory that is available. load_close() after an error, too.
 */
int load_open(const struct model_args *a, struct loaded *l, struct ragd_err *err);
void load_close(struct loaded *l);

/* -ENOMEM, with figures, where a KV cache and scratch memory of so many bytes do not fit, too. */
int load_fits(uint64_t cache, uint64_t scratch, struct ragd_err *err);
/* engine_open(), if what it takes fits. */
int load_engine(const struct engine_options *opt, struct engine **out, struct ragd_err *err);

/* -ENOTSUP unless the model writes text. */
int load_needs_causal(const struct loaded *l, const char *command, struct ragd_err *err);

/* How many tokens of BOS the model wants in front of a text: 0 or 1. */
size_t load_bos(const struct loaded *l, int32_t *id);

#endif
