/* One round of learning, step by step; tend.c decides when. */
#ifndef RETRIEVAL_LEARN_H
#define RETRIEVAL_LEARN_H

#include <stdbool.h>

#include <ragd/plugin.h>

struct store;

/*
 * Learn an embedder from the store's passages, give each its vector, swap. `stop` is asked between
 * steps: true ends with -ECANCELED. -ENODATA if the passages teach nothing yet.
 */
int learn(struct store *s, bool (*stop)(void *arg), void *arg, struct ragd_err *err);
/* Drop what is left of other embedders than the current one. */
int learn_clean(struct store *s, bool (*stop)(void *arg), void *arg, struct ragd_err *err);

#endif
