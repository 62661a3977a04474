/*
 * What the tests of models share: a model opened from a file or from memory, passes over it with
 * pages of their own, and a place for files of the shared folder.
 */
#ifndef TESTS_ENGINE_MODEL_LAB_H
#define TESTS_ENGINE_MODEL_LAB_H

#include "engine/gguf/gguf.h"
#include "engine/model/model.h"

struct lab {
	struct gguf *gguf;
	struct threads *threads;
	struct model *model;
	const struct model_shape *shape;
};

/* Open a file, or len bytes in memory where path is NULL; ends the test where that fails. */
void lab_open(struct lab *lab, const char *path, const void *data, size_t len,
	      const struct kernels *k);
void lab_close(struct lab *lab);

/* A sequence's pages, enough for n tokens. */
uint8_t **lab_pages(const struct lab *lab, enum kv_type type, size_t n);
void lab_pages_free(uint8_t **pages, size_t n);

/* One pass over a whole sequence (or text): rows of the last n_outputs tokens; to be freed. */
float *lab_forward(const struct lab *lab, enum kv_type type, const int32_t *ids, size_t n,
		   size_t n_outputs, enum run_output what);

/* Path of a file under ../shared, in a static buffer; NULL if it is not there. */
const char *lab_shared(const char *name);

double lab_cosine(const float *a, const double *b, size_t n);
double lab_max_difference(const float *a, const double *b, size_t n);

/* Numbers that look random and are the same on every machine. */
uint64_t lab_random(uint64_t *state);
double lab_normal(uint64_t *state);

#endif
