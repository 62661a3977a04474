#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "safety/pii/pii.h"
#include "safety/stream/filter_stream.h"
#include "tests/safety/rows.h"
#include "tests/safety/support.h"
#include "tests/test.h"

static void releases_the_same_however_it_is_cut(void **state)
{
	struct filter *f = test_filter(stream_rules);

	(void)state;
	for (size_t i = 0; i < n_stream_rows; i++) {
		struct ragd_str in = { stream_rows[i].in, strlen(stream_rows[i].in) };
		struct streamed got;

		print_message("%s\n", stream_rows[i].in);
		test_stream(f, RAGD_STAGE_RESPONSE, in, NULL, 0, &got);
		buf_addc(&got.text, '\0');
		assert_string_equal(got.text.data, stream_rows[i].out);
		buf_fini(&got.text);
		test_every_cut(f, RAGD_STAGE_RESPONSE, in);
	}
	filter_close(f);
}

/* A case in front of another, so that each scanner also begins in the middle of a text. */
static void releases_the_same_with_other_text_around(void **state)
{
	struct filter *f = test_filter(stream_rules);

	(void)state;
	for (size_t i = 1; i < n_stream_rows; i++) {
		struct buf b = BUF_INIT;

		for (size_t k = 0; k < 3; k++) {
			buf_adds(&b, stream_rows[(i * 7 + k * 5) % n_stream_rows].in);
			buf_addc(&b, k == 1 ? '\n' : ' ');
			buf_adds(&b, stream_rows[i].in);
		}
		test_every_cut(f, RAGD_STAGE_RESPONSE, buf_str(&b));
		buf_fini(&b);
	}
	filter_close(f);
}

static void holds_no_more_than_it_says(void **state)
{
	static const char *const runs[] = { "a",
					    "1",
					    "1 ",
					    "a.",
					    "eyJ",
					    "a\u200b",
					    "1\u200b\u200b\u200b\u200b",
					    "-----BEGIN ",
					    "://a:",
					    "0123456789abcdef",
					    "password=a1",
					    "2a00:",
					    "GB82 WEST ",
					    "-",
					    " ",
					    "\n",
					    "\u2060",
					    "\xe2\x80",
					    "\U0001d7ce\u200b\u200b\u200b\u200b",
					    "project ",
					    "agent 1" };
	struct filter *f = test_filter(stream_rules);

	(void)state;
	test_runs_held(f, runs, ARRAY_LEN(runs));
	filter_close(f);
}

static void holds_nothing_that_is_certain(void **state)
{
	struct filter *f = test_filter(NULL);
	struct filter_stream *s = filter_stream_open(f, RAGD_STAGE_RESPONSE);
	struct test_call c;
	struct ragd_release r;

	(void)state;
	test_call_init(&c);
	assert_int_equal(filter_stream_feed(s, &c.call, "Hello, my ", 10, false, &r, NULL), 0);
	assert_int_equal(r.text.len, 10);
	assert_int_equal(filter_stream_feed(s, &c.call, "frie", 4, false, &r, NULL), 0);
	assert_int_equal(r.text.len, 0); /* might become a mail address */
	assert_int_equal(filter_stream_feed(s, &c.call, "nd! ", 4, false, &r, NULL), 0);
	assert_int_equal(r.text.len, 8);
	/* What only goes on with a word waits for its end, but not for long. */
	assert_int_equal(filter_stream_feed(s, &c.call, "an", 2, false, &r, NULL), 0);
	assert_int_equal(r.text.len, 0);
	assert_int_equal(filter_stream_feed(s, &c.call, "d 20 ", 5, false, &r, NULL), 0);
	assert_true(r.text.len >= 4);
	filter_stream_close(s);
	test_call_fini(&c);
	filter_close(f);
}

static void a_long_secret_is_swallowed_without_holding_it(void **state)
{
	struct filter *f = test_filter(NULL);
	struct buf b = BUF_INIT;
	struct streamed got;

	(void)state;
	buf_adds(&b, "token: glpat-");
	for (unsigned i = 0; i < 50000; i++)
		buf_addc(&b, "a8Kq3ZbV7xN0wRt5"[i * 7 % 16]);
	buf_adds(&b, " end");
	test_stream_bytes(f, RAGD_STAGE_RESPONSE, buf_str(&b), &got);
	buf_addc(&got.text, '\0');
	assert_string_equal(got.text.data, "token: [secret removed] end");
	assert_true(got.most_held < 200);
	assert_int_equal(got.n_findings, 1);
	buf_fini(&got.text);
	buf_fini(&b);
	filter_close(f);
}

static void nothing_follows_a_block(void **state)
{
	struct filter *f = test_filter(stream_rules);
	struct filter_stream *s = filter_stream_open(f, RAGD_STAGE_RESPONSE);
	struct test_call c;
	struct ragd_release r;

	(void)state;
	test_call_init(&c);
	assert_int_equal(
		filter_stream_feed(s, &c.call, "press the red button. And", 25, false, &r, NULL),
		0);
	assert_int_equal(r.action, RAGD_BLOCK);
	assert_int_equal(r.text.len, 6);
	assert_memory_equal(r.text.s, "press ", 6);
	assert_int_equal(r.message.len, strlen("That cannot be said."));
	for (int last = 0; last < 2; last++) {
		assert_int_equal(filter_stream_feed(s, &c.call, "more", 4, last, &r, NULL), 0);
		assert_int_equal(r.action, RAGD_BLOCK);
		assert_int_equal(r.text.len, 0);
	}
	filter_stream_close(s);
	test_call_fini(&c);
	filter_close(f);
}

static void secrets_can_end_an_answer(void **state)
{
	struct filter_config cfg = { .level = LEVEL_BALANCED };
	struct filter *f;
	struct streamed got;

	(void)state;
	cfg.stage[RAGD_STAGE_RESPONSE].secrets = RAGD_BLOCK;
	f = test_filter_cfg(&cfg, NULL);
	test_stream(f, RAGD_STAGE_RESPONSE, RAGD_STR("it is AKIA2H2VWDOZEMOBFC4M, really"), NULL, 0,
		    &got);
	assert_int_equal(got.action, RAGD_BLOCK);
	assert_int_equal(got.text.len, 6);
	buf_fini(&got.text);
	test_every_cut(f, RAGD_STAGE_RESPONSE, RAGD_STR("it is AKIA2H2VWDOZEMOBFC4M, really"));
	filter_close(f);
}

static void kinds_are_switched_one_by_one(void **state)
{
	static const struct {
		unsigned pii;
		const char *out;
	} rows[] = {
		{ 0, "a.b@corp.de info@corp.de +49 30 901820" },
		{ PII_EMAIL, "[e-mail removed] info@corp.de +49 30 901820" },
		{ PII_ROLE, "a.b@corp.de [e-mail removed] +49 30 901820" },
		{ PII_PHONE, "a.b@corp.de info@corp.de [phone number removed]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter_config cfg = { .level = LEVEL_BALANCED };
		struct filter *f;
		struct streamed got;

		cfg.stage[RAGD_STAGE_RESPONSE].pii = rows[i].pii;
		f = test_filter_cfg(&cfg, NULL);
		test_stream(f, RAGD_STAGE_RESPONSE,
			    RAGD_STR("a.b@corp.de info@corp.de +49 30 901820"), NULL, 0, &got);
		buf_addc(&got.text, '\0');
		assert_string_equal(got.text.data, rows[i].out);
		buf_fini(&got.text);
		filter_close(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(releases_the_same_however_it_is_cut),
		cmocka_unit_test(releases_the_same_with_other_text_around),
		cmocka_unit_test(holds_no_more_than_it_says),
		cmocka_unit_test(holds_nothing_that_is_certain),
		cmocka_unit_test(a_long_secret_is_swallowed_without_holding_it),
		cmocka_unit_test(nothing_follows_a_block),
		cmocka_unit_test(secrets_can_end_an_answer),
		cmocka_unit_test(kinds_are_switched_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
