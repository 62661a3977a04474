/* The language file that is installed for the grounding check, for tests, scores and benchmarks. */
#ifndef TESTS_SAFETY_CLAIM_ENGLISH_H
#define TESTS_SAFETY_CLAIM_ENGLISH_H

#include <stdio.h>
#include <stdlib.h>

#include "safety/grounding/claim_lexicon.h"

/* NULL where it cannot be read, with a line on stderr. */
static inline struct claim_lexicon *claim_english_open(void)
{
	const char *src = getenv("RAGD_SRCDIR");
	struct claim_lexicon *x = NULL;
	struct ragd_err err = { 0 };
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s/data/lang/grounding", src != NULL ? src : ".");
	if (claim_lexicon_open(dir, "english", &x, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
	return x;
}

#endif
