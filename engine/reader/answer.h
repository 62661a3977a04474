/* Whether a sentence holds something of the kind that the question asks for, and where. */
#ifndef ENGINE_ANSWER_H
#define ENGINE_ANSWER_H

#include "engine/reader/question.h"
#include "engine/reader/scan.h"

#define ANSWER_PLACES 8

struct answer {
	bool found;
	bool strong;                 /* beyond doubt: a year for "when", a unit for "how much" */
	size_t n;                    /* places, the first ones */
	uint32_t pos[ANSWER_PLACES]; /* token.pos of each */
};

void answer_find(const struct reader_question *q, const struct passage_scan *s, uint32_t sentence,
		 struct answer *out);

#endif
