/*
 * Who waits to be served for the first time, and how many requests of each. A client may wait with one more
 * while it has less than nine times what is free: one alone gets most of the line, two that ask all they
 * can about half each. The last places are for those of whom nothing waits yet.
 */
#ifndef ENGINE_SERVE_LINE_H
#define ENGINE_SERVE_LINE_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

struct line {
	size_t max; /* places, at least 1 */
	size_t n;   /* taken */
	size_t n_owners;
	struct line_owner {
		uint64_t client;
		size_t n; /* at least 1 */
	} * owners;       /* owned, [max] */
};

/* 0 or -ENOMEM. All zero: nothing to free. */
int line_init(struct line *l, size_t max);
void line_fini(struct line *l);
/* -EBUSY: the line is full, or the client's share of it; the sentence says which. */
int line_enter(struct line *l, uint64_t client, struct ragd_err *err);
/* For one that has entered. */
void line_leave(struct line *l, uint64_t client);

#endif
