/*
 * What is known of the words of a language: what kind of question they make, what kind of answer
 * stands next to them ("because" a reason, "river" a place, "March" a time), which belong together.
 * Read from data/lang; of a language without a file nothing is known, and then the weights of terms
 * decide alone.
 */
#ifndef ENGINE_READER_LEXICON_H
#define ENGINE_READER_LEXICON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

/* What a word of a passage, or of the question, tells of what stands next to it. */
enum {
	CUE_NUMBER = 1 << 0, /* a number in letters */
	CUE_MONTH = 1 << 1,  /* month or day of the week */
	CUE_TIME = 1 << 2,
	CUE_REASON = 1 << 3,
	CUE_MEANS = 1 << 4, /* by which something is done */
	CUE_COPULA = 1 << 5,
	CUE_PERSON = 1 << 6,
	CUE_PLACE = 1 << 7,
	CUE_AT = 1 << 8, /* a preposition before places and times */
	CUE_PRONOUN = 1 << 9,
	CUE_NEGATION = 1 << 10,
	CUE_UNIT = 1 << 11,
	CUE_MODAL = 1 << 12,
	CUE_ARTICLE = 1 << 13,
	CUE_COMMON = 1 << 14, /* says little about the subject */
	CUE_AMOUNT = 1 << 15, /* what is asked for is a number: "size", "limit" */
};

/* What a word does in a question. */
enum {
	ASKS = 1 << 0,         /* begins a question: "who", "what" */
	ASKS_YESNO = 1 << 1,   /* "is", "can": a question that begins so */
	ASKS_NO_NOUN = 1 << 2, /* behind "what": a verb, or "kind", in place of a noun */
	ASKS_BE = 1 << 3,      /* "is" */
	ASKS_OF = 1 << 4,      /* a preposition that ends a noun */
	ASKS_CLAUSE = 1 << 5,  /* may begin a clause before the question itself: "when", "if" */
	ASKS_MAIN = 1 << 6,    /* begins the question itself behind such a clause */
	ASKS_WHO = 1 << 7,
	ASKS_WHEN = 1 << 8,
	ASKS_WHERE = 1 << 9,
	ASKS_WHY = 1 << 10,
	ASKS_HOW = 1 << 11,
	ASKS_MANY = 1 << 12,    /* behind "how": "many" */
	ASKS_MEASURE = 1 << 13, /* behind "how": "long" */
	ASKS_TIME = 1 << 14,    /* a noun behind "which": "year" */
	ASKS_PLACE = 1 << 15,
	ASKS_PERSON = 1 << 16,
	ASKS_REASON = 1 << 17,
};

struct lexicon;

/*
 * The words of a language from the folder's file for it (base/text/lang.h). Where there is none the
 * lexicon is empty. -EINVAL for a file that is not in order, with its name. Read-only from then on:
 * any number of threads may use it.
 */
int lexicon_open(const char *dir, const char *language, struct lexicon **out, struct ragd_err *err);
void lexicon_close(struct lexicon *x);
/* Whether the folder has no file for the language. */
bool lexicon_is_empty(const struct lexicon *x);

/* What is known of a folded word, by its hash_bytes(). */
uint32_t lexicon_cues(const struct lexicon *x, uint64_t hash);
uint32_t lexicon_asks(const struct lexicon *x, uint64_t hash);

/* The sentence that says that nothing answers; NULL: the language has none. */
const char *lexicon_no_answer(const struct lexicon *x);

/*
 * Rows that hold the folded word: *row is then a text of words between spaces, *same tells whether
 * they are forms of one word ("write", "wrote") that no stemmer brings together, or words that
 * answer for one another ("born", "birth"). Begin with *at = 0; false when there are no more.
 */
bool lexicon_related(const struct lexicon *x, const char *fold, size_t n, size_t *at,
		     const char **row, bool *same);

#endif
