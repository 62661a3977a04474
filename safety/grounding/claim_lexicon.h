/*
 * What the grounding check knows about the words of a language, read from a file in
 * data/lang/grounding (base/text/lang.h), whose comments say what its sections are for.
 */
#ifndef SAFETY_CLAIM_LEXICON_H
#define SAFETY_CLAIM_LEXICON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

#include "base/text/lang_index.h"

/* Sections that a folded word stands in; the bits above are in claim_lexicon.c's own use. */
enum claim_lexicon_bit {
	CLAIM_NEGATES = 1 << 0,
	CLAIM_ASKING = 1 << 1,  /* document, passage, answer: words about the asking itself */
	CLAIM_HOLDING = 1 << 2, /* know, find, say, mention */
	/* What disclaimers are made of (disclaimer.h). */
	CLAIM_SPEAKS = 1 << 3,    /* I, we */
	CLAIM_SOURCE = 1 << 4,    /* documents, the context */
	CLAIM_INSIDE = 1 << 5,    /* in, based on */
	CLAIM_STATES = 1 << 6,    /* say, mention: what documents do */
	CLAIM_KNOWS = 1 << 7,     /* know, sure: what the answer's author does */
	CLAIM_STATED = 1 << 8,    /* mentioned, available */
	CLAIM_ANSWER = 1 << 9,    /* an answer, information */
	CLAIM_UNSTATED = 1 << 10, /* unclear, silent */
	CLAIM_NOTHING = 1 << 11,  /* no, nothing */
	CLAIM_THERE = 1 << 12,    /* there is */
	CLAIM_FILLER = 1 << 13,   /* unfortunately, provided */
	CLAIM_ABOUT = 1 << 14,    /* about, regarding */
	CLAIM_ASKS = 1 << 15,     /* how, whether */
	CLAIM_BUT = 1 << 16,      /* but, although */
	CLAIM_AND = 1 << 17,      /* and, or */
	CLAIM_FINITE = 1 << 18,   /* auxiliary verbs */
	CLAIM_KIND = 1 << 19,     /* size, reason: "how large", "why" in other words */
};

#define CLAIM_LEXICON_FLAGS   20
#define CLAIM_LEXICON_PAIRS   19 /* of opposites; two bits each */
#define CLAIM_LEXICON_NUMBERS 63 /* of numbers in words */

struct claim_lexicon {
	char *language; /* Snowball's name of it */
	struct lang *lang;
	struct lang_index words;
	const char *const *endings; /* of words that negate */
	size_t n_endings;
	uint64_t numbers[CLAIM_LEXICON_NUMBERS]; /* hash_bytes() of their digits */
};

/*
 * The file of a language in a folder; every language needs one, since a check that knows no
 * negation would find denied what it is told and call it supported. -ENOENT: there is none; -EINVAL
 * with what is wrong in it, or: Snowball has no such language. Read-only from then on: any number
 * of threads may use it.
 */
int claim_lexicon_open(const char *dir, const char *language, struct claim_lexicon **out,
		       struct ragd_err *err);
/* Of a file's text; `path` is for errors. */
int claim_lexicon_parse(const char *path, const char *text, size_t len, const char *language,
			struct claim_lexicon **out, struct ragd_err *err);
void claim_lexicon_close(struct claim_lexicon *x);

/* What is known of a folded word, by its hash_bytes(): claim_lexicon_bit, and a number's. */
static inline uint64_t claim_lexicon_word(const struct claim_lexicon *x, uint64_t fold)
{
	return lang_index_find(&x->words, fold);
}

/* Bit 2k, 2k + 1: the word with this stem is on one or the other side of a pair of opposites. */
static inline uint64_t claim_lexicon_sides(const struct claim_lexicon *x, uint64_t stem)
{
	return lang_index_find(&x->words, stem) >> CLAIM_LEXICON_FLAGS &
	       ((UINT64_C(1) << 2 * CLAIM_LEXICON_PAIRS) - 1);
}

/* Of what claim_lexicon_word() says: hash_bytes() of the digits of a number in words; 0: none. */
static inline uint64_t claim_lexicon_number(const struct claim_lexicon *x, uint64_t word)
{
	size_t i = word >> (CLAIM_LEXICON_FLAGS + 2 * CLAIM_LEXICON_PAIRS);

	return i > 0 ? x->numbers[i - 1] : 0;
}

/* Whether the word negates by how it ends. */
bool claim_lexicon_ends_negative(const struct claim_lexicon *x, const char *fold, size_t n);

#endif
