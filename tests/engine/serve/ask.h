/* One request to an engine, and what came of it; for tests. */
#ifndef TESTS_ENGINE_SERVE_ASK_H
#define TESTS_ENGINE_SERVE_ASK_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "engine/serve/engine.h"

struct ask {
	struct engine_request r; /* callbacks and arg are set */
	atomic_bool cancel;
	size_t stop_after;               /* token() asks for the end with this many; 0: never */
	void (*on_token)(struct ask *a); /* or NULL */
	/* what came; to be looked at after ask_wait() */
	int32_t *out;
	size_t n_out;
	struct buf text;
	struct buf logprobs; /* of struct token_logprob */
	int n_done, rc;
	enum ragd_finish finish;
	struct engine_usage usage;
	struct ragd_err err;
	unsigned order; /* 1: ended first of all since ask_reset() */
};

/* Greedy, no end but max_tokens. ids are borrowed. */
void ask_init(struct ask *a, const int32_t *ids, size_t n, uint32_t max_tokens);
void ask_fini(struct ask *a);
/* Submit, which has to succeed. */
void ask_start(struct engine *e, struct ask *a);
void ask_wait(struct ask *a);
void ask_reset(void);

#endif
