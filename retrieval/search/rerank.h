/*
 * The best hits once more, by a model that reads the question and a passage together. It knows
 * better than words and vectors what answers a question, and takes some milliseconds for each
 * passage: so it is asked about the first hits alone. It never sees what the caller may not read.
 */
#ifndef RETRIEVAL_RERANK_H
#define RETRIEVAL_RERANK_H

#include <ragd/plugin.h>

struct store;

/* How many hits a search must find for it: k, or more where the reranker may move them up. */
uint32_t rerank_depth(const struct store *s, const struct ragd_query *query);
/*
 * Put the hits in the order of their relevance and keep the k best. One that was ranked has the
 * probability that it answers as its score; the others stay below in their order. Where the
 * reranker fails or is late, everything stays as it is; an error means that nobody waits for the
 * search any more.
 */
int rerank_hits(struct store *s, const struct ragd_call *call, const struct ragd_query *query,
		struct ragd_hit *hits, size_t *n, struct ragd_err *err);

#endif
