/* The question of a search as vectors of encoders. */
#ifndef RETRIEVAL_QUESTION_H
#define RETRIEVAL_QUESTION_H

#include <ragd/plugin.h>

struct search;

/*
 * As the collections that it may read want them, into se->encoded. Before the catalog is locked: an
 * encoder takes its time. What cannot be had is searched by words; an error means that nobody waits
 * for the search any more.
 */
int question_encode(struct search *se, struct ragd_err *err);

#endif
