/*
 * All terms of all rules, found in one pass: phrases as literals and regular expressions through
 * libhs, for whole texts and for streams. Phrases match whole words, regular expressions what they
 * say. Read-only once built, so that any number of threads may scan at once.
 */
#ifndef SAFETY_PATTERNS_H
#define SAFETY_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

#include "safety/rules/rules.h"

#define REGEX_WIDTH_MAX 256 /* bytes that a regular expression for responses may match */

struct patterns;

struct pattern_hit {
	uint32_t term;
	bool phrase;  /* stands for a hit only where a word begins, and */
	bool whole;   /* where it ends; patterns_scan has seen to both */
	size_t start; /* bytes [start, end) of the text, or of all that went into the stream */
	size_t end;
};

struct pattern_hits {
	struct pattern_hit *item;
	size_t n;
	size_t cap;
	bool failed;
};

void hits_fini(struct pattern_hits *h);

/*
 * Compile. With a cache directory (may be NULL), what was compiled before for the same rules,
 * library and processor is read from there, and what was compiled now is left there; a cache that
 * cannot be read or written is no error.
 */
int patterns_new(const struct rules *rules, const char *cache_dir, struct patterns **out,
		 struct ragd_err *err);
void patterns_free(struct patterns *p);

/* Whether any rule looks at this stage. */
bool patterns_has(const struct patterns *p, enum ragd_stage stage);

/* Hits of prompt and document terms in plain text, by end. -ENOMEM when memory is out. */
int patterns_scan(const struct patterns *p, const char *text, size_t len,
		  struct pattern_hits *hits);

/* The same for response terms in text that arrives in pieces. */
struct pattern_stream;

int pattern_stream_open(const struct patterns *p, struct pattern_stream **out);
void pattern_stream_close(struct pattern_stream *ps);
/* Hits that end in the next piece; whether phrases are whole words is left to the caller. */
int pattern_stream_feed(struct pattern_stream *ps, const char *text, size_t len,
			struct pattern_hits *hits);
/* Hits of regular expressions that only the end of the text completes ("$", "\b"). */
int pattern_stream_end(struct pattern_stream *ps, struct pattern_hits *hits);

/*
 * How many of the last bytes of text[0..len) may be the beginning of a hit that is not complete:
 * exact for phrases; for regular expressions the width of the widest.
 */
size_t patterns_partial(const struct patterns *p, const char *text, size_t len);
/* The most that patterns_partial can return. */
size_t patterns_width(const struct patterns *p);

#endif
