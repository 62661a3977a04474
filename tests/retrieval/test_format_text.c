#include "tests/retrieval/outline.h"

static const struct outline_row plain[] = {
	{ "paragraphs between blank lines", "a\nb\n\n \n  c\n", "P(a/b) P(c)" },
	{ "Windows line ends", "a\r\nb\r\n\r\nc", "P(a\r/b) P(c)" },
	{ "markup is text", "# a\n\n<p>", "P(# a) P(<p>)" },
};

static const struct outline_row source[] = {
	{ "functions stay whole", "int f()\n{\n\ta;\n\n\tb;\n}\n\nint g()\n{\n}\n",
	  "C(int f()/{/\ta;//\tb;/}) C(int g()/{/})" },
	{ "a closing bracket ends what is before it", "x = {\n\n 1\n\n}\n\ny\n",
	  "C(x = {// 1//}) C(y)" },
	{ "indentation at the start is kept", "\n    a\n", "C(    a)" },
};

static const struct outline_row rows_of_data[] = {
	{ "one table, cut by the chunker", "\na,b\n1,2\n", "T(a,b/1,2)" },
};

static const struct outline_row markdown[] = {
	{ "headings of both kinds", "# A *b* `c` &amp; [d](e)\n\nT\n==\nS\n--\nx",
	  "H1(A b c & d) H1(T) H2(S) P(x)" },
	{ "labels without markup",
	  "# [![i](a)](b) [WIP] `x_y_z` __b__ 2 * 3 \\*d\\* <br> <http://e> [f][g]\n\n# ``\n",
	  "H1(i [WIP] x_y_z b 2 * 3 *d* <http://e> f) H1(``)" },
	{ "one-line HTML", "<pre>a</pre>\n\n# b\n\n<!-- c -->\n# d",
	  "P(<pre>a</pre>) H1(b) H1(d)" },
	{ "closing marks and anchors", "## A ##\n### B {#b}\n", "H2(A) H3(B)" },
	{ "an empty heading is none", "#\n\na", "P(a)" },
	{ "fences with their marks", "a:\n\n```c\nx\n\n# y\n```\nb",
	  "P(a:) C(```c/x//# y/```) P(b)" },
	{ "a fence that never ends", "~~~\nx\n\ny\n", "C(~~~/x//y)" },
	{ "indented code", "a\n\n    x\n      y\n\nb", "P(a) C(    x/      y) P(b)" },
	{ "items with their markers", "* a\n  more\n* b\n\n1. c\n\n   d\n",
	  "L(* a/  more) L(* b) L(1. c) L(d)" },
	{ "code in an item", "- a\n  ```\n  x\n  ```\n- b", "L(- a) C(  ```/  x/  ```) L(- b)" },
	{ "tables whole", "| a | b |\n|---|---|\n| 1 | 2 |\n\nx",
	  "T(| a | b |/|---|---|/| 1 | 2 |) P(x)" },
	{ "a table of a head alone", "|a|b|\n|---|---|\n\nx", "T(|a|b|/|---|---|) P(x)" },
	{ "quotes", "> a\n> b\n>\n> # c\n", "P(> a/> b) H1(c)" },
	{ "comments are left out", "a\n\n<!-- no\n\nno -->\n\nb\n", "P(a) P(b)" },
	{ "HTML is text", "<div>\na\n</div>\n\nb", "P(<div>/a/</div>) P(b)" },
	{ "front matter is left out", "---\ntitle: x\nacl: [a]\n---\n\na", "P(a)" },
	{ "front matter that ends with dots", "---\nx: 1\n...\na", "P(a)" },
	{ "a rule is no front matter", "---\n\na", "P(a)" },
	{ "rules are left out", "a\n\n***\n\nb", "P(a) P(b)" },
	{ "link definitions are text", "a [x]\n\n[x]: http://y \"z\"\n",
	  "P(a [x]) P([x]: http://y \"z\")" },
	{ "old line ends", "# a\r\rb\rc\r\rd", "H1(a) P(b\rc) P(d)" },
	{ "what is not Latin", "# \xe6\xa6\x82\xe8\xa6\x81\n\n\xe6\x96\x87\xe3\x80\x82",
	  "H1(\xe6\xa6\x82\xe8\xa6\x81) P(\xe6\x96\x87\xe3\x80\x82)" },
};

static void reads_plain_text(void **state)
{
	(void)state;
	check_outlines("text/plain", plain, ARRAY_LEN(plain));
}

static void reads_source_code(void **state)
{
	(void)state;
	check_outlines("text/x-source", source, ARRAY_LEN(source));
}

static void reads_rows(void **state)
{
	(void)state;
	check_outlines("text/csv", rows_of_data, ARRAY_LEN(rows_of_data));
}

static void reads_markdown(void **state)
{
	(void)state;
	check_outlines("text/markdown", markdown, ARRAY_LEN(markdown));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_plain_text),
		cmocka_unit_test(reads_source_code),
		cmocka_unit_test(reads_rows),
		cmocka_unit_test(reads_markdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
