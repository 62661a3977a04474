/* One round of learning, step by step; maintenance.c decides when. */
#ifndef RETRIEVAL_LEARN_H
#define RETRIEVAL_LEARN_H

#include <stdbool.h>

#include <ragd/plugin.h>

struct store;

/*
 * Learn an embedder from the passages of a collection, give each its vector, swap. `stop` is asked
 * between steps: true ends with -ECANCELED. -ENODATA if the passages teach nothing yet; -ENOENT if
 * the collection is gone.
 */
int learn_collection(struct store *s, uint32_t collection, bool (*stop)(void *arg), void *arg,
		     struct ragd_err *err);

#endif
