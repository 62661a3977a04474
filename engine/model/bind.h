/* Inside engine/model: the tensors of a file against the tables of its architecture. */
#ifndef ENGINE_MODEL_BIND_H
#define ENGINE_MODEL_BIND_H

#include "engine/gguf/gguf.h"
#include "engine/model/weights.h"

struct tensor_rule;

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

#endif
