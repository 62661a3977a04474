/*
 * What cosine an encoder gives to texts that have nothing to do with each other: 0 with some, .75
 * with others. It is what a cosine must exceed to say anything. Measured for each question against
 * sentences about other things, as speaker recognition normalises scores by a cohort (Auckenthaler,
 * Carey, Lloyd-Thomas 2000).
 */
#ifndef RETRIEVAL_UNRELATED_H
#define RETRIEVAL_UNRELATED_H

#include <pthread.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/digest.h"

struct encoder_work;
struct store;

#define UNRELATED_ENCODERS 2 /* one, and another while vectors are made again */

/* The mean vectors of the sentences, by encoder. */
struct unrelated {
	pthread_mutex_t lock;
	struct {
		char digest[DIGEST_HEX + 1]; /* "": free */
		uint32_t dim;
		float *mean; /* [dim], malloc'd */
	} of[UNRELATED_ENCODERS];
	unsigned next; /* to be replaced */
};

void unrelated_init(struct unrelated *u);
void unrelated_fini(struct unrelated *u);

/*
 * Into *out, the mean cosine of a question's vector and the sentences. The encoder of this name and
 * digest is asked for their vectors the first time. Any thread.
 */
int unrelated_cosine(struct store *s, const char *encoder, const char *digest,
		     const struct encoder_work *work, const float *vector, uint32_t dim, float *out,
		     struct ragd_err *err);

#endif
