/*
 * Words and vectors together: a score is a weighted sum of both parts, each brought to 0 .. 1.
 * Ranks alone (RRF) would throw away how much better one passage is than the next, and with a weak
 * second ranking that loses much.
 */
#ifndef RETRIEVAL_FUSE_H
#define RETRIEVAL_FUSE_H

#include <ragd/plugin.h>

struct catalog;
struct search;

/*
 * The most that vectors count. Measured with `tests/bench/search_eval` on five collections: less
 * gives away what they add on topical questions, more takes from exact ones.
 */
#define FUSE_WEIGHT_VECTOR 0.33

/*
 * From session->scores and the vectors to se->found, ordered; leaves session->scores zero, also on
 * an error. With the catalog locked for reading.
 */
int fuse_candidates(struct search *se, const struct catalog *c, struct ragd_err *err);

#endif
