/*
 * Drafting from the context: where the last tokens stood before, what followed them then is
 * proposed to follow now (prompt lookup). An answer that quotes its passages is mostly written this
 * way. A draft only ever saves time: each token is checked against the one that sampling chooses.
 */
#ifndef ENGINE_SERVE_DRAFT_H
#define ENGINE_SERVE_DRAFT_H

#include <stddef.h>
#include <stdint.h>

#define DRAFT_MIN 2 /* tokens that must agree */
#define DRAFT_MAX 4

struct draft;

/* NULL when out of memory. */
struct draft *draft_new(void);
void draft_free(struct draft *d);

/*
 * Take note of ids[0..n), of which a longer and longer part is shown. 0, or -ENOMEM: stop drafting.
 */
int draft_see(struct draft *d, const int32_t *ids, size_t n);

/*
 * Propose what follows ids[0..n), which draft_see() was shown: writes up to max ids to out and
 * returns how many; *match is the number of tokens that agreed. 0: these tokens did not stand there
 * before. What follows may run into the proposal itself, so that a text that goes round in circles
 * is drafted as far as wanted.
 */
size_t draft_propose(const struct draft *d, const int32_t *ids, size_t n, int32_t *out, size_t max,
		     size_t *match);

/*
 * How many tokens are worth drafting for one of n_streams sequences: the i-th costs a row more, and
 * is of use with a probability of accept^i; it pays while that beats what the time gives otherwise.
 */
size_t draft_worth(double accept, double step_us, double row_us, size_t n_streams, size_t max);

#endif
