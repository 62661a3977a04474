/*
 * The text of a stream as rules see it, and the matcher that goes along it. Keeps as much as the
 * widest pattern may reach back.
 */
#ifndef SAFETY_RULE_WINDOW_H
#define SAFETY_RULE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safety/rules/patterns.h"
#include "safety/rules/rules.h"
#include "safety/stream/spans.h"
#include "safety/text/folded.h"

struct rule_window {
	const struct patterns *patterns; /* these and the rules outlive it */
	const struct rules *rules;
	struct folded plain;
	size_t base; /* where the window begins in all of the plain text */
	struct pattern_stream *ps;
	struct pattern_hits hits; /* phrases that end where the text so far does */
};

/*
 * False: out of memory; then, too, it is to be given to rule_window_fini. A zeroed one may be, as
 * well.
 */
bool rule_window_open(struct rule_window *w, const struct patterns *patterns,
		      const struct rules *rules);
void rule_window_fini(struct rule_window *w);
/* Make *to a window that has come as far as *from. False: out of memory. */
bool rule_window_split(struct rule_window *to, const struct rule_window *from);

/*
 * More text, up to raw offset fed. Adds what the rules for answers found to *out; *safe is the
 * offset before which no rule can begin any more. False: out of memory.
 */
bool rule_window_feed(struct rule_window *w, const struct folded *piece, uint32_t fed, bool last,
		      struct spans *out, uint32_t *safe);

#endif
