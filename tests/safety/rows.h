/* The texts that the filter is tested with, as they are and decorated. */
#ifndef TESTS_SAFETY_ROWS_H
#define TESTS_SAFETY_ROWS_H

#include <stddef.h>

/* Personal data, secrets and what stream_rules names: what goes in, what comes out whole. */
struct stream_row {
	const char *in;
	const char *out;
};

extern const char stream_rules[];
extern const struct stream_row stream_rows[];
extern const size_t n_stream_rows;

/* Trigger words in questions that harm nobody. */
extern const char *const harmless_rows[];
extern const size_t n_harmless_rows;

/* What the installed rules block, and as what. */
struct category_row {
	const char *text;
	const char *category;
};

extern const struct category_row category_rows[];
extern const size_t n_category_rows;

/* Instructions planted in passages, which go. */
extern const char *const planted_rows[];
extern const size_t n_planted_rows;

#endif
