/*
 * What a score says to whoever compares it with a threshold: about how likely the passage is one
 * that answers the question. The rank among the others (S of fuse.h, the best near 1 whatever was
 * asked) and what was found at all make a logistic regression (Platt 1999):
 *
 *     with an encoder     p = sigmoid(-15.65 + 9.5 C + 1.4 W + 10.9 S)
 *     by words alone      p = sigmoid(-11.05         + 6.2 W +  9.7 S)
 *
 *     C   the best cosine, 0 for what unrelated texts have, 1 for the same text
 *     W   the best BM25 as a share of what a passage with all of the words could have
 *
 * It rises with S, so calibrated scores are in the order of the hits. Fitted on the first eight
 * hits of questions from four collections, and of questions that belong to another of them.
 */
#ifndef RETRIEVAL_CALIBRATE_H
#define RETRIEVAL_CALIBRATE_H

#include <stdbool.h>

/* Of what the caller may read. */
struct evidence {
	bool encoded; /* an encoder's vectors took part */
	float nearest;
	float words;
};

/*
 * A passage that has none of the question's words is a hit from this C on: only so near is it more
 * than the least unlike of what there is.
 */
#define CALIBRATE_NEAR 0.35f

/* C of a cosine. */
float calibrate_cosine(float cosine, float unrelated);
/* p, 0 to 1, of a rank's score. */
float calibrate_score(const struct evidence *evidence, float fused);

#endif
