/*
 * An answer that leaves sentence by sentence, each with the passage that supports it. Citation
 * marks that inference wrote itself are taken as hints and do not leave.
 */
#ifndef SAFETY_GROUND_STREAM_H
#define SAFETY_GROUND_STREAM_H

#include <ragd/plugin.h>

#include "safety/grounding/claim_lexicon.h"

/* The most input that is held: a sentence, what may belong to it, and words that lead up to it. */
#define GROUND_HOLDBACK 8192

struct ground_stream;

/*
 * screen and lexicon stay valid until ground_stream_close. screen->grounded: what no passage
 * supports does not leave; otherwise all leaves and what is supported is cited.
 */
int ground_stream_open(const struct ragd_call *call, const struct ragd_screen *screen,
		       const struct claim_lexicon *lexicon, float threshold,
		       struct ground_stream **out, struct ragd_err *err);
/* As ragd_safety_ops.stream_feed; results come from call->alloc. */
int ground_stream_feed(struct ground_stream *gs, const struct ragd_call *call, const char *text,
		       size_t len, bool last, struct ragd_release *out, struct ragd_err *err);
void ground_stream_close(struct ground_stream *gs);

#endif
