/*
 * Ways to write a text so that a reader sees the same: what filters are tested with. Each knows
 * where the characters of the text went.
 */
#ifndef TESTS_SAFETY_DECOR_H
#define TESTS_SAFETY_DECOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct decorated {
	struct buf text;
	size_t *start; /* of each byte of the plain text, where its character went */
	size_t *end;
};

struct decor {
	const char *name;
	void (*put)(struct decorated *d, const char *s, size_t len, unsigned n);
	unsigned n; /* how many, where that varies */
};

extern const struct decor decors[];
extern const size_t n_decors;

/* Decorate text[0..len), which is UTF-8; decorated_fini. */
void decorate(const struct decor *decor, const char *text, size_t len, struct decorated *out);
void decorated_fini(struct decorated *d);

#endif
