/*
 * Words and vectors together. Both are brought to 0 .. 1 by what the caller may read and nothing
 * else, then summed by weight:
 *
 *     words    L = BM25 / the best BM25
 *     vectors  V = max(0, (cosine - c) / (the best cosine - c)), c: that of the 200th nearest
 *     score    S = (1 - w) L + w V
 *
 * What a cosine says depends on the embedder: with some, all passages lie between .7 and .9. The
 * 200th nearest is one that has little to do with the question. Ranks alone (RRF) would throw away
 * how much better one passage is than the next. A passage without a vector takes V = L, so that it
 * stands where words put it while vectors are being made.
 *
 * An encoder that hardly knows the language of some passages (encoder_is_foreign()) gives the
 * collection poorer vectors: w is smaller by their share, by half at most. Measured on XQuAD with
 * an English encoder: so much that no language loses by its vectors.
 */
#ifndef RETRIEVAL_FUSE_H
#define RETRIEVAL_FUSE_H

#include <ragd/plugin.h>

struct catalog;
struct search;

/* w of an encoder's vectors, measured; .4 to .6 are alike. */
#define FUSE_WEIGHT 0.5
/*
 * An embedder that learned from some hundred passages knows less: its vectors have this share of w.
 * Measured with `tests/bench/eval_search.py` on five collections: less gives away what they add on
 * topical questions, more takes from exact ones.
 */
#define FUSE_SHARE_LEARNED 0.4f

/*
 * From session->scores and the vectors to se->found, ordered; leaves session->scores zero, also on
 * an error. With the catalog locked for reading.
 */
int fuse_candidates(struct search *se, const struct catalog *c, struct ragd_err *err);

#endif
