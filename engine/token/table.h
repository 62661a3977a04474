/*
 * Two tables of a vocabulary, both open-addressing: texts to tokens, and pairs of tokens to the one
 * they merge into. They are filled once and then only read. The hash has a seed of its own in every
 * process, for vocabularies come from anywhere and may be made to collide.
 */
#ifndef ENGINE_TOKEN_TABLE_H
#define ENGINE_TOKEN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <ragd/plugin.h>

#include "base/arena.h"

static inline uint64_t table_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t table_load(const char *s, size_t n)
{
	uint64_t x = 0;

	if (n >= 4) { /* two halves, which overlap unless n is 8 */
		uint32_t lo, hi;

		memcpy(&lo, s, 4);
		memcpy(&hi, s + n - 4, 4);
		return (uint64_t)hi << 32 | lo;
	}
	for (size_t i = 0; i < n; i++)
		x = x << 8 | (unsigned char)s[i];
	return x;
}

uint64_t table_seed(void);

static inline uint64_t table_hash(uint64_t seed, const char *s, size_t len)
{
	uint64_t h = seed ^ len;

	for (; len > 8; s += 8, len -= 8)
		h = table_mix(h ^ table_load(s, 8), UINT64_C(0x9fb21c651e98df25));
	h = table_mix(h ^ table_load(s, len), UINT64_C(0xd6e8feb86659fd93));
	return table_mix(h, UINT64_C(0x9fb21c651e98df25) ^ seed);
}

struct text_slot {
	uint32_t tag; /* high half of the hash */
	int32_t id;   /* TOKEN_NONE: empty */
};

/* Texts to tokens. The texts are the caller's: token i's is bytes[at[i]..at[i + 1]). */
struct text_table {
	uint64_t seed;
	const char *bytes;
	const uint32_t *at;
	struct text_slot *slots;
	size_t mask;
};

/* Room for n texts. -ENOMEM. */
int text_table_init(struct text_table *t, struct arena *a, size_t n);
/* The token that has this text already, which stays; or TOKEN_NONE after it is id's. */
int32_t text_table_add(struct text_table *t, int32_t id);
/* Give the text of id, which is some token's in the table, to id. */
void text_table_replace(struct text_table *t, int32_t id);
int32_t text_table_find(const struct text_table *t, const char *s, size_t len);
/*
 * The same for n texts, at most TABLE_MANY: the memory that each needs is asked for before any of
 * them is looked at, for waiting on it is most of what looking costs in a large table.
 */
#define TABLE_MANY 192
void text_table_find_many(const struct text_table *t, const struct ragd_str *texts, size_t n,
			  int32_t *ids);

struct pair_slot {
	int32_t left; /* TOKEN_NONE: empty */
	int32_t right;
	int32_t id;
	uint32_t rank;
};

struct pair_table {
	uint64_t seed;
	struct pair_slot *slots;
	size_t mask;
};

int pair_table_init(struct pair_table *t, struct arena *a, size_t n);
/* The first rank that a pair is given counts. */
void pair_table_add(struct pair_table *t, const struct pair_slot *pair);
void pair_table_add_many(struct pair_table *t, const struct pair_slot *pairs, size_t n);

static inline size_t pair_start(const struct pair_table *t, int32_t left, int32_t right)
{
	uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;

	return (size_t)table_mix(key ^ t->seed, UINT64_C(0x9fb21c651e98df25)) & t->mask;
}

/* NULL if the two do not merge. */
static inline const struct pair_slot *pair_table_find(const struct pair_table *t, int32_t left,
						      int32_t right)
{
	for (size_t i = pair_start(t, left, right); t->slots[i].left >= 0; i = (i + 1) & t->mask)
		if (t->slots[i].left == left && t->slots[i].right == right)
			return &t->slots[i];
	return NULL;
}

#endif
