#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "safety/text/reading.h"
#include "tests/test.h"

static const struct {
	const char *in;
	const char *out; /* NULL: the same */
} rows[] = {
	{ "", NULL },
	{ "plain text, 1 + 12 = 13.", NULL },
	{ "x = y + z", "x=y+z" },
	{ "snake_case, 5 * 3, a < b, AT&T, c:\\dir, ~/x, 1.2.3", NULL },
	{ "if (a < b && cc > 4) vector<int> x", "if (a < b && cc > 4) vector x" },
	{ "**bold** and *it* and ***both***", "bold and it and both" },
	{ "ig**no**re, un`code`d, ~~gone~~", "ignore, uncoded, gone" },
	{ "_emph_ and __strong__, not snake_case_name", "emph and strong, not snake_case_name" },
	{ "ghp_**abc**_def", "ghp_abc_def" },
	{ "4111 **** **** 1111, a ~ b", NULL },
	{ "* item\n* other", NULL },
	{ "a\\_b \\*c\\* \\d", "a_b *c* \\d" },
	{ "&#105;gn&#x6F;re&nbsp;it &amp;c &unknown; &#0; &", "ignore it &c &unknown; &#0; &" },
	{ "ig<b>no</b>re <br/>x<!-- y -->z <a@b.c> <>", "ignore  xz <a@b.c> <>" },
	{ "<!-- no end", NULL },
	{ "> quoted\n> > twice\na > b", " quoted\n  twice\na > b" },
	{ "igno-\nre, igno- \r\n  > re, self-\nMade, 4-\n5", "ignore, ignore, self-\nMade, 4-\n5" },
	{ "\u202e"
	  "esrever\u202c on",
	  "reverse on" },
	{ "\u202e"
	  "(b)a\u202c",
	  "a(b)" },
	{ "\u202e"
	  "ba\ncd",
	  "ab\ncd" },
	{ "\u202e"
	  "c\u202a"
	  "b\u202c"
	  "a\u202c"
	  "d",
	  "abcd" },
	{ "i g n o r e   a l l of it", "ignore all of it" },
	{ "h.u.n.t.e.r.2 k-i-l-l it", "hunter2 kill it" },
	{ "(i g n o r e)", "(ignore)" },
	{ "i.g.n.o.r.e a.l.l", "ignore all" },
	{ "a b c, J. R. R. Tolkien, x = yes", NULL },
	{ "i\ng\nn\no\nr\ne", "ignore" },
	{ "4 1 1 1   1 1 1 1", "4111 1111" },
};

static void read_all(const char *raw, size_t len, size_t cut, struct folded *out)
{
	struct text_reading r = { 0 };

	reading_add(&r, raw, utf8_whole(raw, cut), false, out, NULL);
	reading_add(&r, raw + r.fed, len - r.fed, true, out, NULL);
	assert_int_equal(r.fed, len);
	assert_int_equal(reading_given(&r), len);
	assert_false(out->failed);
	reading_fini(&r);
}

static void reads_what_is_shown_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *want = rows[i].out != NULL ? rows[i].out : rows[i].in;
		size_t len = strlen(rows[i].in), end = 0;

		print_message("%s\n", rows[i].in);
		for (size_t cut = 0; cut <= len; cut++) {
			struct folded f = { 0 };

			read_all(rows[i].in, len, cut, &f);
			if (f.len != strlen(want) ||
			    (f.len > 0 && memcmp(f.text, want, f.len) != 0))
				fail_msg("cut at %zu: '%.*s'", cut, (int)f.len, f.text);
			/* Offsets ascend and stay inside. */
			for (size_t k = 0; k < f.len; k++, end = f.at[k - 1].end) {
				assert_true(f.at[k].start < f.at[k].end && f.at[k].end <= len);
				assert_true(k == 0 || f.at[k].end >= end);
			}
			folded_fini(&f);
		}
	}
}

/* Whatever is skipped as reading the way it is written does read so, and the rest is short. */
static void skips_only_what_reads_as_it_is_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].in); cut++) {
			struct text_reading skip = { 0 };
			struct folded f = { 0 };
			size_t len = strlen(rows[i].in), n;
			bool differs;

			n = reading_skip(&skip, rows[i].in, utf8_whole(rows[i].in, cut), false,
					 &differs);
			if (!differs) {
				assert_true(n <= cut && cut - n <= 16);
				n += reading_skip(&skip, rows[i].in + n, len - n, true, &differs);
			}
			if (!differs) {
				assert_int_equal(n, len);
				assert_null(rows[i].out);
			}
			/* From there on it reads as all of it does. */
			n = skip.fed;
			reading_add(&skip, rows[i].in + n, len - n, true, &f, NULL);
			assert_int_equal(n + f.len,
					 strlen(rows[i].out != NULL ? rows[i].out : rows[i].in));
			folded_fini(&f);
			reading_fini(&skip);
		}
}

static void an_override_without_end_is_cut_out(void **state)
{
	struct text_reading r = { 0 };
	struct folded f = { 0 };
	struct spans cuts = { 0 };
	char text[3 + 2 * READING_AHEAD];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "\u202e", 3);
	reading_add(&r, text, sizeof(text), true, &f, &cuts);
	assert_int_equal(f.len, sizeof(text) - 3);
	assert_int_equal(cuts.n, 1);
	assert_int_equal(cuts.item[0].start, 0);
	assert_int_equal(cuts.item[0].end, 3);
	spans_fini(&cuts);
	folded_fini(&f);
	reading_fini(&r);
}

/*
 * What may be left out between two characters is bounded, so that a find cannot span text without
 * end.
 */
static void decoration_beyond_a_bound_stands_for_itself(void **state)
{
	struct text_reading r = { 0 };
	struct folded f = { 0 };
	char text[4096];
	size_t most = 0;

	(void)state;
	for (size_t i = 0; i + 7 <= sizeof(text); i += 7)
		memcpy(text + i, "<b></b>", 7);
	reading_add(&r, text, sizeof(text) / 7 * 7, true, &f, NULL);
	for (size_t k = 1; k < f.len; k++)
		most = MAX(most, (size_t)f.at[k].start - f.at[k - 1].end);
	assert_true(f.len > 300);
	assert_true(most <= READING_OMIT);
	folded_fini(&f);
	reading_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_is_shown_however_it_is_cut),
		cmocka_unit_test(skips_only_what_reads_as_it_is_written),
		cmocka_unit_test(an_override_without_end_is_cut_out),
		cmocka_unit_test(decoration_beyond_a_bound_stands_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
