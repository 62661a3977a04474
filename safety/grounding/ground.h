/*
 * Does a passage support this sentence? Decided by what a reader would look for first: the words
 * that carry the meaning, rare ones more than common ones; every number; names; whether one says
 * what the other denies. No model: it finds what is said in nearly the same words and takes nothing
 * else for supported.
 */
#ifndef SAFETY_GROUND_H
#define SAFETY_GROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "safety/grounding/claim_lexicon.h"
#include "safety/stream/stop_check.h"

#define GROUND_THRESHOLD 0.6 /* docs/safety.md says what it was chosen on */

/* Evidence, taken apart once for all sentences of an answer. One thread at a time. */
struct ground;

enum ground_verdict {
	GROUND_SUPPORTED,
	GROUND_UNSUPPORTED,
	GROUND_NO_CLAIM,   /* says nothing that could be wrong: "Here is what they say:" */
	GROUND_DISCLAIMER, /* says that it does not know */
};

struct ground_support {
	uint32_t passage; /* index into screen.passages */
	uint32_t start;   /* passages[passage].text[start .. end), whole sentences */
	uint32_t end;
	float score; /* 0 .. 1 of the best place, whatever the verdict */
};

/*
 * screen's passages and question, and the lexicon, are borrowed until ground_free. -ENOMEM, or what
 * stopped it.
 */
int ground_new(const struct ragd_screen *screen, const struct claim_lexicon *lexicon,
	       struct stop_check *stop, struct ground **out, struct ragd_err *err);
void ground_free(struct ground *g);

/*
 * Check one sentence, without citation marks. `hints` has bit i set for passage i < 64 that the
 * sentence names itself: preferred where it supports, too. Takes steps of `stop` for the sentence
 * and for all of the evidence. -ENOMEM when memory is out; or what stopped it.
 */
int ground_check(struct ground *g, const char *sentence, size_t len, uint64_t hints,
		 float threshold, struct stop_check *stop, enum ground_verdict *verdict,
		 struct ground_support *support);

#endif
