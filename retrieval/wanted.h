/*
 * Whether anybody still waits for the answer: asked in every loop over what a client sent, so that
 * a request whose client left or whose deadline passed does not keep a thread from the others.
 */
#ifndef RETRIEVAL_WANTED_H
#define RETRIEVAL_WANTED_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

/* -ETIMEDOUT or -ECANCELED with a sentence, if nobody is waiting for the answer any more. */
int wanted_check(const struct ragd_call *call, struct ragd_err *err);

#define WANTED_BYTES ((size_t)64 << 10) /* of work between two questions */

/* For loops whose steps are too small to ask in each. One thread's. */
struct wanted {
	const struct ragd_call *call;
	size_t spent;        /* bytes since it was last asked */
	struct ragd_err err; /* code 0 as long as somebody waits */
};

/* See wanted_still. */
bool wanted_ask(struct wanted *w);

/*
 * Before so many bytes more are worked on: false, and false from then on, if nobody waits. NULL:
 * true.
 */
static inline bool wanted_still(struct wanted *w, size_t bytes)
{
	if (w == NULL)
		return true;
	w->spent += bytes;
	return w->spent < WANTED_BYTES && w->err.code == 0 ? true : wanted_ask(w);
}

#endif
