/*
 * The generations of a collection's embedding index: the next one is begun next to the one in use,
 * filled (fill.h), then takes its place, or is abandoned. Each step is a transaction. All are
 * called on the maintenance thread, so that there is one round at a time.
 */
#ifndef RETRIEVAL_GENERATION_H
#define RETRIEVAL_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

struct embedder;
struct store;

/*
 * Begin the next generation, with no vectors; sets e->generation, and keeps a reference. -ENOENT:
 * the collection is gone.
 */
int generation_begin(struct store *s, uint32_t collection, struct embedder *e,
		     struct ragd_err *err);
/* The next is in use from now on. */
int generation_switch(struct store *s, uint32_t collection, struct ragd_err *err);
/* The next is dropped. It is no error if there is none. */
int generation_abandon(struct store *s, uint32_t collection, struct ragd_err *err);
/*
 * Take what generations that are neither in use nor begun left in the tables: after a switch, or of
 * a round that a crash ended. `stop` ends it early; then some is left for the next time.
 */
int generation_clean(struct store *s, uint32_t collection, bool (*stop)(void *arg), void *arg,
		     struct ragd_err *err);

#endif
