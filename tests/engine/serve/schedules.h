/*
 * Random schedules: requests that begin alike, arrive while others run, are cancelled, draft, and
 * get in each other's way for want of pages. Each has to write what it writes alone.
 */
#ifndef TESTS_ENGINE_SERVE_SCHEDULES_H
#define TESTS_ENGINE_SERVE_SCHEDULES_H

#include "engine/serve/engine.h"

struct world {
	const struct model *model;
	const struct vocab *vocab;
	struct threads *threads;
	enum kv_type kv;
	uint32_t n_context; /* the most to use */
	uint32_t n_vocab;
	/*
	 * The tokens that r writes alone; stop strings are not looked at. Returns how many, up to
	 * max.
	 */
	size_t (*alone)(const struct world *w, const struct engine_request *r, int32_t *out,
			size_t max);
};

/* Run the schedule of this number; fails the test where something differs. */
void schedule_run(const struct world *w, uint64_t seed);

/* What all schedules so far made happen, so that a test can see that they did. */
struct schedule_totals {
	uint64_t n_requests, n_output, n_cached, n_drafted, n_accepted, n_cancelled, n_stopped;
	uint64_t n_logprobs;
};
extern struct schedule_totals schedule_totals;

#endif
