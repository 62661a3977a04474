/* Caches whose pages hold the token ids themselves, as what a forward pass would leave there. */
#ifndef TESTS_ENGINE_CACHE_PAGES_H
#define TESTS_ENGINE_CACHE_PAGES_H

#include <string.h>

#include "engine/cache/cache.h"
#include "engine/kernels/kernels.h"
#include "tests/test.h"

#define PAGE_BYTES (KV_PAGE * sizeof(int32_t))

static inline struct cache *open_cache(size_t n_pages)
{
	struct cache *c = NULL;

	assert_int_equal(cache_open(PAGE_BYTES, n_pages, &c, NULL), 0);
	return c;
}

static inline void count_up(int32_t *ids, size_t n, int32_t from)
{
	for (size_t i = 0; i < n; i++)
		ids[i] = from + (int32_t)i;
}

/* Read the next n; fails where there is no room, as cache_seq_reserve() does. */
static inline int compute(struct cache_seq *s, const int32_t *ids, size_t n)
{
	size_t first = cache_seq_len(s);
	int rc = cache_seq_reserve(s, first + n, NULL);

	for (size_t i = 0; rc == 0 && i < n; i++)
		memcpy(cache_seq_pages(s)[(first + i) / KV_PAGE] +
			       (first + i) % KV_PAGE * sizeof(*ids),
		       &ids[i], sizeof(*ids));
	return rc < 0 ? rc : cache_seq_commit(s, ids, n);
}

/* The sequence is these tokens, and its pages are theirs. */
static inline void holds(struct cache_seq *s, const int32_t *ids, size_t n)
{
	uint8_t *const *pages = cache_seq_pages(s);

	assert_int_equal(cache_seq_len(s), n);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(pages[i / KV_PAGE] + i % KV_PAGE * sizeof(*ids), &ids[i],
				    sizeof(*ids));
}

#endif
