/*
 * Text as words and sentences: what the index, the extractive reader and the grounding check share,
 * so that they agree on what a word is. Boundaries are Unicode's (UAX #29) through ICU, with a fast
 * path for ASCII; stems are Snowball's.
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#define WORD_MAX 64 /* bytes of a folded word or stem; longer ones are cut at a character */

enum word_kind {
	WORD_LETTERS,
	WORD_NUMBER,    /* has a digit: 4, 1.30.0, 0x1f, v2 */
	WORD_IDEOGRAPH, /* one Han, Thai, Hiragana … piece, see words_next */
};

struct word {
	uint32_t start; /* text[start .. end) is the word */
	uint32_t end;
	enum word_kind kind;
	bool stop;           /* a stop word of the language: "the", "of" */
	bool name;           /* begins with a capital letter */
	uint8_t n_fold;      /* bytes in fold */
	uint8_t n_stem;      /* bytes in stem */
	char fold[WORD_MAX]; /* NFKC, case-folded, accents kept */
	char stem[WORD_MAX]; /* stem of fold */
};

/* A tokenizer with a stemmer and a cache of its own. Not shared between threads: one each. */
struct words;

/*
 * `language`: a Snowball name ("english"), or NULL for words alone, without stems and stop words,
 * at a hundredth of the memory. NULL when out of memory or the language is unknown.
 */
struct words *words_new(const char *language);
void words_free(struct words *w);

/* Begin with text, which must stay until the last word was read. Invalid UTF-8 separates words. */
void words_start(struct words *w, const char *text, size_t len);

/*
 * The next word, false at the end. Words with an apostrophe, numbers and versions stay whole
 * ("don't", "1.30.0"; "10,000" folds to 10000); a number with its unit is taken whole and in parts
 * ("10MB", 10, MB), identifiers too: "uv_tcp_bind" gives uv_tcp_bind, uv, tcp, bind, as do
 * "UV_THREADPOOL_SIZE" and "camelCase". Parts overlap the whole and come directly after it. Scripts
 * without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar) and Hangul come as overlapping pairs of
 * characters (single where there is only one), which needs no dictionary. Words in a script other
 * than the language's get the stemmer of that script's main language. Text beyond 4 GiB is ignored.
 */
bool words_next(struct words *w, struct word *out);

#endif
