/*
 * Drafting from the context: for each length of n-gram a table from its hash to where it last
 * ended. Hashes only point at places: the tokens there are compared.
 */
#include "engine/serve/draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define N_LENGTHS (DRAFT_MAX - DRAFT_MIN + 1)
#define CAP_MIN   1024

struct draft {
	size_t n;        /* n-grams that end before here are in the tables */
	size_t cap;      /* slots of a table; a power of two */
	uint32_t *slots; /* [N_LENGTHS][cap]: 1 + index of the n-gram's last token; 0: none */
};

static size_t slot_of(const int32_t *gram, size_t len, size_t cap)
{
	uint64_t h = len;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint32_t)gram[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h >> 32) & (cap - 1);
}

struct draft *draft_new(void)
{
	return calloc(1, sizeof(struct draft));
}

void draft_free(struct draft *d)
{
	if (d == NULL)
		return;
	free(d->slots);
	free(d);
}

/* The n-grams that end in ids[at]. A collision is settled for the newer: it is the better guess. */
static void ngrams_note(struct draft *d, const int32_t *ids, size_t at)
{
	for (size_t len = DRAFT_MIN; len <= DRAFT_MAX && len <= at + 1; len++) {
		uint32_t *table = d->slots + (len - DRAFT_MIN) * d->cap;

		table[slot_of(ids + at + 1 - len, len, d->cap)] = (uint32_t)at + 1;
	}
}

int draft_see(struct draft *d, const int32_t *ids, size_t n)
{
	if (n > UINT32_MAX / 4)
		return -EMSGSIZE;
	if (n * 2 > d->cap) {
		size_t cap = d->cap > 0 ? d->cap : CAP_MIN;
		uint32_t *slots;

		while (cap < n * 2)
			cap *= 2;
		slots = calloc(N_LENGTHS * cap, sizeof(*slots));
		if (slots == NULL)
			return -ENOMEM;
		free(d->slots);
		d->slots = slots;
		d->cap = cap;
		d->n = 0; /* all again, at other places */
	}
	/* What ends in the last token has nothing behind it yet. */
	for (; d->n + 1 < n; d->n++)
		ngrams_note(d, ids, d->n);
	return 0;
}

size_t draft_propose(const struct draft *d, const int32_t *ids, size_t n, int32_t *out, size_t max,
		     size_t *match)
{
	for (size_t len = MIN((size_t)DRAFT_MAX, n); d->cap > 0 && len >= DRAFT_MIN; len--) {
		const int32_t *gram = ids + n - len;
		const uint32_t *table = d->slots + (len - DRAFT_MIN) * d->cap;
		size_t end = table[slot_of(gram, len, d->cap)]; /* what followed then */

		if (end < len || end >= n ||
		    memcmp(ids + end - len, gram, len * sizeof(*gram)) != 0)
			continue;
		for (size_t i = 0; i < max; i++)
			out[i] = end + i < n ? ids[end + i] : out[end + i - n];
		*match = len;
		return max;
	}
	return 0;
}

size_t draft_worth(double accept, double step_us, double row_us, size_t n_streams, size_t max)
{
	double gain = 1, least;
	size_t k;

	if (step_us <= 0)
		return max; /* nothing measured yet: try */
	least = row_us * (double)MAX(n_streams, (size_t)1) / step_us;
	for (k = 0; k < max; k++) {
		gain *= accept;
		if (gain <= least)
			break;
	}
	return k;
}
