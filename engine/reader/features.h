/*
 * What speaks for a sentence as the answer to a question, as numbers: how much of the question it
 * covers by itself and with its surroundings, how close together, whether it holds something of the
 * kind that is asked for, and near what.
 */
#ifndef ENGINE_FEATURES_H
#define ENGINE_FEATURES_H

#include "engine/reader/question.h"
#include "engine/reader/scan.h"

enum feature {
	F_COVER,         /* weight of the question's terms in the sentence, of 1 */
	F_COVER_HEAD,    /* more of it with title, headings and entry */
	F_COVER_BEFORE,  /* more of it with the sentence before, if a pronoun leans on that */
	F_COVER_NEAR,    /* more of it with the sentences before and after */
	F_COVER_PASSAGE, /* more of it with the passage around */
	F_EXACT,         /* weight of the terms that are there themselves, not by related words */
	F_DENSE,         /* share of its words that are the question's */
	F_PAIRS,         /* neighbours in the question that are neighbours here, of 1 */
	F_TYPE,          /* holds what is asked for, 0 or 1 */
	F_TYPE_STRONG,   /* and without doubt: a year, a number with its unit */
	F_TYPE_NEAR,     /* how near to the terms that stands */
	F_RANK,          /* 1 for the first passage, 1/2 for the second … */
	F_FIRST,         /* first sentence of its passage, heading apart */
	F_SUBJECT,       /* begins with a term of the question */
	F_LENGTH,        /* logarithm of its words */
	F_SHORT,         /* fewer than four */
	F_QUESTION,      /* is itself one */
	F_ROW,           /* of a table */
	F_CODE,
	F_COMMENT, /* in code */
	F_NEGATED, /* is so, as the question is */
	F_ENTRY,   /* describes nothing, but is what the next sentences describe */
	F_NAMES,   /* share of the question's names, numbers and identifiers here or around */
	F_N,
};

/* What holds for the question and all passages together. */
struct weights {
	float term[TERMS_MAX]; /* adds up to 1 */
	float names;           /* of it, names, numbers and identifiers */
};

/*
 * Weigh terms by how rare they are in the sentences of the scan, and by how much they say by
 * themselves. 0, or what poll says.
 */
int features_weigh(const struct reader_question *q, const struct passage_scan *s, struct poll *poll,
		   struct weights *out);

/* All features of sentence i. Returns how many words were looked at. */
size_t features_of(const struct reader_question *q, const struct passage_scan *s,
		   const struct weights *w, uint32_t i, float out[F_N]);

#endif
