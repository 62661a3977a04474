/* A set of strings: what the evidence of an answer holds. */
#ifndef SAFETY_KNOWN_H
#define SAFETY_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Zero-initialise; known_fini. */
struct known {
	struct buf text;
	struct known_at {
		uint32_t start; /* in text */
		uint32_t len;
	} * item;
	size_t n;
	size_t cap;
	uint32_t *slot; /* open addressing, [n_slots]: 0 for free, else index + 1 */
	size_t n_slots;
	bool failed; /* memory ran out: the set is not complete */
};

void known_fini(struct known *k);
void known_add(struct known *k, const char *s, size_t len);
bool known_has(const struct known *k, const char *s, size_t len);

#endif
