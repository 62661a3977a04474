#include "tests/retrieval/outline.h"

struct cut {
	struct arena *arena;
	struct format_document doc;
	struct chunk *chunks;
	size_t n;
};

static struct cut cut(const char *type, const char *in, uint32_t target)
{
	struct chunk_options options = { .target_bytes = target };
	struct cut c = { .arena = arena_new((size_t)1 << 28) };
	struct ragd_err err = { 0 };
	const char *broken;
	ssize_t n;

	c.doc = read_as(c.arena, type, in);
	n = chunk_document(c.arena, &c.doc, &options, &c.chunks, &err);
	if (n < 0)
		fail_msg("%s", err.msg);
	c.n = (size_t)n;
	broken = chunks_broken(&c.doc, c.chunks, c.n, 2 * (target > 0 ? target : 1000));
	if (broken != NULL)
		fail_msg("%s", broken);
	return c;
}

/* `unit` as often as it takes to have `len` bytes. */
static void say(struct buf *b, const char *unit, size_t len)
{
	for (size_t start = b->len; b->len - start < len;)
		buf_adds(b, unit);
}

static void heading_is(const struct cut *c, size_t i, const char *want)
{
	assert_true(i < c->n);
	assert_int_equal(c->chunks[i].heading.len, strlen(want));
	assert_memory_equal(c->chunks[i].heading.s, want, strlen(want));
}

static bool begins(const struct cut *c, size_t i, const char *with)
{
	return i < c->n && c->chunks[i].text.len >= strlen(with) &&
	       memcmp(c->chunks[i].text.s, with, strlen(with)) == 0;
}

static bool ends(const struct cut *c, size_t i, const char *with)
{
	size_t len = strlen(with);

	return i < c->n && c->chunks[i].text.len >= len &&
	       memcmp(c->chunks[i].text.s + c->chunks[i].text.len - len, with, len) == 0;
}

static void a_heading_begins_a_passage_and_stands_in_it(void **state)
{
	struct buf b = BUF_INIT;
	struct cut c;

	(void)state;
	buf_adds(&b, "Before.\n\n# Title\n\n");
	say(&b, "Introduction. ", 600);
	buf_adds(&b, "\n\n## Section\n\n### Sub *one*\n\n");
	say(&b, "First. ", 600);
	buf_adds(&b, "\n\n### Two\n\n");
	say(&b, "Second. ", 600);
	buf_adds(&b, "\n\n## Last\n\n");
	say(&b, "Third. ", 600);
	c = cut("text/markdown", b.data, 0);
	assert_int_equal(c.n, 4);
	heading_is(&c, 0, "Title");
	assert_true(begins(&c, 0, "Before.\n\n# Title\n\nIntro"));
	heading_is(&c, 1, "Title > Section > Sub one");
	assert_true(begins(&c, 1, "## Section\n\n### Sub *one*\n\nFirst"));
	heading_is(&c, 2, "Title > Section > Two");
	heading_is(&c, 3, "Title > Last");
	buf_fini(&b);
	arena_free(c.arena);
}

static void small_neighbours_share_a_passage(void **state)
{
	struct buf b = BUF_INIT;
	struct cut c;

	(void)state;
	buf_adds(&b, "# Title\n\n## A\n\na\n\n## B\n\nb\n\n## C\n\n");
	say(&b, "Long. ", 1100);
	buf_adds(&b, "\n\n## D\n\nd\n\n# Other\n\n");
	say(&b, "Long. ", 900);
	c = cut("text/markdown", b.data, 0);
	assert_int_equal(c.n, 4);
	heading_is(&c, 0, "Title");
	assert_true(ends(&c, 0, "b"));
	heading_is(&c, 1, "Title > C");
	heading_is(&c, 2, "Title > D");
	heading_is(&c, 3, "Other");
	buf_fini(&b);
	arena_free(c.arena);
}

static void a_shared_passage_is_named_after_the_larger_part(void **state)
{
	struct buf b = BUF_INIT;
	struct cut c;

	(void)state;
	buf_adds(&b, "Before.\n\n# Title\n\nOne line.\n\n## A\n\n");
	say(&b, "Text. ", 400);
	buf_adds(&b, "\n\n## B\n\nb\n");
	c = cut("text/markdown", b.data, 0);
	assert_int_equal(c.n, 1);
	heading_is(&c, 0, "Title > A");
	buf_fini(&b);
	arena_free(c.arena);
}

static void long_paragraphs_are_cut_at_sentences(void **state)
{
	struct buf b = BUF_INIT;
	struct cut c;

	(void)state;
	say(&b, "This is a sentence of some length, e.g. this one. ", 5000);
	c = cut("text/plain", b.data, 0);
	assert_int_equal(c.n, 5);
	for (size_t i = 0; i < c.n; i++) {
		assert_true(begins(&c, i, "This is"));
		assert_true(ends(&c, i, "this one."));
		assert_in_range(c.chunks[i].text.len, 800, 1200);
	}
	buf_fini(&b);
	arena_free(c.arena);
}

static void text_without_sentences_is_cut_at_clauses_then_words_then_characters(void **state)
{
	static const struct {
		const char *unit;
		const char *end;
	} rows[] = { { "words and words, and more words ", "," },
		     { "word ", "d" },
		     { "\xc3\xa4", "\xc3\xa4" },
		     { "x", "x" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;
		struct cut c;

		say(&b, rows[i].unit, 300000);
		c = cut("text/plain", b.data, 0);
		assert_true(c.n >= 150);
		for (size_t j = 0; j + 1 < c.n; j++)
			assert_true(ends(&c, j, rows[i].end));
		buf_fini(&b);
		arena_free(c.arena);
	}
}

static void tables_and_code_stay_whole_up_to_the_limit(void **state)
{
	struct buf b = BUF_INIT;
	struct cut c;

	(void)state;
	say(&b, "Text. ", 700);
	buf_adds(&b, "\n\n```c\n");
	say(&b, "call(x);\n", 1500);
	buf_adds(&b, "```\n\n");
	say(&b, "Text. ", 700);
	c = cut("text/markdown", b.data, 0);
	assert_int_equal(c.n, 3);
	assert_true(begins(&c, 1, "```c\n"));
	assert_true(ends(&c, 1, "\n```"));
	arena_free(c.arena);

	buf_clear(&b);
	buf_adds(&b, "| a | b |\n|---|---|\n");
	say(&b, "| row | of a table |\n", 9000);
	c = cut("text/markdown", b.data, 0);
	assert_in_range(c.n, 9, 11);
	for (size_t i = 1; i < c.n; i++) {
		assert_true(begins(&c, i, "| row |"));
		assert_true(ends(&c, i, "table |"));
	}
	buf_fini(&b);
	arena_free(c.arena);
}

static void what_announces_stays_with_what_follows(void **state)
{
	struct buf b = BUF_INIT;
	struct cut c;

	(void)state;
	say(&b, "Text. ", 950);
	buf_adds(&b, "\n\nLike this:\n\n```\n");
	say(&b, "code\n", 500);
	buf_adds(&b, "```\n");
	c = cut("text/markdown", b.data, 0);
	assert_int_equal(c.n, 2);
	assert_true(begins(&c, 1, "Like this:\n\n```"));
	buf_fini(&b);
	arena_free(c.arena);
}

static void described_objects_have_passages_of_their_own(void **state)
{
	struct buf b = BUF_INIT;
	struct cut c;

	(void)state;
	buf_adds(&b, "API\n===\n\n.. c:function:: void tiny(void)\n\n    Tiny.\n\n");
	buf_adds(&b, ".. c:function:: void small(void)\n\n    Small.\n\n");
	for (int i = 0; i < 3; i++) {
		buf_printf(&b, ".. c:function:: void f%d(void)\n\n    ", i);
		say(&b, "It does things. ", 400);
		buf_adds(&b, "\n\n");
	}
	c = cut("text/x-rst", b.data, 0);
	assert_int_equal(c.n, 3);
	assert_true(begins(&c, 0, "API\n===\n\n.. c:function:: void tiny"));
	assert_true(begins(&c, 1, ".. c:function:: void f1"));
	assert_true(begins(&c, 2, ".. c:function:: void f2"));
	heading_is(&c, 2, "API");
	buf_fini(&b);
	arena_free(c.arena);
}

static void nothing_is_joined_over_a_comment(void **state)
{
	struct cut c = cut("text/markdown", "# a\n\nb\n\n<!-- hidden -->\n\nc\n", 0);

	(void)state;
	assert_int_equal(c.n, 2);
	assert_true(ends(&c, 0, "b"));
	assert_true(begins(&c, 1, "c"));
	heading_is(&c, 1, "a");
	arena_free(c.arena);
}

static void paths_are_short(void **state)
{
	struct buf b = BUF_INIT;
	struct cut c;

	(void)state;
	for (int level = 1; level <= 6; level++) {
		say(&b, "#", (size_t)level);
		buf_addc(&b, ' ');
		say(&b,
		    "h\xc3\xa4"
		    "ading ",
		    100);
		buf_printf(&b, "%d\n\n", level);
	}
	buf_adds(&b, "text");
	c = cut("text/markdown", b.data, 0);
	assert_int_equal(c.n, 1);
	assert_in_range(c.chunks[0].heading.len, 100, 240);
	assert_int_equal(c.chunks[0].heading.s[c.chunks[0].heading.len - 1], '6');
	buf_fini(&b);
	arena_free(c.arena);
}

static void every_size_keeps_its_promises(void **state)
{
	static const char *const types[] = { "text/markdown", "text/x-rst", "text/html",
					     "text/plain" };
	struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 40; i++) {
		buf_printf(&b, "\n\n<h2>H%d</h2>\n\n## H%d\n\nT\n%.*s\n\n", i, i, i % 7, "=======");
		say(&b, "A sentence, with \xe2\x82\xac; and more. ", (size_t)(i * i));
		buf_adds(&b, "\n\n* item &amp; item:\n\n```\ncode\n\n");
		say(&b, "more code\n", (size_t)(i * 50));
		buf_adds(&b, "```\n\n|a|b|\n|-|-|\n|1|2|\n");
	}
	for (size_t t = 0; t < ARRAY_LEN(types); t++)
		for (uint32_t target = 64; target < 5000; target += target / 3)
			arena_free(cut(types[t], b.data, target).arena); /* checks */
	buf_fini(&b);
}

static void refuses_options_that_contradict_each_other(void **state)
{
	static const struct chunk_options rows[] = {
		{ .target_bytes = 10 },
		{ .target_bytes = 1000, .max_bytes = 1500 },
		{ .target_bytes = 1000, .min_bytes = 600 },
		{ .target_bytes = UINT32_MAX },
	};
	struct arena *a = arena_new(1 << 20);
	struct format_document d = read_as(a, "text/plain", "text");
	struct chunk *c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };

		assert_int_equal(chunk_document(a, &d, &rows[i], &c, &err), -EINVAL);
		assert_true(err.msg[0] != '\0');
	}
	arena_free(a);
}

static void says_when_memory_is_out(void **state)
{
	struct arena *a = arena_new(1 << 20), *small = arena_new(100);
	struct format_document d =
		read_as(a, "text/markdown", "# a\n\ntext\n\n<!-- -->\n\n# b\n\ntext");
	struct ragd_err err = { 0 };
	struct chunk *c;

	(void)state;
	assert_int_equal(chunk_document(small, &d, NULL, &c, &err), -ENOMEM);
	assert_true(err.msg[0] != '\0');
	arena_free(small);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_heading_begins_a_passage_and_stands_in_it),
		cmocka_unit_test(small_neighbours_share_a_passage),
		cmocka_unit_test(a_shared_passage_is_named_after_the_larger_part),
		cmocka_unit_test(long_paragraphs_are_cut_at_sentences),
		cmocka_unit_test(
			text_without_sentences_is_cut_at_clauses_then_words_then_characters),
		cmocka_unit_test(tables_and_code_stay_whole_up_to_the_limit),
		cmocka_unit_test(what_announces_stays_with_what_follows),
		cmocka_unit_test(described_objects_have_passages_of_their_own),
		cmocka_unit_test(nothing_is_joined_over_a_comment),
		cmocka_unit_test(paths_are_short),
		cmocka_unit_test(every_size_keeps_its_promises),
		cmocka_unit_test(refuses_options_that_contradict_each_other),
		cmocka_unit_test(says_when_memory_is_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
