#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text/sentences.h"
#include "base/util.h"
#include "tests/test.h"

static int setup(void **state)
{
	*state = sentences_new();
	return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	sentences_free(*state);
	return 0;
}

/* The sentences of a text with '|' between them. */
static char *sentences_of(struct sentences *s, const char *text, size_t len)
{
	struct buf b = BUF_INIT;
	size_t from, to, before = 0, n;

	sentences_start(s, text, len);
	while (sentences_next(s, &from, &to)) {
		assert_true(from >= before && from < to && to <= len);
		assert_true(to - from <= SENTENCE_MAX);
		for (size_t i = before; i < from; i++) /* nothing is lost between two */
			assert_non_null(strchr(" \t\n\r\f\v", text[i]));
		if (b.len > 0)
			buf_addc(&b, '|');
		buf_add(&b, text + from, to - from);
		before = to;
	}
	for (size_t i = before; i < len; i++)
		assert_non_null(strchr(" \t\n\r\f\v", text[i]));
	return buf_steal(&b, &n);
}

struct row {
	const char *text;
	const char *want;
};

static const struct row prose[] = {
	{ "", "" },
	{ " \n\t ", "" },
	{ "One. Two! Three? Four", "One.|Two!|Three?|Four" },
	{ "Use e.g. the default. It works.", "Use e.g. the default.|It works." },
	{ "See Fig. 3 and i.e. that. Next.", "See Fig. 3 and i.e. that.|Next." },
	{ "Version v1.2 is out. Get 1.30.0.", "Version v1.2 is out.|Get 1.30.0." },
	{ "Dr. Smith met J. K. Rowling. She left.", "Dr. Smith met J. K. Rowling.|She left." },
	{ "He lived in the U.S. The end.", "He lived in the U.S.|The end." },
	{ "The U.S. Senate met.", "The U.S. Senate met." },
	{ "Bread, milk, etc. Then eggs.", "Bread, milk, etc.|Then eggs." },
	{ "Bread, milk, etc. are food.", "Bread, milk, etc. are food." },
	{ "It is 4. The rest is 5.", "It is 4.|The rest is 5." },
	{ "Apple Inc. makes phones. So does Acme Inc. It is big.",
	  "Apple Inc. makes phones.|So does Acme Inc.|It is big." },
	{ "On Jan. 5 it rained. In Jan. Nothing.", "On Jan. 5 it rained.|In Jan.|Nothing." },
	{ "\"What?\" he asked. \"Yes.\" She nodded.", "\"What?\" he asked.|\"Yes.\"|She nodded." },
	{ "(See below.) The rest.", "(See below.)|The rest." },
	{ "It blocks. uv_run() returns. `x` is set.", "It blocks.|uv_run() returns.|`x` is set." },
	{ "Approx. ten of them. done", "Approx. ten of them. done" },
	{ "Wait... what? Wait... Now.", "Wait... what?|Wait...|Now." },
	{ "It is 4. [1] The rest. [2, 3] [4] End.", "It is 4. [1]|The rest. [2, 3] [4]|End." },
	{ "In the U.S. [1] Rain fell.", "In the U.S. [1]|Rain fell." },
	{ "It is so.[12] Next.", "It is so.[12]|Next." },
	{ "See http://a.b/c.d?e=f. Then go.", "See http://a.b/c.d?e=f.|Then go." },
	{ "A line\nthat wraps. Then\nanother.", "A line\nthat wraps.|Then\nanother." },
	{ "One line.\r\nTwo lines.\r\n", "One line.|Two lines." },
	{ "**Bold.** Then. _So._ There", "**Bold.**|Then.|_So._|There" },
	/* 。！？ need no space; Devanagari's danda; Arabic's question mark. */
	{ "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82\xe4\xbd\xa0\xef\xbc\x9f\xe5\xa5\xbd",
	  "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82|\xe4\xbd\xa0\xef\xbc\x9f|\xe5\xa5\xbd" },
	{ "\xe3\x80\x8c\xe5\xa5\xbd\xe3\x80\x82\xe3\x80\x8d\xe4\xbd\xa0",
	  "\xe3\x80\x8c\xe5\xa5\xbd\xe3\x80\x82\xe3\x80\x8d|\xe4\xbd\xa0" },
	{ "\xe0\xa4\x95\xe0\xa5\xa4 \xe0\xa4\x96", "\xe0\xa4\x95\xe0\xa5\xa4|\xe0\xa4\x96" },
	{ "\xd9\x86\xd8\xb9\xd9\x85\xd8\x9f \xd9\x84\xd8\xa7",
	  "\xd9\x86\xd8\xb9\xd9\x85\xd8\x9f|\xd9\x84\xd8\xa7" },
	{ "He said \xe2\x80\x9cgo.\xe2\x80\x9d Then left.",
	  "He said \xe2\x80\x9cgo.\xe2\x80\x9d|Then left." },
	{ "\xd0\x94\xd0\xb0. \xd0\x9d\xd0\xb5\xd1\x82.",
	  "\xd0\x94\xd0\xb0.|\xd0\x9d\xd0\xb5\xd1\x82." },
};

static const struct row blocks[] = {
	{ "# Title\nText here\n\nMore text", "# Title|Text here|More text" },
	{ "Title\n=====\nText.", "Title\n=====|Text." },
	{ "Title\n~~~~~\n\nText.", "Title\n~~~~~|Text." },
	{ "=====\nTitle\n=====\n", "=====|Title\n=====" },
	{ "Items:\n- one\n- two\n  goes on\n- three. Four.",
	  "Items:|- one|- two\n  goes on|- three.|Four." },
	{ "Steps:\n1. First. Then\n2. Second\n", "Steps:|1. First.|Then|2. Second" },
	{ "It was the year\n98. Then came", "It was the year\n98.|Then came" },
	{ "| a | b. C |\n|---|---|\n| 1 | 2 |", "| a | b. C |||---|---||| 1 | 2 |" },
	{ "Run:\n\n```c\nint x. Y();\n\nz();\n```\nThen.",
	  "Run:|```c\nint x. Y();\n\nz();\n```|Then." },
	{ "~~~\na. B\n~~~\nEnd", "~~~\na. B\n~~~|End" },
	{ "```\nnever closed. Or", "```\nnever closed. Or" },
	{ "Example::\n\n    a. B\n\n    c\n\nText.", "Example::|a. B\n\n    c|Text." },
	{ ".. code-block:: c\n\n    a. B\n\n    c\nText.",
	  ".. code-block:: c|a. B\n\n    c|Text." },
	{ ".. note::\n\n    Prose. It is.\n", ".. note::|Prose.|It is." },
	{ ".. note:: This is\n   long. So.\n\nText", ".. note:: This is\n   long.|So.|Text" },
	{ ":param x: The x\n    it takes\n:returns: Nothing",
	  ":param x: The x\n    it takes|:returns: Nothing" },
	{ ":c:func:`uv_run` runs. :c:func:`x` too.", ":c:func:`uv_run` runs.|:c:func:`x` too." },
	{ "NAME\n       curl - get a URL\n\nSYNOPSIS\n       curl",
	  "NAME|curl - get a URL|SYNOPSIS|curl" },
	{ "> Quoted text\n> goes on. More.\n\nText", "> Quoted text\n> goes on.|More.|Text" },
	{ "Text\n\n---\n\nMore", "Text|---|More" },
	{ "1. One", "1. One" },
	{ "a\n\n>\n\nb", "a|>|b" },
};

static void check_rows(struct sentences *s, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *got = sentences_of(s, rows[i].text, strlen(rows[i].text));

		print_message("%s\n", rows[i].text);
		assert_string_equal(got, rows[i].want);
		free(got);
	}
}

static void ends_sentences_where_people_do(void **state)
{
	check_rows(*state, prose, ARRAY_LEN(prose));
}

static void obeys_the_structure_of_documents(void **state)
{
	check_rows(*state, blocks, ARRAY_LEN(blocks));
}

/* Arriving in pieces, a text gives the sentences of the whole; none is ever taken back. */
static void check_pieces(struct sentences *s, const char *text, size_t len, size_t piece)
{
	size_t *ends = calloc(len + 1, sizeof(*ends));
	size_t n_ends = 0, seen = 0, from, to;

	assert_non_null(ends);
	sentences_start(s, text, len);
	while (sentences_next(s, &from, &to))
		ends[n_ends++] = to;
	sentences_start(s, "", 0);
	for (size_t cut = 0;; cut = MIN(cut + piece, len)) {
		/* At another place each time; a byte too long only so that it is never NULL. */
		char *exact = malloc(cut + 1);

		assert_non_null(exact);
		memcpy(exact, text, cut);
		while (sentences_more(s, exact, cut, cut == len, &from, &to)) {
			assert_true(seen < n_ends && to <= cut);
			assert_int_equal(to, ends[seen++]);
		}
		free(exact);
		if (cut == len)
			break;
	}
	assert_int_equal(seen, n_ends);
	free(ends);
}

static void check_prefixes(struct sentences *s, const char *text, size_t len)
{
	static const size_t pieces[] = { 1, 2, 7, 64 };

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
		check_pieces(s, text, len, pieces[i]);
}

static void completeness_never_takes_back(void **state)
{
	struct buf all = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(prose); i++) {
		check_prefixes(*state, prose[i].text, strlen(prose[i].text));
		buf_adds(&all, prose[i].text);
		buf_adds(&all, i % 3 == 0 ? "\n\n" : i % 3 == 1 ? "\n" : " ");
	}
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		check_prefixes(*state, blocks[i].text, strlen(blocks[i].text));
		buf_adds(&all, blocks[i].text);
		buf_adds(&all, i % 2 == 0 ? "\n\n" : "\n");
	}
	check_prefixes(*state, all.data, all.len);
	buf_fini(&all);
}

/* Text put together from what matters to the scanner, in an order that chance gave. */
static void completeness_holds_for_random_text(void **state)
{
	static const char *const bits[] = {
		"a",     "The ", ". ",    ".",     "\n",      "\n\n",     "- ",           "1. ",
		"e.g. ", "[1]",  "```\n", "    ",  "::",      "# ",       "| ",           "?",
		"\"",    "It ",  "===",   "~~~\n", "uv_run ", "\xc3\xa9", "\xe3\x80\x82", "\xff",
		".. ",   ":x: ", "> ",    "\r\n",  "... ",    "U.S. ",    "4. ",
	};
	uint32_t seed = 12345;
	struct buf b = BUF_INIT;

	for (int round = 0; round < 300; round++) {
		buf_clear(&b);
		for (int i = 0; i < 40; i++) {
			seed = seed * 1664525u + 1013904223u;
			buf_adds(&b, bits[(seed >> 16) % ARRAY_LEN(bits)]);
		}
		check_prefixes(*state, b.data, b.len);
	}
	buf_fini(&b);
}

static void complete_as_soon_as_it_can_be_known(void **state)
{
	static const struct {
		const char *text;
		size_t want;
	} rows[] = {
		{ "One.", 0 },  /* 1.5 may follow */
		{ "One. ", 0 }, /* a citation, or a small letter, may follow */
		{ "One. T", 4 },
		{ "One. [1", 0 },
		{ "One. [1] T", 8 },
		{ "One! t", 4 },
		{ "One\n\n", 3 },
		{ "- one\n- two", 5 },
		{ "```\nx\n", 0 },
		{ "```\nx\n```\n", 9 },
		{ "\xe4\xbd\xa0\xe3\x80\x82\xe5\xa5\xbd", 6 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t from, to, got = 0;

		print_message("%s\n", rows[i].text);
		sentences_start(*state, "", 0);
		while (sentences_more(*state, rows[i].text, strlen(rows[i].text), false, &from,
				      &to))
			got = to;
		assert_int_equal(got, rows[i].want);
	}
}

static void cuts_what_never_ends(void **state)
{
	static const char *const units[] = { "x",  "\xc3\xa9", "word ",     "= ",
					     ".",  "!)",       "[1] ",      "\n    y",
					     "`",  "a.\t",     ". ",        "\xff",
					     "* ", ">",        "::\n\n  q", "```\nabc\n" };
	const size_t len = 300000;
	char *text = malloc(len);

	assert_non_null(text);
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		size_t n = strlen(units[i]), whole = len / n * n;
		size_t from, to, count = 0;

		for (size_t j = 0; j < whole; j += n)
			memcpy(text + j, units[i], n);
		sentences_start(*state, text, whole);
		while (sentences_next(*state, &from, &to)) {
			assert_true(to - from <= SENTENCE_MAX);
			if (units[i][0] == '\xc3') /* no character is cut */
				assert_int_equal((to - from) % 2, 0);
			count++;
		}
		assert_true(count >= whole / n / SENTENCE_MAX);
	}
	free(text);
}

static void never_cuts_a_character(void **state)
{
	static const char *const before[] = { "",       "x",      "A:\n\n    ", "A::\n\n     ",
					      "```\n",  "```\nx", "# ",         "# x",
					      "| ",     "a\n",    "a\n~~~~",    "- ",
					      "a\n====" };
	const size_t len = 3000;
	struct buf b = BUF_INIT;
	size_t from, to;

	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		buf_clear(&b);
		buf_adds(&b, before[i]);
		while (b.len < len)
			buf_adds(&b, "\xc3\xa4");
		buf_adds(&b, "\n```\n");
		print_message("after '%s'\n", before[i]);
		sentences_start(*state, b.data, b.len);
		while (sentences_next(*state, &from, &to)) {
			assert_true((b.data[from] & 0xc0) != 0x80);
			assert_true(to == b.len || (b.data[to] & 0xc0) != 0x80);
		}
	}
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ends_sentences_where_people_do, setup, teardown),
		cmocka_unit_test_setup_teardown(obeys_the_structure_of_documents, setup, teardown),
		cmocka_unit_test_setup_teardown(completeness_never_takes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(completeness_holds_for_random_text, setup,
						teardown),
		cmocka_unit_test_setup_teardown(complete_as_soon_as_it_can_be_known, setup,
						teardown),
		cmocka_unit_test_setup_teardown(cuts_what_never_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(never_cuts_a_character, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
