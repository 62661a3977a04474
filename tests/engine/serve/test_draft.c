/* Drafting: what followed the same tokens before is proposed, and only while it pays. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/serve/draft.h"
#include "tests/test.h"

static void proposes_what_followed_the_same_tokens(void **state)
{
	static const struct {
		const char *name;
		int32_t ids[16];
		size_t n;
		size_t match;
		int32_t want[4];
	} rows[] = {
		{ "nothing came twice", { 1, 2, 3, 4, 5 }, 5, 0, { 0 } },
		{ "one token alone is not enough", { 1, 2, 3, 4, 2 }, 5, 0, { 0 } },
		{ "two tokens", { 1, 2, 3, 4, 5, 6, 1, 2 }, 8, 2, { 3, 4, 5, 6 } },
		{ "the longest match decides",
		  { 1, 2, 3, 9, 8, 7, 2, 3, 5, 5, 5, 6, 1, 2, 3 },
		  15,
		  3,
		  { 9, 8, 7, 2 } },
		{ "the newest of equal ones",
		  { 1, 2, 3, 1, 2, 4, 4, 6, 1, 2 },
		  10,
		  2,
		  { 4, 4, 6, 1 } },
		{ "what follows may run into the proposal",
		  { 7, 1, 2, 1, 2 },
		  5,
		  2,
		  { 1, 2, 1, 2 } },
		{ "a token over and over", { 5, 5, 5, 5, 5, 5 }, 6, 4, { 5, 5, 5, 5 } },
		{ "the first tokens of all", { 1, 2, 3, 1, 2 }, 5, 2, { 3, 1, 2, 3 } },
		{ "one token", { 1 }, 1, 0, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct draft *d = draft_new();
		int32_t out[4] = { 0 };
		size_t match = 0, n = 0;

		print_message("%s\n", rows[i].name);
		assert_non_null(d);
		assert_int_equal(draft_propose(d, rows[i].ids, rows[i].n, out, 4, &match), 0);
		/* Shown token by token, as a text is written. */
		for (size_t j = 1; j <= rows[i].n; j++)
			assert_int_equal(draft_see(d, rows[i].ids, j), 0);
		n = draft_propose(d, rows[i].ids, rows[i].n, out, 4, &match);
		assert_int_equal(n, rows[i].match > 0 ? 4 : 0);
		assert_int_equal(match, rows[i].match);
		if (n > 0)
			assert_memory_equal(out, rows[i].want, sizeof(out));
		draft_free(d);
	}
}

/* The plain way: look at every place, the longest match and of those the newest. */
static size_t plain(const int32_t *ids, size_t n)
{
	for (size_t len = DRAFT_MAX; len >= DRAFT_MIN; len--)
		for (size_t end = n - 1; len < n && end >= len; end--)
			if (memcmp(ids + end - len, ids + n - len, len * sizeof(*ids)) == 0)
				return end;
	return 0;
}

static void finds_as_much_as_looking_everywhere(void **state)
{
	enum { N = 3000 };
	int32_t *ids = malloc(N * sizeof(*ids)), out[3];
	struct draft *d = draft_new();
	size_t same = 0, found = 0, wanted = 0;
	uint32_t seed = 1;

	(void)state;
	assert_non_null(ids);
	for (size_t n = 0; n < N; n++) {
		size_t match, want;

		seed = seed * 1664525u + 1013904223u;
		/* Now and then a stretch is said again. */
		ids[n] = n > 50 && n / 20 % 3 == 0 ? ids[n - 47] : (int32_t)(seed >> 16) % 500;
		assert_int_equal(draft_see(d, ids, n + 1), 0);
		want = plain(ids, n + 1);
		wanted += want > 0;
		if (draft_propose(d, ids, n + 1, out, 3, &match) == 0)
			continue;
		found++;
		assert_true(want > 0); /* never where there is none */
		same += out[0] == ids[want];
	}
	assert_true(wanted > 500);
	/* The rest: two of one hash in the table. */
	assert_true(found * 100 >= wanted * 95 && same * 100 >= wanted * 95);
	draft_free(d);
	free(ids);
}

static void drafts_only_while_it_pays(void **state)
{
	static const struct {
		const char *name;
		double accept, step_us, row_us;
		size_t n_streams, max, want;
	} rows[] = {
		{ "nothing is known: try", 0.6, 0, 0, 1, 8, 8 },
		{ "rows for nothing", 0.9, 1000, 0, 1, 8, 8 },
		{ "a row costs a tenth, half come true", 0.5, 1000, 100, 1, 8, 3 },
		{ "the same among seven others", 0.5, 1000, 100, 8, 8, 0 },
		{ "hardly any come true", 0.05, 1000, 100, 1, 8, 0 },
		{ "a row costs as much as a step", 0.99, 1000, 1000, 1, 8, 0 },
		{ "no room", 0.99, 1000, 1, 1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		assert_int_equal(draft_worth(rows[i].accept, rows[i].step_us, rows[i].row_us,
					     rows[i].n_streams, rows[i].max),
				 rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proposes_what_followed_the_same_tokens),
		cmocka_unit_test(finds_as_much_as_looking_everywhere),
		cmocka_unit_test(drafts_only_while_it_pays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
