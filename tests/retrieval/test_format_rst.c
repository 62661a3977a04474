#include "tests/retrieval/outline.h"

static const struct outline_row rows[] = {
	{ "levels by order of adornment", "A\n=\n\nB\n-\n\nC\n~\n\nD\n-\n\nE\n=\n",
	  "H1(A) H2(B) H3(C) H2(D) H1(E)" },
	{ "a line above makes another style", "=====\nTitle\n=====\n\nA\n=\n\nx",
	  "H1(Title) H2(A) P(x)" },
	{ "roles in titles", ":c:type:`uv_x_t` --- `a <b>`_ ``c``\n======\n",
	  "H1(uv_x_t --- a_ c)" },
	{ "no title without a line under it", "A\nb\n====\n", "P(A/b/====)" },
	{ "a line that is too short", "A title\n==\n", "P(A title/==)" },
	{ "objects with their bodies",
	  ".. c:function:: int f(void)\n\n    Does.\n\n    .. note::\n        n\n\n"
	  ".. c:type:: t\n\n    Is.\n\nafter",
	  "E(.. c:function:: int f(void)//    Does.//    .. note::/        n) E(.. c:type:: t//    "
	  "Is.) "
	  "P(after)" },
	{ "objects in objects stand alone",
	  ".. class:: A\n\n   Text.\n\n   .. method:: b\n\n      More.\n",
	  "E(.. class:: A//   Text.) E(.. method:: b//      More.)" },
	{ "notes are text", ".. note::\n   a\n\n   b\n\nc", "P(.. note::/   a//   b) P(c)" },
	{ "code", "a::\n\n    x\n\n    y\n\nb\n\n.. code-block:: c\n\n   z\n",
	  "P(a::) C(    x//    y) P(b) C(.. code-block:: c//   z)" },
	{ "comments and instructions are left out",
	  "a\n\n.. no\n   no\n\n..\n\nb\n\n.. toctree::\n   :x:\n\n   y\n\nc", "P(a) P(b) P(c)" },
	{ "targets go with what follows", "a\n\n.. _t:\n\nb\n\n.. _u:\n\nT\n=\n",
	  "P(a) P(.. _t://b) H1(T)" },
	{ "a target at the end", "a\n\n.. _t: http://x\n", "P(a) P(.. _t: http://x)" },
	{ "items", "* a\n  b\n\n  c\n* d\n\n1. e\n(a) f\n#. g\n",
	  "L(* a/  b//  c) L(* d) L(1. e) L((a) f) L(#. g)" },
	{ "grid tables", "+---+\n| a |\n+===+\n| 1 |\n+---+\n\nx",
	  "T(+---+/| a |/+===+/| 1 |/+---+) P(x)" },
	{ "simple tables", "=  =\na  b\n=  =\n1  2\n\n3  4\n=  =\n\nx",
	  "P(=  =/a  b/=  =/1  2) P(3  4/=  =) P(x)" },
	{ "simple tables of some width",
	  "===  ===\na    b\n===  ===\n1    2\n\n3    4\n===  ===\n\nx",
	  "T(===  ===/a    b/===  ===/1    2//3    4/===  ===) P(x)" },
	{ "rules are left out", "a\n\n----\n\nb", "P(a) P(b)" },
	{ "footnotes and substitutions", ".. [1] note\n   more\n\n.. |x| image:: y\n",
	  "P(.. [1] note/   more) P(.. |x| image:: y)" },
	{ "what depends is read", ".. only:: html\n\n   a\n\nb", "P(a) P(b)" },
	{ "quotes", "a\n\n   b\n   c\n\nd", "P(a) P(b/   c) P(d)" },
	{ "Windows line ends", "A\r\n==\r\n\r\nb::\r\n\r\n  c\r\n", "H1(A) P(b::) C(  c)" },
};

static void reads_restructured_text(void **state)
{
	(void)state;
	check_outlines("text/x-rst", rows, ARRAY_LEN(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_restructured_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
