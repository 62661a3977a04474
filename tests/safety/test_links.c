/* What a client would fetch, follow or run: an answer has it only where its evidence has. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "safety/links/links.h"
#include "safety/pii/pii.h"
#include "safety/stream/filter_stream.h"
#include "tests/safety/support.h"
#include "tests/test.h"

static const struct ragd_passage passages[] = {
	{ .title = RAGD_STR("Guide at https://guide.example.net/start"),
	  .text = RAGD_STR(
		  "See [the manual](https://docs.example.org/a_(b)?q=1&r=2), "
		  "<http://old.example.org> and www.example.org/x. The <em>first</em> tag is "
		  "<script>, {\"u\":\"https://json.example.org/a\",\"n\":1} too. Mail to "
		  "mailto:help@example.org; the image is ![logo](https://img.example.org/l.png). "
		  "Also [page](page.php?id=1&amp;x=javascript:y) here.") },
};

static const char *const hosts[] = { "good.example", "*.good.example", NULL };

/* More than are looked through for the target of a link, by two. */
#define BLANKS_22 "                      "
#define BLANKS    BLANKS_22 BLANKS_22 BLANKS_22

struct row {
	const char *in;
	const char *out; /* NULL: as it is */
};

static struct filter *links_filter(void)
{
	struct filter_config cfg = { .level = LEVEL_BALANCED, .links = true, .link_hosts = hosts };

	test_evidence.passages = passages;
	test_evidence.n_passages = ARRAY_LEN(passages);
	test_evidence.question = RAGD_STR("What is at https://asked.example/page?x=1 ?");
	return test_filter_cfg(&cfg, NULL);
}

static void check(struct filter *f, const struct row *row)
{
	struct ragd_str in = { row->in, strlen(row->in) };
	struct streamed got;

	print_message("%s\n", row->in);
	test_stream(f, RAGD_STAGE_RESPONSE, in, NULL, 0, &got);
	buf_addc(&got.text, '\0');
	assert_string_equal(got.text.data, row->out != NULL ? row->out : row->in);
	buf_fini(&got.text);
	test_every_cut(f, RAGD_STAGE_RESPONSE, in);
}

static void check_rows(const struct row *rows, size_t n)
{
	struct filter *f = links_filter();

	for (size_t i = 0; i < n; i++)
		check(f, &rows[i]);
	filter_close(f);
}

static void addresses_leave_with_their_evidence_only(void **state)
{
	static const struct row rows[] = {
		{ "nothing to see here.", NULL },
		{ "see http://evil.test/?q=secret now", "see [link removed] now" },
		{ "see HTTPS://evil.test.", "see [link removed]." },
		{ "(http://evil.test/a)", "([link removed])" },
		{ "www.evil.test/x", "[link removed]" },
		{ "(www.evil.test/x)", "([link removed])" },
		{ "wwww-wwww-wwww-wwww-wwww-wwww-wwww-www.evil.test/x", NULL },
		{ "1.2.3..4..5..6..7..8..9..10..11..12://x", "1.2.[link removed]" },
		{ "at //evil.test/x now", "at [link removed] now" },
		{ "ftp://evil.test/ and made-up://x", "[link removed] and [link removed]" },
		{ "https:evil.test/?q=x HTTP:/evil.test, ftp:evil.test.",
		  "[link removed] [link removed], [link removed]." },
		{ "https&colon;evil.test/?q http%3aevil.test", "[link removed] [link removed]" },
		{ "javascript:alert(1) data:text/html,x mailto:a@evil.test",
		  "[link removed] [link removed] [link removed]" },
		{ "xhttp://evil.test", "[link removed]" },
		{ "a.b.c-http://evil.test", "[link removed]" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaahttp://evil.test",
		  "aaaaaaaaaaaaaaaaa[link removed]" },
		/* The evidence has it. */
		{ "see https://docs.example.org/a_(b)?q=1&r=2, please", NULL },
		{ "see https://docs.example.org/a_(b)?q=1&amp;r=2.", NULL },
		{ "see HTTP://DOCS.example.org/a_(b)?q=1&r=2", NULL },
		{ "https://guide.example.net/start", NULL },
		{ "(https://old.example.org/) \"http://old.example.org\"", NULL },
		{ "**http://old.example.org**", NULL },
		{ "http://www.example.org/x or www.example.org/x.", NULL },
		{ "https://json.example.org/a", NULL },
		{ "mailto:help@example.org", NULL },
		{ "https://asked.example/page?x=1", NULL },
		/* A little more or less is another address. */
		{ "https://docs.example.org/a_(b)?q=1&r=3", "[link removed]" },
		{ "https://docs.example.org/a_(b)?q=1&r=2&s=secret", "[link removed]" },
		{ "https://old.example.org/?a", "[link removed]" },
		{ "https://old.example.org/\"secret", "[link removed]" },
		{ "https://old.example.org`secret", "[link removed]" },
		{ "https://old.example.org/!!!!!!!", "[link removed]!!!!" },
		{ "https://docs.example.org/A_(b)?q=1&r=2", "[link removed]" },
		/* Allowed hosts. */
		{ "https://good.example/any?x=1 http://a.b.good.example:80/", NULL },
		{ "https://good.example.evil.test/", "[link removed]" },
		{ "https://notgood.example/", "[link removed]" },
		{ "https://good.example@evil.test/", "[link removed]" },
		{ "https://good.example:pw@evil.test/", "[link removed]" },
		{ "https://good.example\\@evil.test/", "[link removed]" },
		{ "javascript://good.example/%0aalert(1)", "[link removed]" },
		/* Written so that only a renderer sees it. */
		{ "http&#58;//evil.test/x", "[link removed]" },
		{ "&#104;ttp&colon;&sol;/evil.test/x", "[link removed]" },
		{ "http%3A%2F%2Fevil.test", "[link removed]" },
		{ "at /\\evil.test/x or \\\\evil.test\\x", "at [link removed] or [link removed]" },
		/* No addresses. */
		{ "std::string a:b 12:30 // comment, a//b.cc 1/2 AT&T 50%", NULL },
		{ "the https:// prefix, data: the figures, (http:) or http: and \"https:\"", NULL },
		{ "file.c:12: error, C:\\path\\x.txt", NULL },
		{ "node.js, README.md, example.com", NULL },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void markdown_links_and_images_do(void **state)
{
	static const struct row rows[] = {
		{ "[text](http://evil.test/?q=x) ok", "[text] [link removed] ok" },
		{ "![alt](http://evil.test/?q=x)", "![alt] [image removed]" },
		{ "![a](<http://evil.test/a b> \"title\").", "![a] [image removed]." },
		{ "[a]( http://evil.test 'it is' )", "[a] [link removed]" },
		{ "[a](\nhttp://evil.test\n)", "[a] [link removed]" },
		{ "[a](/\\evil.test/x)", "[a] [link removed]" },
		{ "[a](\\\\evil.test)", "[a] [link removed]" },
		{ "[a](//evil.test)", "[a] [link removed]" },
		{ "[a](&#104;ttp://evil.test)", "[a] [link removed]" },
		{ "[a](java&Tab;script:alert(1))", "[a] [link removed]" },
		{ "[a](javascript:alert(1))", "[a] [link removed]" },
		{ "![a](x:y)", "![a] [image removed]" },
		{ "[![alt](http://evil.test/i)](http://evil.test/l)",
		  "[![alt] [image removed]] [link removed]" },
		{ "[a][r]\n\n[r]: http://evil.test\n", "[a][r]\n\n[r]: [link removed]\n" },
		{ "[r]: </\\evil.test/x> \"t\"", "[r]: [link removed] \"t\"" },
		{ "[r]:\n  javascript:x", "[r]:\n  [link removed]" },
		{ "![a](https:evil.test/?q=x)", "![a] [image removed]" },
		{ "> [r]:\n> https:evil.test/?q=x", "> [r]:\n> [link removed]" },
		/* An address that is far away. */
		{ "![a](" BLANKS "https:evil.test/?q=x)", "![a] [image removed]  [link removed])" },
		{ "![a](" BLANKS "<ht\ttps:\tevil.test/?q=x>)",
		  "![a] [image removed]  < ht\ttps:\tevil.test/?q=x>)" },
		{ "[a]:" BLANKS "<https:\tevil.test/?q=x>",
		  "[a]:[link removed]  < https:\tevil.test/?q=x>" },
		{ "<http://evil.test> <foo:bar> <std::string>",
		  "[link removed] [link removed] <std::string>" },
		/* No link is made of the markers. */
		{ "[a](http://evil.test)(/\\x)", "[a] [link removed] (/\\x)" },
		{ "<xy:z>(z)", "[link removed] (z)" },
		{ "<xy:z>: z", "[link removed] : z" },
		{ "http://evil.test: /z", "[link removed] : /z" },
		{ "[http://evil.test](x)", "[[link removed]](x)" },
		/* The evidence has it. */
		{ "[text](https://docs.example.org/a_(b)?q=1&r=2 \"t\")", NULL },
		{ "![l](https://img.example.org/l.png)", NULL },
		{ "[https://old.example.org](https://old.example.org)", NULL },
		{ "[https://old.example.org](secret", "[[link removed]" },
		{ "<http://old.example.org>", NULL },
		{ "[r]: http://old.example.org", NULL },
		{ "[p](page.php?id=1&amp;x=javascript:y)", NULL },
		{ "[p](page.php?id=1&amp;x=javascript:z)", "[p] [link removed]" },
		/* Places of the site itself, and no links at all. */
		{ "[a](b.md) [c](#d) [e](/f/g?h=i) ![j](k.png)", NULL },
		{ "f[i](x, &y) and [1], [2] [note]: 10:30", NULL },
		{ "[Bob]: \"Hello\" [x]: y", NULL },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void html_does_not_leave(void **state)
{
	static const struct row rows[] = {
		{ "a <b>bold</b> word", "a bold word" },
		{ "H<sub>2</sub>O", "H2O" },
		{ "one<br>two<BR/>three", "one two three" },
		{ "x<img src=x onerror=alert(1)>y", "x y" },
		{ "x<img src='>' onerror=\"alert(1)\">y", "x[HTML removed]y" },
		{ "x <script>alert('http://a')</script> y", "x [HTML removed] y" },
		{ "x <script async>alert(1)", "x < script async>alert(1)" },
		{ "x <SCRIPT>alert(1)", "x  alert(1)" },
		{ "<style>p{}</style >z", "[HTML removed]z" },
		{ "<iframe src=\"//evil.test\"></iframe>", "  " },
		{ "<a href=\"http://evil.test\">text</a>", "text" },
		{ "<svg/onload=alert(1)>", " " },
		{ "a <!-- hidden --> b <!DOCTYPE html> <?php x ?>",
		  "a   b [HTML removed] [HTML removed]" },
		{ "a <!-- open", "a < !-- open" },
		{ "<img src=x onerror=y", "< img src=x onerror=y" },
		{ "<foo onclick=x>y</foo>", "< foo onclick=x>y</foo>" },
		/* No tag is put together from what is left. */
		{ "<<b>img src=x onerror=y>", "< img src=x onerror=y>" },
		{ "<a<b> href=javascript:x>", "< a href=[link removed]>" },
		{ "<foo <b>onclick=x>", "< foo onclick=x>" },
		{ "<img src=x onerror=y <b>z", "< img src=x onerror=y z" },
		{ "<img ' src=x onerror=y>z", " z" },
		{ "<scr<script>ipt>", "< scr< script>ipt>" },
		/* What the documents say of HTML can be read. */
		{ "the <em>first</em> and <script>", "the < em>first< /em> and < script>" },
		/* No tags. */
		{ "vector<int> a < b, x <- y <3 <your name> if a<b and b>c",
		  "vector<int> a < b, x <- y <3 <your name> if a< b and b>c" },
		{ "#include <stdio.h> <T> Map<K, V> <jane.doe@corp.test>", NULL },
		{ "\\<img src=x>", "\\[HTML removed]" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

static void code_stays_as_it_is(void **state)
{
	static const struct row rows[] = {
		{ "use `<img src=x>` and `vector<b> x` now", NULL },
		{ "```html\n<script src=\"http://x.test\"></script>\n```\n", NULL },
		{ "~~~\n![a](http://x.test)\n~~~", NULL },
		{ "```\nvector<b> x; // http://x.test\n", NULL },
		{ "````\n```\n<b>\n````\nafter <i>x</i>", "````\n```\n<b>\n````\nafter x" },
		{ "``a ` <b>``", NULL },
		{ "`https://old.example.org`, `curl http://old.example.org`.", NULL },
		/* It is no code if it does not end, or ends elsewhere. */
		{ "a ` ![x](http://evil.test)", "a ` ![x] [image removed]" },
		{ "a ` x\n![x](http://evil.test) `", "a ` x\n![x] [image removed] `" },
		{ "| ` | ![x](http://evil.test) ` |", "| ` | ![x] [image removed] ` |" },
		{ "\\`![x](http://evil.test)\\`", "\\`![x] [image removed]\\`" },
		{ "`` a ` ![x](http://evil.test) `", "`` a ` ![x] [image removed] `" },
		/*
		 * Whether a code span is one depends on the lines around it: addresses do not rely
		 * on it.
		 */
		{ "`http://x.test` now", "`[link removed]` now" },
		{ "a ` b\nc ` ![x](http://evil.test) ` d", "a ` b\nc ` ![x] [image removed] ` d" },
		{ "<a`b@c.de> ` <xy:z> `", "<a`b@c.de> ` [link removed] `" },
		{ "[a](b '`') ` [x](//evil.test) `", "[a](b '`') ` [x] [link removed] `" },
		{ "`https://old.example.org`secret", "`[link removed]" },
		/* HTML that stays may have the fence in it. */
		{ "<foo>\n```\n\n![x](http://evil.test)", "<foo>\n```\n\n![x] [image removed]" },
		{ " </foo>\n```\n\n![x](http://evil.test)",
		  " </foo>\n```\n\n![x] [image removed]" },
		{ "<?1\n```\n?>\n\n![x](http://evil.test)",
		  "[HTML removed]\n\n![x] [image removed]" },
		{ "a <foo>\n```\n![x](http://x.test)", NULL },
		{ "```\nx\n```\n![x](http://evil.test)", "```\nx\n```\n![x] [image removed]" },
		{ "```\rx\r```\r![x](http://evil.test)", "```\rx\r```\r![x] [image removed]" },
		{ "``` a`b\n![x](http://evil.test)", "``` a`b\n![x] [image removed]" },
		{ "> ```\n![x](http://evil.test)", "> ```\n![x] [image removed]" },
		{ "- ```\n  x\n  ```\n  ![x](http://evil.test)",
		  "- ```\n  x\n  ```\n  ![x] [image removed]" },
		{ " ```\nx\n```\n![x](http://evil.test)", " ```\nx\n```\n![x] [image removed]" },
		{ "a\n    ```\n    ![x](http://evil.test)",
		  "a\n    ```\n    ![x] [image removed]" },
		{ "<b>```\nx\n```\n![x](http://evil.test)", "```\nx\n```\n![x] [image removed]" },
		{ "<div>\n```\n<img src=x>", " \n```\n<img src=x>" },
	};

	(void)state;
	check_rows(rows, ARRAY_LEN(rows));
}

/* The four groups of a card's number, and what stands between them. */
static void card_with(struct buf *b, const char *between, unsigned n)
{
	static const char *const groups[] = { "4539", "5787", "6362", "1486" };

	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		for (unsigned k = 0; i > 0 && k < n; k++)
			buf_adds(b, between);
		buf_adds(b, groups[i]);
	}
}

/* What goes without a trace was not there for whoever looked for the number either. */
static void html_that_goes_joins_nothing(void **state)
{
	static const struct {
		const char *between;
		unsigned n;
	} rows[] = {
		{ "<b>", 1 },
		{ "<b title='a>b'>", 1 },
		{ "<div title='a>b'>", 1 },
		{ "<?x?>", 1 },
		{ "<!X>", 1 },
		{ "<![CDATA[z]]>", 1 },
		{ "<style>z</style>", 1 },
		{ "<b></b>", 200 },
		{ "<!--xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-->",
		  1 },
	};
	static const struct row others[] = {
		{ "jane<b title='>'>.doe@corp<i title='>'>.com",
		  "jane[HTML removed].doe@corp[HTML removed].com" },
		{ "jane.<b>doe@corp.com", "[e-mail removed]" },
		{ "DE89<!X>3704<!X>0044<!X>0532<!X>0130<!X>00",
		  "DE89[HTML removed]3704[HTML removed]0044[HTML removed]0532[HTML removed]0130"
		  "[HTML removed]00" },
		/* No link is made of a marker. */
		{ "!jane@corp.com(b.png)", "![e-mail removed] (b.png)" },
		{ "jane@corp.com[b]", "[e-mail removed] [b]" },
		{ "jane@corp.com: b", "[e-mail removed] : b" },
		{ "jane@corp.com<b>(b)</b>", "[e-mail removed] (b)" },
		{ "x<?y?>(b)", "x[HTML removed] (b)" },
		{ "jane@corp.com (b)", "[e-mail removed] (b)" },
	};
	struct filter_config cfg = { .level = LEVEL_BALANCED, .links = true };
	struct filter *f;

	(void)state;
	cfg.stage[RAGD_STAGE_RESPONSE].pii = PII_CARD | PII_IBAN | PII_EMAIL;
	f = test_filter_cfg(&cfg, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf in = BUF_INIT, joined = BUF_INIT;
		struct streamed got;

		card_with(&in, rows[i].between, rows[i].n);
		card_with(&joined, " ", 1);
		print_message("%u times %s\n", rows[i].n, rows[i].between);
		test_stream(f, RAGD_STAGE_RESPONSE, buf_str(&in), NULL, 0, &got);
		assert_null(memmem(got.text.data, got.text.len, "45395787", 8));
		assert_null(memmem(got.text.data, got.text.len, joined.data, joined.len));
		assert_non_null(memmem(got.text.data, got.text.len, "removed]", 8));
		test_every_cut(f, RAGD_STAGE_RESPONSE, buf_str(&in));
		buf_fini(&got.text);
		buf_fini(&joined);
		buf_fini(&in);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		check(f, &others[i]);
	filter_close(f);
}

static void what_is_too_long_goes_as_it_comes(void **state)
{
	static const char *const heads[] = {
		"http://evil.test/", "[a](//", "![a](x:", "<b ",     "<!--", "`",   "[a](b \"",
		"<script>",          "&#104;", "www.a",   "[r]: x:", "~~~~", "    "
	};
	static const char *const units[] = {
		"a", "(", "&amp;", "<", "`", "]", "[x](", "\"", "&#58;"
	};
	struct filter *f = links_filter();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		for (size_t k = 0; k < ARRAY_LEN(units); k++) {
			struct buf b = BUF_INIT;
			struct streamed whole, pieces;

			buf_adds(&b, heads[i]);
			while (b.len < 9000)
				buf_adds(&b, units[k]);
			buf_adds(&b, " after");
			test_stream(f, RAGD_STAGE_RESPONSE, buf_str(&b), NULL, 0, &whole);
			test_stream_bytes(f, RAGD_STAGE_RESPONSE, buf_str(&b), &pieces);
			assert_int_equal(whole.text.len, pieces.text.len);
			assert_memory_equal(whole.text.data, pieces.text.data, whole.text.len);
			assert_string_equal(whole.findings, pieces.findings);
			assert_null(memmem(whole.text.data, whole.text.len, "evil", 4));
			if (pieces.most_held > LINKS_HOLD)
				fail_msg("'%s' and many '%s': %zu held", heads[i], units[k],
					 pieces.most_held);
			buf_fini(&whole.text);
			buf_fini(&pieces.text);
			buf_fini(&b);
		}
	}
	filter_close(f);
}

static void findings_say_what_went(void **state)
{
	struct filter *f = links_filter();
	struct streamed got;

	(void)state;
	test_stream(f, RAGD_STAGE_RESPONSE,
		    RAGD_STR("[a](http://e.test/) ![b](http://e.test/) <i>c"), NULL, 0, &got);
	assert_string_equal(got.findings, "link@2-19 image@23-40 html@41-44 ");
	assert_int_equal(got.action, RAGD_REDACT);
	buf_fini(&got.text);
	filter_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_leave_with_their_evidence_only),
		cmocka_unit_test(markdown_links_and_images_do),
		cmocka_unit_test(html_does_not_leave),
		cmocka_unit_test(code_stays_as_it_is),
		cmocka_unit_test(html_that_goes_joins_nothing),
		cmocka_unit_test(what_is_too_long_goes_as_it_comes),
		cmocka_unit_test(findings_say_what_went),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
