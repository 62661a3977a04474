/* The lexicon of English as ragd installs it, for tests. */
#ifndef TESTS_ENGINE_READER_ENGLISH_H
#define TESTS_ENGINE_READER_ENGLISH_H

#include <stdio.h>
#include <stdlib.h>

#include "engine/reader/lexicon.h"

/* NULL, and the reason on standard error, where that fails. */
static inline struct lexicon *english_open(void)
{
	const char *src = getenv("RAGD_SRCDIR");
	struct lexicon *x = NULL;
	struct ragd_err err = { 0 };
	char dir[4096];

	snprintf(dir, sizeof(dir), "%s/data/lang", src != NULL ? src : ".");
	if (lexicon_open(dir, "english", &x, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
	return x;
}

#endif
