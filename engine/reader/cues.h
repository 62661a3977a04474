/*
 * Words that tell what kind of answer stands beside them: "because" a reason, "river" a place, "March" a
 * time. English; a word of another language has no cues, and then the weights of terms decide alone.
 */
#ifndef ENGINE_CUES_H
#define ENGINE_CUES_H

#include <stddef.h>
#include <stdint.h>

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

struct cues;

struct cues *cues_new(void);
void cues_free(struct cues *c);

/* The cues of a folded word, by its words_hash(). */
uint32_t cues_find(const struct cues *c, uint64_t hash);

#endif
