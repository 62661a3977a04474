/*
 * Phrases: a sorted table of literals, looked up where words begin. Rule files stand for tens of
 * thousands of them, which take a pattern compiler most of a second and this table a few
 * milliseconds; and since they match whole words only, most places need no look at all.
 */
#ifndef SAFETY_PHRASES_H
#define SAFETY_PHRASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "safety/rules/rules.h"

struct phrase {
	const char *text; /* the rules' */
	uint32_t len;
	uint32_t term;
	bool whole; /* ends where a word does; else it may go on */
};

struct phrases {
	struct phrase *item; /* sorted by text */
	size_t n;
	size_t longest;
	/*
	 * item[first[i] .. first[i + 1]) begin with the same two bytes, both in one of 64 classes.
	 */
	uint32_t first[64 * 64 + 1];
};

/* Collect the phrases of all terms that one of the stages (bits) uses. -ENOMEM. */
int phrases_init(struct phrases *p, const struct rules *rules, uint32_t stages);
void phrases_fini(struct phrases *p);

/* cb for each phrase in text[0..len), in the order of their starts. */
void phrases_find(const struct phrases *p, const char *text, size_t len,
		  void (*cb)(void *arg, const struct phrase *phrase, size_t start), void *arg);

/* Whether some phrase is longer than s[0..len) and begins with it. */
bool phrases_may_begin(const struct phrases *p, const char *s, size_t len);

#endif
