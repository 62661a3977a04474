/*
 * A call of the store's own to a model outside of it: the caller's has a deadline for the operation
 * as a whole, and its memory is for results.
 */
#ifndef RETRIEVAL_INNER_CALL_H
#define RETRIEVAL_INNER_CALL_H

#include <stdbool.h>

#include <ragd/plugin.h>

#include "base/arena.h"

struct inner_call {
	struct ragd_call base;
	const struct ragd_call *outer; /* on whose behalf; NULL: the store's own work */
	bool (*stop)(void *arg);       /* without an outer call: true cancels it */
	void *arg;
	struct arena *arena; /* for what comes back */
};

/*
 * The other members are set; fills in base. Of the outer call's time it may take up to within_ms.
 */
void inner_call_init(struct inner_call *c, const char *name, int64_t within_ms);

#endif
