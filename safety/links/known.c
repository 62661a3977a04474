#include "safety/links/known.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

void known_fini(struct known *k)
{
	buf_fini(&k->text);
	free(k->item);
	free(k->slot);
	*k = (struct known){ 0 };
}

/* The slot where s stands, or the free one where it would. */
static size_t slot_of(const struct known *k, const char *s, size_t len)
{
	size_t i = (size_t)hash_bytes(s, len) & (k->n_slots - 1);

	for (; k->slot[i] != 0; i = (i + 1) & (k->n_slots - 1)) {
		const struct known_at *at = &k->item[k->slot[i] - 1];

		if (at->len == len && memcmp(k->text.data + at->start, s, len) == 0)
			break;
	}
	return i;
}

static bool known_grow(struct known *k)
{
	size_t cap = k->cap == 0 ? 16 : 2 * k->cap;
	struct known_at *item = realloc(k->item, cap * sizeof(*item));
	uint32_t *slot = calloc(2 * cap, sizeof(*slot));

	if (item != NULL)
		k->item = item;
	if (item == NULL || slot == NULL) {
		free(slot);
		return false;
	}
	free(k->slot);
	k->slot = slot;
	k->n_slots = 2 * cap;
	k->cap = cap;
	for (size_t i = 0; i < k->n; i++)
		k->slot[slot_of(k, k->text.data + item[i].start, item[i].len)] = (uint32_t)i + 1;
	return true;
}

void known_add(struct known *k, const char *s, size_t len)
{
	size_t at;

	if (len == 0 || known_has(k, s, len))
		return;
	if (k->n == k->cap && !known_grow(k)) {
		k->failed = true;
		return;
	}
	at = k->text.len;
	buf_add(&k->text, s, len);
	if (buf_failed(&k->text)) {
		k->failed = true;
		return;
	}
	k->item[k->n] = (struct known_at){ (uint32_t)at, (uint32_t)len };
	k->slot[slot_of(k, s, len)] = (uint32_t)++k->n;
}

bool known_has(const struct known *k, const char *s, size_t len)
{
	return k->n > 0 && k->slot[slot_of(k, s, len)] != 0;
}
