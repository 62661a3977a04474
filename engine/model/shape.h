/* Inside engine/model: the shape of a model, from the metadata of its file. */
#ifndef ENGINE_MODEL_SHAPE_H
#define ENGINE_MODEL_SHAPE_H

#include "engine/model/arch/arch.h"

/* Read shape, eps and rope of the file's architecture into m, whose arch and gguf are set. */
int shape_read(struct model *m, struct ragd_err *err);
/* What a dimension of a table is here. */
uint64_t shape_dim(const struct model *m, enum dim d);

#endif
