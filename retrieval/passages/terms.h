/*
 * A passage as terms: what the full-text index stores, what BM25 counts and what the embedder
 * learns from. Terms are the stems of base/words. They are made in the threads that add documents,
 * outside the writer, and reach FTS5 as ready tokens.
 */
#ifndef RETRIEVAL_TERMS_H
#define RETRIEVAL_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/arena.h"

/*
 * Raised whenever the same text gives other terms, or they are written in another way: the index is
 * then built again.
 */
#define TERMS_VERSION 2

#define TERMS_LENGTH_MAX 65535 /* what a passage's length is cut at */

enum terms_column { TERMS_TITLE, TERMS_HEADING, TERMS_BODY, TERMS_COLUMNS };

/* How often a word counts, by where it stands. */
extern const float terms_weight[TERMS_COLUMNS];

struct term {
	uint64_t hash; /* hash_bytes of the stem */
	float tf;      /* occurrences, weighted by column */
};

struct terms_passage {
	const struct term *terms; /* without stop words; each once */
	uint32_t n_terms;
	uint16_t length;                       /* weighted words that are not stop words */
	struct ragd_str tokens[TERMS_COLUMNS]; /* stems, each followed by one space */
};

struct terms_word {
	struct ragd_str stem;
	uint64_t hash;
	float n;   /* occurrences */
	bool stop; /* in title and heading also stop words are indexed */
};

struct terms;

/* NULL with *err for an unknown language (-EINVAL) or no memory. Not shared between threads. */
struct terms *terms_new(const char *language, struct ragd_err *err);
void terms_free(struct terms *t);

/* *out is the arena's. 0, or -ENOMEM. */
int terms_passage(struct terms *t, struct arena *arena, struct ragd_str title,
		  struct ragd_str heading, struct ragd_str body, struct terms_passage *out,
		  struct ragd_err *err);

/*
 * The distinct words of a query in the order of the text, at most TERMS_QUERY_MAX. Stop words are
 * left out, unless there is nothing else. Of a longer text the first TERMS_TEXT_MAX bytes are
 * looked at. *out is the arena's. Returns their number or -ENOMEM.
 */
#define TERMS_QUERY_MAX 256
#define TERMS_TEXT_MAX  ((size_t)64 << 10)
ssize_t terms_query(struct terms *t, struct arena *arena, struct ragd_str text,
		    struct terms_word **out, struct ragd_err *err);

#endif
