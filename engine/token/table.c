#include "engine/token/table.h"

#include <errno.h>
#include <sys/random.h>

#include "engine/token/vocab.h"

uint64_t table_seed(void)
{
	uint64_t seed = 0;

	/* Without it the tables work as well, unless somebody means harm. */
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
		seed = (uint64_t)(uintptr_t)&seed;
	return seed | 1;
}

/*
 * Empty slots, which are all ones, for n entries: a power of two of them, at most three quarters of
 * which n fill.
 */
static void *slots_new(struct arena *a, size_t n, size_t size, size_t *mask)
{
	size_t n_slots = 16;
	void *slots;

	while (n_slots / 4 * 3 <= n)
		n_slots *= 2;
	slots = arena_alloc(a, n_slots, size);
	if (slots != NULL)
		memset(slots, 0xff, n_slots * size);
	*mask = n_slots - 1;
	return slots;
}

int text_table_init(struct text_table *t, struct arena *a, size_t n)
{
	t->slots = slots_new(a, n, sizeof(*t->slots), &t->mask);
	t->seed = table_seed();
	return t->slots != NULL ? 0 : -ENOMEM;
}

/* The slot of this text, or the empty one where it belongs. */
static struct text_slot *text_slot(const struct text_table *t, const char *s, size_t len,
				   uint64_t hash)
{
	uint32_t tag = (uint32_t)(hash >> 32);

	for (size_t i = (size_t)hash & t->mask;; i = (i + 1) & t->mask) {
		struct text_slot *slot = &t->slots[i];
		const uint32_t *at;

		if (slot->id < 0)
			return slot;
		if (slot->tag != tag)
			continue;
		at = t->at + slot->id;
		if (at[1] - at[0] == len && memcmp(t->bytes + at[0], s, len) == 0)
			return slot;
	}
}

static struct text_slot *slot_of(const struct text_table *t, int32_t id, uint64_t *hash)
{
	const char *s = t->bytes + t->at[id];
	size_t len = t->at[id + 1] - t->at[id];

	*hash = table_hash(t->seed, s, len);
	return text_slot(t, s, len, *hash);
}

int32_t text_table_add(struct text_table *t, int32_t id)
{
	uint64_t hash;
	struct text_slot *slot = slot_of(t, id, &hash);

	if (slot->id >= 0)
		return slot->id;
	slot->id = id;
	slot->tag = (uint32_t)(hash >> 32);
	return TOKEN_NONE;
}

void text_table_replace(struct text_table *t, int32_t id)
{
	uint64_t hash;

	slot_of(t, id, &hash)->id = id;
}

int32_t text_table_find(const struct text_table *t, const char *s, size_t len)
{
	return text_slot(t, s, len, table_hash(t->seed, s, len))->id;
}

void text_table_find_many(const struct text_table *t, const struct ragd_str *texts, size_t n,
			  int32_t *ids)
{
	uint64_t hash[TABLE_MANY];

	for (size_t i = 0; i < n; i++) {
		hash[i] = table_hash(t->seed, texts[i].s, texts[i].len);
		__builtin_prefetch(&t->slots[(size_t)hash[i] & t->mask]);
	}
	for (size_t i = 0; i < n; i++) {
		ids[i] = t->slots[(size_t)hash[i] & t->mask].id;
		if (ids[i] >= 0)
			__builtin_prefetch(&t->at[ids[i]]);
	}
	for (size_t i = 0; i < n; i++)
		if (ids[i] >= 0)
			__builtin_prefetch(t->bytes + t->at[ids[i]]);
	for (size_t i = 0; i < n; i++)
		ids[i] = text_slot(t, texts[i].s, texts[i].len, hash[i])->id;
}

int pair_table_init(struct pair_table *t, struct arena *a, size_t n)
{
	t->slots = slots_new(a, n, sizeof(*t->slots), &t->mask);
	t->seed = table_seed();
	return t->slots != NULL ? 0 : -ENOMEM;
}

void pair_table_add(struct pair_table *t, const struct pair_slot *pair)
{
	size_t i = pair_start(t, pair->left, pair->right);

	while (t->slots[i].left >= 0) {
		if (t->slots[i].left == pair->left && t->slots[i].right == pair->right)
			return;
		i = (i + 1) & t->mask;
	}
	t->slots[i] = *pair;
}

void pair_table_add_many(struct pair_table *t, const struct pair_slot *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(&t->slots[pair_start(t, pairs[i].left, pairs[i].right)], 1);
	for (size_t i = 0; i < n; i++)
		pair_table_add(t, &pairs[i]);
}
