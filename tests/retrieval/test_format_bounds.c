/* Reading and cutting take time and memory linear in the length, whatever the document holds. */
#include <time.h>

#include "tests/retrieval/outline.h"

#define SHORT ((size_t)64 << 10)
#define LONG  (8 * SHORT)

#define WORDS      "heading heading heading heading heading heading heading heading heading "
#define LONG_TITLE WORDS WORDS WORDS "and some bytes more"

/* What parsers of such formats have been slow on: the text again and again, after a beginning. */
static const struct {
	const char *type;
	const char *begin;
	const char *unit;
} rows[] = {
	{ "text/markdown", "", "[" },
	{ "text/markdown", "", "*" },
	{ "text/markdown", "", "<" },
	{ "text/markdown", "", "*a_ " },
	{ "text/markdown", "", "![[]()" },
	{ "text/markdown", "", "`a``b" },
	{ "text/markdown", "", "[a]: <b\n" },
	{ "text/markdown", "", "[a]: b (\n" },
	{ "text/markdown", "", "[\n" },
	{ "text/markdown", "", "> " },
	{ "text/markdown", "- - - - - - - - - - - - - - - - - - - - - - - - - - - - a\n", "\n" },
	{ "text/markdown", "", "- " },
	{ "text/markdown", "", "a\n=\n" },
	{ "text/markdown", "", "# a\n## b\n" },
	{ "text/markdown", "", "b\n\n<!-- -->\n\n" },
	{ "text/markdown", "|a|a|a|a|a|a|a|a\n|-|-|-|-|-|-|-|-\n", "|\n" },
	{ "text/markdown", "", "```\n" },
	{ "text/html", "", "<" },
	{ "text/html", "", "&" },
	{ "text/html", "", "<div>" },
	{ "text/html", "", "<div></b>" },
	{ "text/html", "", "<!--" },
	{ "text/html", "", "<script>" },
	{ "text/html", "<script>", "</scrip" },
	{ "text/html", "", "<title>" },
	{ "text/html", "<a ", "x=\"y\" " },
	{ "text/html", "", "<a b=\"" },
	{ "text/html", "", "<table><tr><td>" },
	{ "text/html", "", "<dl><dt>a" },
	{ "text/html", "", "<nav>" },
	{ "text/html", "", "<h1>a" },
	{ "text/html", "", "&amp;" },
	{ "text/x-rst", "", "a\n=\n" },
	/* Long heading paths for tiny passages, which nothing joins. */
	{ "text/x-rst", LONG_TITLE "\n====\n\n", "a\n-\n..\n" },
	{ "text/x-rst", "", ".. c:function:: f\n\n" },
	{ "text/x-rst", "", ".. _a:\n\n" },
	{ "text/x-rst", "", "..\n\na\n\n" },
	{ "text/x-rst", "", "====  ====\n" },
	{ "text/x-rst", "", "= = " },
	{ "text/x-rst", "", ":a:`" },
	{ "text/x-rst", "", "a::\n\n  b\n\n" },
	{ "text/troff", "", ".SH a\n" },
	{ "text/troff", "", ".B \"a\n" },
	{ "text/troff", "", "\\(" },
	{ "text/troff", "", "\\*[" },
	{ "text/plain", "", "a" },
	{ "text/plain", "", "a\n\n" },
	{ "text/plain", "", ". " },
	{ "text/plain", "", "a:\n\n" },
	{ "text/plain", "", "\xe3\x80\x82" },
	{ "text/x-source", "", "}\n\n" },
	{ "text/csv", "", "a" },
};

/* Seconds of processor time that it takes to read and cut. */
static double measure(const char *type, struct ragd_str content)
{
	struct format_input in = { .media_type = { type, strlen(type) }, .content = content };
	struct arena *a =
		arena_new(FORMAT_ARENA_BYTES(content.len) + CHUNK_ARENA_BYTES(content.len));
	clock_t begin = clock(), end;
	struct format_document d;
	struct ragd_err err = { 0 };
	struct chunk *c;
	ssize_t n;

	if (format_read(a, &in, &d, &err) < 0)
		fail_msg("%s", err.msg);
	n = chunk_document(a, &d, NULL, &c, &err);
	if (n < 0)
		fail_msg("%s", err.msg);
	end = clock();
	assert_null(document_broken(&d, content));
	assert_null(chunks_broken(&d, c, (size_t)n, 2000));
	arena_free(a);
	return (double)(end - begin) / CLOCKS_PER_SEC;
}

static void time_grows_with_the_length_only(void **state)
{
	double few, many;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b = BUF_INIT;

		print_message("%s: %s%s…\n", rows[i].type, rows[i].begin, rows[i].unit);
		buf_adds(&b, rows[i].begin);
		while (b.len < SHORT)
			buf_adds(&b, rows[i].unit);
		few = measure(rows[i].type, buf_str(&b));
		while (b.len < LONG)
			buf_adds(&b, rows[i].unit);
		many = measure(rows[i].type, buf_str(&b));
		/* Eight times the length; quadratic would be 64 times, of seconds. */
		if (many > 0.3 && many > 24 * few)
			fail_msg("%.3f s for %zu bytes, %.3f s for %zu", few, SHORT, many, LONG);
		buf_fini(&b);
	}
}

static void nesting_has_no_limit_and_no_price(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%*s- item\n", 2 * i, "");
	for (int i = 0; i < 100000; i++)
		buf_adds(&b, "\n");
	assert_true(measure("text/markdown", buf_str(&b)) < 10);
	buf_clear(&b);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%*s.. c:function:: f\n\n", 2 * i, "");
	assert_true(measure("text/x-rst", buf_str(&b)) < 10);
	buf_clear(&b);
	buf_adds(&b, "<a");
	for (int i = 0; i < 100000; i++)
		buf_printf(&b, " x%d", i);
	buf_adds(&b, ">text");
	assert_true(measure("text/html", buf_str(&b)) < 10);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_grows_with_the_length_only),
		cmocka_unit_test(nesting_has_no_limit_and_no_price),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
