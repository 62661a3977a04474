/*
 * Whether a sentence only says that the documents do not answer, or that the answer is not known.
 * Such a sentence leaves without a passage that supports it, so nothing else may be in it: every
 * word is one of the language's file that disclaimers are made of, or has no meaning of its own, or
 * is the question's; and the question's words stand where they are what is not known.
 */
#ifndef SAFETY_DISCLAIMER_H
#define SAFETY_DISCLAIMER_H

#include <stdbool.h>
#include <stddef.h>

#include "safety/grounding/claim.h"

/* `question`: the tokens of the question, as claim_read() gives them. */
bool disclaimer_matches(struct words *w, const struct claim_lexicon *x,
			const struct claim_token *question, size_t n, const char *sentence,
			size_t len);

#endif
