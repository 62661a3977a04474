#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "engine/reader/plain.h"
#include "tests/test.h"

static void takes_markup_off(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "", "" },
		{ "Plain text.", "Plain text." },
		{ "No end", "No end." },
		{ "Ends so:", "Ends so." },
		{ "Example::", "Example." },
		{ "He said \"go.\"", "He said \"go.\"" },
		{ "Over two\n   lines.", "Over two lines." },
		/* reStructuredText */
		{ ":c:func:`uv_run` runs ``x_y`` once.", "uv_run runs x_y once." },
		{ ":c:type:`~uv_loop_t` and :man:`recvmmsg(2)`.", "uv_loop_t and recvmmsg(2)." },
		{ "See `the page <https://a.b/c>`_ now.", "See the page now." },
		{ ".. note:: Not *thread* safe.", "Not thread safe." },
		{ ".. versionchanged:: 1.45.0 threads have 8 MB.",
		  "versionchanged 1.45.0: threads have 8 MB." },
		{ ".. c:function:: int uv_run(uv_loop_t* loop, uv_run_mode mode)",
		  "int uv_run(uv_loop_t* loop, uv_run_mode mode)." },
		{ ":param x: The x.", "param x: The x." },
		{ "Title\n=====", "Title." },
		/* Markdown */
		{ "- **Bold** and _it_ and `code`.", "Bold and it and code." },
		{ "12. Twelve.", "Twelve." },
		{ "## Heading", "Heading." },
		{ "A [link](http://a.b/c_d) and ![alt](p.png).", "A link and alt." },
		{ "A [link][ref] and [**b**](u).", "A link and b." },
		{ "> Quoted *text*.", "Quoted text." },
		{ "| `a` | 4 |", "a | 4." },
		{ "1 \\* 2 \\_ 3.", "1 * 2 _ 3." },
		{ "int a; /* The a.\n * Its b. */\n  int b = c/*d;",
		  "int a; The a. Its b. int b = c/*d." },
		/* what looks like markup and is none */
		{ "2 * 3 * 4 is 24.", "2 * 3 * 4 is 24." },
		{ "Use uv_tcp_bind or a_b_c.", "Use uv_tcp_bind or a_b_c." },
		{ "Write to <file> and argv[3].", "Write to <file> and argv[3]." },
		{ "It is in `~/.local/state`.", "It is in ~/.local/state." },
		{ "It costs *less.", "It costs *less." },
		/* marks that would pass for ours */
		{ "So it is.[12] [3, 4]", "So it is." },
		{ "So[citation needed] it is.", "So it is." },
		/* HTML */
		{ "A <b>bold</b><br/>line <a href=\"x\">here</a>.", "A bold line here." },
		/* bytes */
		{ "a\xff"
		  "b\x01"
		  "c \xc3\xa9t\xc3\xa9",
		  "abc \xc3\xa9t\xc3\xa9." },
		{ "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82", "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82" },
		{ "cut \xe4\xbd", "cut." },
		{ "***", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].in);
		char *exact = malloc(len + 1);
		struct buf b = BUF_INIT;

		print_message("%s\n", rows[i].in);
		memcpy(exact, rows[i].in, len);
		buf_adds(&b, "[");
		plain_sentence(&b, exact, len);
		assert_false(buf_failed(&b));
		assert_string_equal(b.data + 1, rows[i].want);
		assert_int_equal(strlen(b.data), b.len);
		buf_fini(&b);
		free(exact);
	}
}

static void takes_anything(void **state)
{
	static const char *const bits[] = {
		"*", "_",  "`",  "[",  "]",  "(",   ")",  "!",    "<",        ">",
		"a", " ",  "\\", ":",  "c:", "\n",  "|",  "\xff", "\xc3\xa9", "1",
		".", "<b", "``", "**", "- ", ".. ", "::", "~",    "=",
	};
	uint32_t seed = 7;
	struct buf in = BUF_INIT, out = BUF_INIT;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		buf_clear(&in);
		buf_clear(&out);
		for (int i = 0; i < 40; i++) {
			seed = seed * 1664525u + 1013904223u;
			buf_adds(&in, bits[(seed >> 16) % ARRAY_LEN(bits)]);
		}
		plain_sentence(&out, in.data, in.len);
		assert_int_equal(utf8_invalid_at(out.len > 0 ? out.data : "", out.len), -1);
		assert_true(out.len <= in.len + 1);
	}
	buf_fini(&in);
	buf_fini(&out);
}

/* Looked at again from each of its signs, one of these would take hours. */
static void long_runs_are_looked_at_once(void **state)
{
	static const char *const units[] = { "*",  "_",  "`",  "[",  "[1", "[,", ":a", ":", "<b ",
					     "\\", "![", "*a", "`a", "~",  "=",  "#",  "x", " " };
	struct buf in = BUF_INIT, out = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		buf_clear(&in);
		buf_clear(&out);
		buf_adds(&in, "See ");
		while (in.len < 2 << 20)
			buf_adds(&in, units[i]);
		plain_sentence(&out, in.data, in.len);
		assert_true(out.len <= in.len + 1);
	}
	buf_fini(&in);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_markup_off),
		cmocka_unit_test(takes_anything),
		cmocka_unit_test(long_runs_are_looked_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
