/* Inside engine/model: rotary positions. */
#ifndef ENGINE_MODEL_ROPE_H
#define ENGINE_MODEL_ROPE_H

#include "engine/model/model.h"

/* Rotary positions: pair i of a head turns by position * frequency[i]. */
struct rope {
	uint32_t n_dims; /* of a head that are rotated; 0: none */
	enum rope_pairs pairs;
	double *frequency;   /* [n_dims / 2], owned */
	float magnitude;     /* of cosine and sine */
	const float *factor; /* [n_dims / 2]: what the file divides frequencies by, or NULL */
};

/* From the metadata of the file that m->gguf is. */
int rope_read(struct model *m, struct ragd_err *err);
/* Once the file's factors are bound: divide the frequencies by them. */
int rope_factors(struct model *m, struct ragd_err *err);
/* Cosine and sine of a position, [n_dims / 2] each. */
void rope_angles(const struct rope *rope, size_t position, float *cosine, float *sine);

#endif
