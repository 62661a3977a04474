/*
 * The rows nearest to a question. Of few, each is looked at. Of many, the signs of all are compared
 * first, and the rows of those that differ least decide: that every row is looked at in either way
 * is what makes it as good as exact, and nothing has to be learned from the rows beforehand.
 */
#ifndef RETRIEVAL_INDEX_CODES_SEARCH_H
#define RETRIEVAL_INDEX_CODES_SEARCH_H

#include "retrieval/index/codes.h"
#include "retrieval/index/nearest.h"

#define CODES_SCAN_MAX 20000 /* of so many rows each is looked at */

/*
 * The near->k nearest, best first. near->hits has room for them; k is at most c->n. -ENOMEM.
 */
int codes_search(const struct codes *c, const struct codes_query *q, struct nearest *near);

#endif
