/*
 * What a question asks for, and by which words its answer will be known: the kind of answer, and
 * the terms with their forms, weighted by how much each says about the subject.
 */
#ifndef ENGINE_QUESTION_H
#define ENGINE_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/text/words.h"
#include "engine/reader/lexicon.h"

#define TERMS_MAX 32

enum ask {
	ASK_OTHER, /* no question word: a few key words */
	ASK_WHO,
	ASK_WHEN,
	ASK_WHERE,
	ASK_COUNT, /* how many, how much, what size */
	ASK_WHY,
	ASK_HOW,
	ASK_YESNO,
	ASK_DEFINE, /* what is X, who is X */
	ASK_WHAT,   /* which X, what does X */
	ASK_N,
};

struct question_term {
	uint64_t stem;
	float prior; /* how much it says, before the passages are known */
	bool name;
	bool number;
	bool identifier;
	bool part;    /* of the identifier before it */
	bool unit;    /* what is counted: "episodes" of "how many episodes" */
	uint16_t pos; /* number of the word in the question; parts share their identifier's */
};

struct reader_question {
	enum ask ask;
	bool negated;
	size_t n_terms;
	struct question_term terms[TERMS_MAX];
	/* Which term a stem stands for, and how well; open addressing. */
	struct question_form {
		uint64_t stem;
		int16_t term; /* -1: empty */
		float match;  /* 1: the word itself or a form of it; less: related */
	} forms[1024];
	struct question_form
		heads[128]; /* by the first five bytes of the stem: "evolution", "evolve" */
};

/* Read a question. w is used for the question and for the rows of related words. */
void question_read(struct reader_question *q, struct words *w, const struct lexicon *x,
		   struct ragd_str text);

/* The term a word of a passage stands for; -1 for none. *match in (0, 1]. */
int question_match(const struct reader_question *q, const struct word *word, uint64_t stem,
		   float *match);

#endif
