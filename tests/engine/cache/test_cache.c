/* The KV cache's tree: what is found again, what is shared, what goes when room is needed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/engine/cache/pages.h"
#include "tests/test.h"

#define ME 1000 /* an owner like any other */

/* Read ids and end: they are cached then. */
static void read_once(struct cache *c, const int32_t *ids, size_t n)
{
	struct cache_seq *s = cache_seq_new(c, ME, 0, ids, n);

	assert_int_equal(compute(s, ids + cache_seq_len(s), n - cache_seq_len(s)), 0);
	holds(s, ids, n);
	cache_seq_free(s);
}

static void finds_what_was_read_before(void **state)
{
	/* Tokens read first, tokens of the second sequence that are the same, what it finds. */
	static const struct {
		size_t first, same, want;
	} rows[] = {
		{ 100, 100, 99 },                  /* the last token is always computed */
		{ 100, 64, 64 },  { 100, 70, 70 }, /* a copy of part of a page */
		{ 100, 31, 31 },  { 100, 0, 0 },
		{ 96, 96, 95 },   { 20, 20, 19 }, /* a page that was never full */
		{ 20, 10, 10 },
	};
	int32_t a[200], b[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cache *c = open_cache(16);
		size_t n = rows[i].same == rows[i].first ? rows[i].same : rows[i].same + 50;
		struct cache_seq *s;

		count_up(a, ARRAY_LEN(a), 1000);
		count_up(b, ARRAY_LEN(b), 5000);
		memcpy(b, a, rows[i].same * sizeof(*a));
		read_once(c, a, rows[i].first);
		assert_int_equal(cache_match(c, ME, 0, b, n), rows[i].want);
		s = cache_seq_new(c, ME, 0, b, n);
		holds(s, b, rows[i].want);
		assert_int_equal(compute(s, b + rows[i].want, n - rows[i].want), 0);
		holds(s, b, n);
		cache_seq_free(s);
		/* A copy left the original as it was. */
		s = cache_seq_new(c, ME, 0, a, rows[i].first);
		holds(s, a, rows[i].first - 1);
		cache_seq_free(s);
		cache_close(c);
	}
}

static void sequences_share_pages(void **state)
{
	struct cache *c = open_cache(8);
	struct cache_seq *s[4];
	struct cache_stats st;
	int32_t ids[70];

	(void)state;
	count_up(ids, ARRAY_LEN(ids), 1);
	for (size_t i = 0; i < ARRAY_LEN(s);
	     i++) { /* also at the same time: the first to fill a page wins */
		s[i] = cache_seq_new(c, ME, 0, ids, 64 + 1);
		if (cache_seq_len(s[i]) < 64)
			assert_int_equal(compute(s[i], ids, 64), 0);
		assert_ptr_equal(cache_seq_pages(s[i])[1], cache_seq_pages(s[0])[1]);
	}
	cache_stats(c, &st);
	assert_int_equal(st.n_held, 2);
	assert_int_equal(st.n_hit_tokens, 3 * 64);
	for (size_t i = 0; i < ARRAY_LEN(s); i++)
		cache_seq_free(s[i]);
	cache_stats(c, &st);
	assert_int_equal(st.n_held, 0);
	assert_int_equal(st.n_cached, 2);
	cache_close(c);
}

static void two_that_read_the_same_keep_one(void **state)
{
	struct cache *c = open_cache(8);
	struct cache_seq *a, *b;
	struct cache_stats st;
	int32_t ids[40];

	(void)state;
	count_up(ids, ARRAY_LEN(ids), 1);
	a = cache_seq_new(c, ME, 0, ids, 40);
	b = cache_seq_new(c, ME, 0, ids, 40);
	assert_int_equal(compute(a, ids, 40), 0);
	assert_int_equal(compute(b, ids, 40), 0);
	assert_ptr_equal(cache_seq_pages(a)[0], cache_seq_pages(b)[0]);
	assert_ptr_not_equal(cache_seq_pages(a)[1], cache_seq_pages(b)[1]);
	holds(b, ids, 40);
	cache_seq_free(a);
	cache_seq_free(b);
	cache_stats(c, &st);
	assert_int_equal(st.n_cached, 2);
	cache_close(c);
}

static void gives_up_the_least_recently_used(void **state)
{
	struct cache *c = open_cache(4);
	int32_t a[65], b[65], d[65];

	(void)state;
	count_up(a, 65, 1000);
	count_up(b, 65, 2000);
	count_up(d, 65, 3000);
	read_once(c, a, 64);
	read_once(c, b, 64);
	read_once(c, a, 64); /* used again */
	read_once(c, d, 33); /* needs two pages: the leaf of b goes first, then its root */
	assert_int_equal(cache_match(c, ME, 0, a, 65), 64);
	assert_int_equal(cache_match(c, ME, 0, b, 65), 0);
	assert_int_equal(cache_match(c, ME, 0, d, 33), 32);
	cache_close(c);
}

static void never_takes_what_is_held(void **state)
{
	struct cache *c = open_cache(4);
	struct ragd_err err = { 0 };
	struct cache_seq *a, *b;
	int32_t ids[128], other[128];

	(void)state;
	count_up(ids, 128, 1);
	count_up(other, 128, 500);
	a = cache_seq_new(c, ME, 0, ids, 96);
	assert_int_equal(compute(a, ids, 96), 0);
	b = cache_seq_new(c, ME, 0, other, 64);
	assert_int_equal(cache_seq_reserve(b, 64, &err), -ENOSPC);
	assert_non_null(strstr(err.msg, "4 pages"));
	assert_int_equal(cache_seq_reserve(b, 32, &err), 0); /* the refusal took nothing */
	assert_int_equal(cache_seq_commit(b, other, 33), -EINVAL);
	assert_int_equal(compute(b, other, 32), 0);
	holds(a, ids, 96);
	holds(b, other, 32);
	cache_seq_free(a);
	assert_int_equal(cache_seq_reserve(b, 128, &err), 0);
	cache_seq_free(b);
	cache_close(c);
}

/* What the tree says and what the pages hold never part, whatever is begun, dropped and evicted. */
static void random_lives_keep_pages_and_tokens_together(void **state)
{
	struct cache *c = open_cache(24);
	struct {
		struct cache_seq *s;
		int32_t ids[400];
		size_t n;
	} live[6] = { 0 };
	struct cache_stats st;
	unsigned seed = 7;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		size_t i = (size_t)rand_r(&seed) % ARRAY_LEN(live);

		if (live[i].s == NULL) { /* few first tokens, few later ones: much is shared */
			live[i].n = 1 + (size_t)rand_r(&seed) % 150;
			for (size_t k = 0; k < live[i].n; k++)
				live[i].ids[k] = (int32_t)(k % 40 == 0 ? rand_r(&seed) % 3 : 9);
			live[i].s = cache_seq_new(c, ME, 0, live[i].ids, live[i].n);
			holds(live[i].s, live[i].ids, cache_seq_len(live[i].s));
		} else if (rand_r(&seed) % 4 == 0) {
			cache_seq_free(live[i].s);
			live[i].s = NULL;
		} else {
			size_t len = cache_seq_len(live[i].s), n = 1 + (size_t)rand_r(&seed) % 40;

			n = MIN(n, live[i].n - len);
			if (n > 0 && cache_seq_reserve(live[i].s, len + n, NULL) == 0)
				assert_int_equal(compute(live[i].s, live[i].ids + len, n), 0);
			holds(live[i].s, live[i].ids, cache_seq_len(live[i].s));
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(live); i++)
		cache_seq_free(live[i].s);
	cache_stats(c, &st);
	assert_int_equal(st.n_held, 0);
	assert_true(st.n_evicted_pages > 100 && st.n_hit_tokens > 1000);
	cache_clear(c);
	cache_stats(c, &st);
	assert_int_equal(st.n_cached, 0);
	cache_close(c);
}

/* Kilobytes of this process that are in memory. */
static long resident_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	assert_non_null(f);
	while (kb < 0 && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "VmRSS: %ld", &kb);
	fclose(f);
	assert_true(kb > 0);
	return kb;
}

static void memory_goes_back_to_the_system_but_for_the_configurations(void **state)
{
	enum { PAGE = 100032, N = 512, CONFIGURED = 3 }; /* no multiple of the system's pages */
	int32_t ids[N * KV_PAGE];
	struct cache_stats st;
	struct cache_seq *s;
	struct cache *c;
	long before;

	(void)state;
	count_up(ids, ARRAY_LEN(ids), 1);
	assert_int_equal(cache_open(PAGE, N, &c, NULL), 0);
	s = cache_seq_new(c, ME, CONFIGURED * KV_PAGE, ids, ARRAY_LEN(ids));
	assert_int_equal(cache_seq_reserve(s, ARRAY_LEN(ids), NULL), 0);
	for (size_t i = 0; i < N; i++)
		memset(cache_seq_pages(s)[i], 7, PAGE);
	assert_int_equal(cache_seq_commit(s, ids, ARRAY_LEN(ids)), 0);
	cache_trim(c); /* held: nothing goes */
	assert_int_equal(cache_seq_pages(s)[N - 1][PAGE - 1], 7);
	cache_seq_free(s);
	before = resident_kb();
	cache_trim(c);
	cache_stats(c, &st);
	assert_int_equal(st.n_cached, CONFIGURED);
	print_message("%ld kB, then %ld\n", before, resident_kb());
	assert_true(before - resident_kb() > PAGE / 1024 * (N - CONFIGURED) * 9 / 10);
	s = cache_seq_new(c, ME, CONFIGURED * KV_PAGE, ids, ARRAY_LEN(ids));
	assert_int_equal(cache_seq_len(s), CONFIGURED * KV_PAGE);
	for (size_t i = 0; i < CONFIGURED * PAGE; i++)
		assert_int_equal(cache_seq_pages(s)[i / PAGE][i % PAGE], 7);
	cache_seq_free(s);
	cache_clear(c);
	cache_stats(c, &st);
	assert_int_equal(st.n_cached, 0);
	cache_close(c);
}

static void refuses_sizes_that_make_no_sense(void **state)
{
	struct ragd_err err = { 0 };
	struct cache *c = NULL;

	(void)state;
	assert_int_equal(cache_open(0, 4, &c, &err), -EINVAL);
	assert_int_equal(cache_open(4096, 0, &c, &err), -EINVAL);
	assert_int_equal(cache_open(SIZE_MAX / 2, 4, &c, &err), -EINVAL);
	assert_int_equal(cache_open((size_t)1 << 40, (size_t)1 << 20, &c, &err), -ENOMEM);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_read_before),
		cmocka_unit_test(sequences_share_pages),
		cmocka_unit_test(two_that_read_the_same_keep_one),
		cmocka_unit_test(gives_up_the_least_recently_used),
		cmocka_unit_test(never_takes_what_is_held),
		cmocka_unit_test(random_lives_keep_pages_and_tokens_together),
		cmocka_unit_test(memory_goes_back_to_the_system_but_for_the_configurations),
		cmocka_unit_test(refuses_sizes_that_make_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
