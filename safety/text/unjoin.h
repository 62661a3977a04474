/*
 * Words written without blanks: a long run of letters is taken apart into words that the rules know
 * and the commonest others, so that phrases are found in it.
 */
#ifndef SAFETY_UNJOIN_H
#define SAFETY_UNJOIN_H

#include <stdbool.h>

#include "safety/rules/rules.h"
#include "safety/stream/stop_check.h"
#include "safety/text/folded.h"

struct unjoin;

/* The words of all phrases. NULL when out of memory. The rules must outlive it. */
struct unjoin *unjoin_new(const struct rules *rules);
void unjoin_free(struct unjoin *u);

/*
 * The plain form of in with such runs taken apart; false if there is none; then out is left empty.
 */
bool unjoin(const struct unjoin *u, const struct folded *in, struct folded *out,
	    struct stop_check *stop);

#endif
