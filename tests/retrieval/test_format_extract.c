/* The formats whose text is made: HTML and manual pages. */
#include "tests/retrieval/outline.h"

static const struct outline_row html[] = {
	{ "paragraphs, white space, entities",
	  "<p>a\n  b&nbsp;<b>c</b>d &lt;&amp;&#x1F600;&#8217;&#146;&hellip;&apos; &nosuch; &copy "
	  "x</p><p>e",
	  "P(a b cd <&\xf0\x9f\x98\x80\xe2\x80\x99\xe2\x80\x99\xe2\x80\xa6' &nosuch; \xc2\xa9 x) "
	  "P(e)" },
	{ "headings", "<h1>A <i>b</i></h1>x<h3>C\n d</h3>y", "H1(A b) P(x) H3(C d) P(y)" },
	{ "what is no text",
	  "<script>a</b></script><style>b</style><nav><h2>n</h2></nav><!-- c --><p>d"
	  "<template>e</template><noscript>f</noscript><textarea>g</textarea>",
	  "P(d)" },
	{ "a navigation that never ends", "<nav><a>x</a><main><p>a", "P(a)" },
	{ "a script that never ends", "a<script>b</p>", "P(a)" },
	{ "a comment that never ends", "a<!-- b", "P(a)" },
	{ "short comments", "a<!-->b<!--->c<!-- x --!>d", "P(abcd)" },
	{ "a title that never ends", "<title>a<p>b", "P(a) P(b)" },
	{ "lists", "<ul><li>a<li><p>b</p><ol><li>c</ol></ul><p>d", "L(- a) L(- b) L(- c) P(d)" },
	{ "tables",
	  "<table><caption>t</caption><tr><th>a<th>b</tr>\n<tr><td>1 <td><p>2</p></tr></table>x",
	  "T(t/a | b/1 | 2) P(x)" },
	{ "tables in tables", "<table><tr><td>a<table><tr><td>b</table>c</table>d",
	  "T(a/b/c) P(d)" },
	{ "definitions", "<dl><dt>a<dt>b<dd><p>c</p><p>d</p><dt>e<dd>f</dl>g",
	  "E(a/b/c/d) E(e/f) P(g)" },
	{ "code as it stands", "<pre>\n  a &lt; b\n\n\tc\n</pre>d", "C(  a < b//\tc) P(d)" },
	{ "line breaks", "a<br>b<br/><br>c", "P(a/b/c)" },
	{ "tags with all kinds of attributes",
	  "<p a=\"x>y\" b='>' c=d e = \"f\" g/>h<a href=x>i</a><br/ >j", "P(hi/j)" },
	{ "what is no tag", "a < b <3 </ x> <> c<", "P(a < b <3 <> c<)" },
	{ "a tag that never ends", "a<p b=\"c", "P(a)" },
	{ "a mess", "</b></table></dl></li><p>a</h1></p></p><b><i>b</b></i><td>c",
	  "P(a) P(b | c)" },
	{ "headings end what was left open", "<table><tr><td><pre>x<h2>A</h2>b c",
	  "T(x) H2(A) P(b c)" },
	{ "controls are left out", "a&#1;b&#0;c",
	  "P(ab\xef\xbf\xbd"
	  "c)" },
};

static const struct outline_row man[] = {
	{ "sections and paragraphs", ".TH A 1\n.SH NAME\na \\- b\n.SS Sub \"x y\"\nc\nd\n.PP\ne",
	  "H1(NAME) P(a - b) H2(Sub x y) P(c d) P(e)" },
	{ "a heading on the next line", ".SH\nNAME\na", "H1(NAME) P(a)" },
	{ "fonts and characters",
	  "a \\fBb\\fP \\fI\\,c\\/\\fR \\(aqd\\(aq \\(bu \\[u20AC] \\e \\(lqe\\(rq\\&.",
	  "P(a b c 'd' \xe2\x80\xa2 \xe2\x82\xac \\ \xe2\x80\x9c"
	  "e\xe2\x80\x9d.)" },
	{ "macros around words", "see\n.BR select (2) ,\n.B \"a b\" c\nd",
	  "P(see select(2), a b c d)" },
	{ "items", ".IP \\(bu 2\na\nb\n.TP\n.B \\-x\nc\n.TP\n\\fIy\\fP\nd\n.PP\ne",
	  "E(\xe2\x80\xa2/a b) E(-x/c) E(y/d) P(e)" },
	{ "examples", "a\n.nf\nx {\n  \\fBy\\fP\n}\n.fi\nb\n.EX\n c\n.EE",
	  "P(a) C(x {/  y/}) P(b) C( c)" },
	{ "comments, definitions, conditions",
	  ".\\\" c\n'\\\" c\na \\\" c\n.de X\nno\n..\n.if n .B no\n.ad l\nb", "P(a b)" },
	{ "blank lines", "a\n\nb", "P(a) P(b)" },
	{ "mdoc",
	  ".Dd x\n.Dt LS 1\n.Os\n.Sh NAME\n.Nm ls\n.Nd list\n.Sh OPTIONS\n.Bl -tag\n.It Fl a Ar "
	  "x\nAll ,\n"
	  ".Pp\nSee\n.Xr stat 2 .\n.El\n",
	  "H1(NAME) P(ls list) H1(OPTIONS) E(-a x/All ,) P(See stat 2.)" },
};

static void reads_html(void **state)
{
	(void)state;
	check_outlines("text/html", html, ARRAY_LEN(html));
}

static void reads_manual_pages(void **state)
{
	(void)state;
	check_outlines("text/troff", man, ARRAY_LEN(man));
}

/* Every byte that came from the source must be found at the place that the runs give. */
static void runs_lead_back_to_the_source(void **state)
{
	static const char in[] =
		"<title>x</title><h1>A&nbsp;b</h1>\n<ul><li>one\n  two <b>three</b>&amp;\n"
		"<li>four</ul><pre>  five\n</pre><table><tr><td>six<td>seven</table>";
	struct arena *a = arena_new(1 << 20);
	struct format_document d = read_as(a, "text/html", in);
	size_t run = 0, n = 0;

	(void)state;
	for (size_t i = 0; i < d.text.len; i++) {
		size_t at;

		while (run + 1 < d.n_runs && d.runs[run + 1].from <= i)
			run++;
		at = d.runs[run].to + (i - d.runs[run].from);
		if ((d.text.s[i] | 0x20) < 'a' || (d.text.s[i] | 0x20) > 'z')
			continue;
		assert_int_equal(in[at], d.text.s[i]);
		n++;
	}
	assert_int_equal(n, strlen("AbonetwothreefourfivesixSeven"));
	arena_free(a);
}

static void a_passage_spans_its_references_whole(void **state)
{
	static const char in[] = "<p>a &lt;b&hellip;</p><p>x";
	struct arena *a = arena_new(1 << 20);
	struct format_document d = read_as(a, "text/html", in);
	struct chunk *c;

	(void)state;
	d.n_blocks = 1; /* so that the passage ends with the reference */
	assert_int_equal(chunk_document(a, &d, NULL, &c, NULL), 1);
	assert_int_equal(c[0].start, 3);
	assert_int_equal(c[0].end, strstr(in, "</p>") - in);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_html),
		cmocka_unit_test(reads_manual_pages),
		cmocka_unit_test(runs_lead_back_to_the_source),
		cmocka_unit_test(a_passage_spans_its_references_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
