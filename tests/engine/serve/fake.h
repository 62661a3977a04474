/*
 * A model and a vocabulary for tests of the engine, in place of the real ones: the next token is a
 * function of all tokens before it, read back from the pages. Whatever goes wrong with pages,
 * positions or sharing changes the text. Passes can be held up one by one, and are counted.
 */
#ifndef TESTS_ENGINE_SERVE_FAKE_H
#define TESTS_ENGINE_SERVE_FAKE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/model/model.h"

#define FAKE_VOCAB 96
#define FAKE_EMBD  8
#define FAKE_BOS   0
#define FAKE_END   1 /* ends a text */

struct model {
	struct model_shape shape;
};

/* A causal model, an encoder. */
extern const struct model fake_causal, fake_encoder;

/* Tokens that look like nothing else: seed makes them differ. */
void fake_ids(int32_t *ids, size_t n, uint32_t seed);
/* Logits behind ids[0..n): what run_forward() gives for the last of them. */
void fake_logits(const int32_t *ids, size_t n, float *out);

/* What went through run_forward() since fake_reset(). */
struct fake_counts {
	size_t n_passes;
	size_t n_tokens;
	size_t n_outputs;
	size_t most_tokens;   /* in a pass */
	size_t most_segments; /* in a pass */
	size_t n_between;     /* passes between the layers of another */
	size_t n_trims;       /* runs that gave their memory back */
	size_t n_wrong;       /* tokens that did not stand in their page where they should */
};
void fake_counts(struct fake_counts *out);

/*
 * Everything counted is 0, passes run freely, and the one of this number (from 1; 0: none) fails.
 */
void fake_reset(void);
void fake_fail(size_t pass);
/* From now on a pass waits for leave; fake_allow() gives leave to n more, fake_free() to all. */
void fake_hold(void);
void fake_allow(size_t n);
void fake_free(void);
/* Wait until a pass waits for leave. */
void fake_await(void);

#endif
