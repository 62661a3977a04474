/*
 * Tokens that stand in a text by their exact words (<|eot_id|>): the longest at a place, from left
 * to right. Looking costs a step for each byte that agrees with some token so far.
 */
#ifndef ENGINE_TOKEN_SPECIAL_H
#define ENGINE_TOKEN_SPECIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer tokens are not looked for: it bounds the time that a text can cost. */
#define SPECIAL_LEN_MAX 256

struct vocab;

struct specials {
	int32_t *ids; /* sorted by text */
	uint32_t n;
	uint32_t first[257]; /* ids[first[b]..first[b + 1]) begin with byte b */
};

/* Make the order of what is in ids, none of which has an empty text. -ENOMEM. */
int specials_sort(struct specials *sp, const struct vocab *v);
/* The longest at s, which has `room` bytes; TOKEN_NONE if there is none. */
int32_t specials_match(const struct specials *sp, const struct vocab *v, const char *s,
		       size_t room);

#endif
