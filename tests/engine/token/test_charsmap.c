/* The map of characters of a Unigram vocabulary: what it replaces, and those that are refused. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/engine/token/map.h"
#include "tests/test.h"

static struct map map;

static int setup(void **state)
{
	(void)state;
	map_begin(&map);
	return 0;
}

static int read_bytes(const void *bytes, size_t len, struct ragd_err *err)
{
	struct arena *a = arena_new(SIZE_MAX);
	struct charsmap m = { 0 };
	int rc;

	assert_non_null(a);
	rc = charsmap_read(&m, a, bytes, len, err);
	assert_true((rc == 0) == (m.units != NULL));
	arena_free(a);
	return rc;
}

static void assert_refused(const char *words)
{
	struct ragd_err err = { 0 };
	struct buf b = BUF_INIT;

	map_write(&map, &b);
	if (read_bytes(b.data, b.len, &err) != -EINVAL || strstr(err.msg, words) == NULL)
		fail_msg("'%s', not '%s'", err.msg, words);
	buf_fini(&b);
}

static void assert_matches(const struct charsmap *m, const char *text, size_t n, const char *want)
{
	struct ragd_str out = { "untouched", 9 };

	assert_int_equal(charsmap_match(m, text, strlen(text), &out), n);
	assert_int_equal(out.len, strlen(want));
	assert_memory_equal(out.s, want, out.len);
}

static void the_longest_sequence_is_replaced(void **state)
{
	struct arena *a = arena_new(SIZE_MAX);
	struct charsmap m = { 0 };
	struct buf b = BUF_INIT;

	(void)state;
	map_add(&map, "a", "A");
	map_add(&map, "abc", "long");
	map_add(&map, "\xcc\x81", "");
	map_add(&map, "\xff", " ");
	map_write(&map, &b);
	assert_int_equal(charsmap_read(&m, a, (const uint8_t *)b.data, b.len, NULL), 0);
	buf_fini(&b); /* it stands alone */
	assert_matches(&m, "a", 1, "A");
	assert_matches(&m, "ab", 1, "A");
	assert_matches(&m, "abcd", 3, "long");
	assert_matches(&m, "\xcc\x81", 2, "");
	assert_matches(&m, "\xff", 1, " ");
	assert_matches(&m, "\xcc", 0, "untouched");
	assert_matches(&m, "b", 0, "untouched");
	assert_matches(&m, "", 0, "untouched");
	assert_int_equal(charsmap_match(&m, "\0a", 2, &(struct ragd_str){ 0 }), 0);
	arena_free(a);
}

static void without_a_map_nothing_is_replaced(void **state)
{
	struct charsmap m = { 0 };

	(void)state;
	assert_matches(&m, "a", 0, "untouched");
}

/* A sequence that leads round in a circle ends all the same. */
static void a_circle_is_left(void **state)
{
	struct arena *a = arena_new(SIZE_MAX);
	static char text[1000];
	struct ragd_str out;
	struct charsmap m = { 0 };
	struct buf b = BUF_INIT;

	(void)state;
	map_add(&map, "aa", "x");
	/* the second a is its own child */
	map.units[2 * MAP_BLOCK + 'a'] = (uint32_t)'a' << 10 | MAP_ENDS | 'a';
	map_write(&map, &b);
	assert_int_equal(charsmap_read(&m, a, (const uint8_t *)b.data, b.len, NULL), 0);
	memset(text, 'a', sizeof(text));
	assert_in_range(charsmap_match(&m, text, sizeof(text), &out), 2, CHARSMAP_SEQUENCE_MAX);
	arena_free(a);
	buf_fini(&b);
}

/* ---- refused -------------------------------------------------------------------------------- */

static void lengths_that_do_not_fit(void **state)
{
	static const uint32_t lens[] = { 0, 1, 3, 1025, 4 * 256, UINT32_MAX, UINT32_MAX - 3 };
	uint8_t bytes[1000] = { 0 };
	struct ragd_err err;

	(void)state;
	for (size_t n = 0; n < 5; n++)
		assert_int_equal(read_bytes(bytes, n, &err), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		memcpy(bytes, &lens[i], 4);
		assert_int_equal(read_bytes(bytes, sizeof(bytes), &err), -EINVAL);
		assert_non_null(strstr(err.msg, "a map of characters of 1000 bytes"));
	}
}

static void texts_without_an_end(void **state)
{
	(void)state;
	map_add(&map, "a", "A");
	map.texts.len--;
	assert_refused("has no end");
}

static void texts_that_are_too_long(void **state)
{
	char text[CHARSMAP_TEXT_MAX + 2];

	for (size_t n = CHARSMAP_TEXT_MAX; n <= CHARSMAP_TEXT_MAX + 1; n++) {
		struct buf b = BUF_INIT;

		setup(state);
		memset(text, 'x', n);
		text[n] = '\0';
		map_add(&map, "a", text);
		if (n > CHARSMAP_TEXT_MAX) {
			assert_refused("more than 256 bytes");
			continue;
		}
		map_write(&map, &b);
		assert_int_equal(read_bytes(b.data, b.len, NULL), 0);
		buf_fini(&b);
	}
}

static void a_root_that_is_a_value(void **state)
{
	(void)state;
	map_add(&map, "a", "A");
	map.units[0] |= MAP_VALUE;
	assert_refused("leads out of itself");
}

/* Also where no sequence leads there. */
static void children_outside(void **state)
{
	static const uint32_t offsets[] = { 4, 255, 0x1fff };

	for (size_t i = 0; i < ARRAY_LEN(offsets); i++)
		for (int far = 0; far < 2; far++) {
			setup(state);
			map_add(&map, "ab", "A"); /* four blocks: the root's, and one a node */
			map.units[3 * MAP_BLOCK + 7] =
				(offsets[i] * (far ? 1 : MAP_BLOCK)) << 10 | (far ? MAP_FAR : 0);
			assert_refused("leads out of itself");
		}
}

/* The last block is not whole: nothing may lead there. */
static void half_a_block(void **state)
{
	(void)state;
	map_add(&map, "a", "A");
	map.n_units--;
	assert_refused("leads out of itself");
}

static void values_outside(void **state)
{
	for (uint32_t past = 0; past < 2; past++) {
		struct ragd_err err = { 0 };
		struct buf b = BUF_INIT;

		setup(state);
		map_add(&map, "a", "A");
		map.units[2 * MAP_BLOCK] = MAP_VALUE | (uint32_t)(map.texts.len - 1 + past);
		map_write(&map, &b);
		assert_int_equal(read_bytes(b.data, b.len, &err), past == 0 ? 0 : -EINVAL);
		buf_fini(&b);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(the_longest_sequence_is_replaced),
		T(without_a_map_nothing_is_replaced),
		T(a_circle_is_left),
		T(lengths_that_do_not_fit),
		T(texts_without_an_end),
		T(texts_that_are_too_long),
		T(a_root_that_is_a_value),
		T(children_outside),
		T(half_a_block),
		T(values_outside),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
