/*
 * What goes into the next step: pure decisions on numbers, so that they are tested without a model.
 */
#ifndef ENGINE_SCHEDULE_SCHEDULE_H
#define ENGINE_SCHEDULE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/schedule/step_cost.h"

/* A sequence that runs, or wants to. */
struct schedule_seq {
	uint64_t id;  /* order of arrival: the lower, the older */
	double used;  /* tokens its client has used, see clients.h */
	size_t left;  /* tokens whose keys and values are missing, at least 1 */
	bool streams; /* only the token it chose last is missing: it goes into every step */
	bool begun;   /* its stream has begun and then was put back: before those that have not */
	size_t take;  /* result: how many of `left` go into the step */
};

/* Tokens of prompts that the step may take: all of step_tokens while nobody streams. */
size_t schedule_budget(const struct step_cost *p, size_t n_streams, size_t rows, size_t step_tokens,
		       double max_gap);

/*
 * Hand out the budget. Every stream takes its token. Prompts come in the order of what their client
 * will have used once they are read (virtual finish times, as in fair queueing): a short prompt
 * passes a long one of somebody else, many short ones do not pass it forever, and of two equal ones
 * the older is finished first instead of both late.
 */
void schedule_step(struct schedule_seq *v, size_t n, size_t budget);

/* Whether a is read, and leaves the line, before b: that order. */
bool schedule_before(const struct schedule_seq *a, const struct schedule_seq *b);

#endif
