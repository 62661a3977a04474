/* One request of inference_upstream to one server: what comes back, and what leaves. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "tests/plugins/upstream.h"
#include "tests/test.h"

static const struct act fine = ACT_FINE;

static void an_answer_streams_through(void **state)
{
	static const struct act good = {
		HEAD_SSE
		": hello\n\n"
		"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n" TOKEN("Nothing ")
			TOKEN("much: ä") TOKEN("\\ud83d\\ude00.") FINISH("stop") USAGE("17", "3")
				DONE,
		THEN_CLOSE, 0, NULL, 0
	};

	(void)state;
	for (int on_unix = 0; on_unix < 2; on_unix++) {
		struct up t;

		up_init(&t);
		up_server(&t, on_unix, &good, 1);
		up_open(&t, "model=m1");
		up_ask(&t);
		assert_int_equal(t.sink.rc, 0);
		assert_string_equal(up_answer(&t), "Nothing much: ä\U0001f600.");
		assert_int_equal(t.sink.n_pieces, 3);
		assert_int_equal(t.sink.finish, RAGD_FINISH_STOP);
		assert_int_equal(t.sink.usage.n_prompt, 17);
		assert_int_equal(t.sink.usage.n_output, 3);
		assert_string_equal(
			t.servers[0].body.data,
			"{\"model\":\"m1\",\"messages\":[{\"role\":\"system\",\"content\":"
			"\"Be brief.\"},{\"role\":\"user\",\"content\":\"What is new?\"}],"
			"\"stream\":true,\"stream_options\":{\"include_usage\":true},"
			"\"temperature\":0.5,\"seed\":0,\"top_p\":1.0,\"max_tokens\":9,"
			"\"min_p\":0.25}");
		assert_non_null(
			strstr(t.servers[0].head.data, "POST /v1/chat/completions HTTP/1.1"));
		assert_non_null(strstr(t.servers[0].head.data, "X-Request-Id: test"));
		assert_null(strstr(t.servers[0].head.data, "Authorization"));
		assert_null(strstr(t.servers[0].head.data, "Expect"));
		up_end(&t);
	}
}

static void pieces_may_be_cut_anywhere(void **state)
{
	static const struct act good = { HEAD_SSE TOKEN("a\xc3\xa4\xf0\x9f\x98\x80") TOKEN("b")
						 FINISH("stop") DONE,
					 THEN_CLOSE, 1, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &good, 1);
	up_open(&t, "model=m");
	up_ask(&t);
	assert_int_equal(t.sink.rc, 0);
	assert_string_equal(up_answer(&t), "aä\U0001f600b");
	up_end(&t);
}

static void usage_is_counted_where_nobody_tells(void **state)
{
	static const struct act good = { HEAD_SSE TOKEN("a") TOKEN("b") FINISH("stop"), THEN_CLOSE,
					 0, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &good, 1);
	up_open(&t, "model=m");
	up_ask(&t);
	assert_int_equal(t.sink.usage.n_prompt, 0);
	assert_int_equal(t.sink.usage.n_output, 2);
	up_end(&t);
}

/* The salt of the last request, which has one. */
static void salt_of(struct up *t, char out[65])
{
	const char *at = t->servers[0].body.data, *last = NULL;

	while ((at = strstr(at, "\"cache_salt\":\"")) != NULL)
		last = at += 14;
	assert_non_null(last);
	memcpy(out, last, 64);
	out[64] = '\0';
	assert_int_equal(strspn(out, "0123456789abcdef"), 64);
}

static void users_share_nothing_in_a_server_that_knows_salts(void **state)
{
	static const struct act good = { HEAD_SSE TOKEN("a") FINISH("stop") USAGE("17", "3") DONE,
					 THEN_CLOSE, 0, NULL, 0 };
	static const uid_t who[] = { 1000, 1001, 1000 };
	const struct act acts[] = { good, good, good };
	char salt[ARRAY_LEN(who)][65], other[65];
	struct up t;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		up_init(&t);
		up_server(&t, true, acts, ARRAY_LEN(acts));
		up_open(&t, "model=m", "cache_salt=yes");
		for (size_t i = 0; i < ARRAY_LEN(who); i++) {
			t.call.caller.uid = who[i];
			up_ask(&t);
			assert_int_equal(t.sink.rc, 0);
			salt_of(&t, salt[i]);
		}
		assert_string_equal(salt[0], salt[2]);
		assert_string_not_equal(salt[0], salt[1]);
		if (turn == 0)
			memcpy(other, salt[0], sizeof(other));
		else
			assert_string_not_equal(salt[0], other); /* no user's to be known */
		up_end(&t);
	}
}

static void no_proxy_of_the_environment_is_used_unless_told(void **state)
{
	struct server proxy;
	struct up t;

	(void)state;
	server_start(&proxy, NULL, &fine, 1);
	setenv("http_proxy", proxy.url, 1);
	setenv("all_proxy", proxy.url, 1);
	unsetenv("no_proxy");
	for (int told = 0; told < 2; told++) {
		up_init(&t);
		up_server(&t, false, &fine, 1);
		up_open(&t, "model=m", told ? "proxy=environment" : "proxy=none");
		up_ask(&t);
		assert_int_equal(t.sink.rc, 0);
		assert_int_equal(server_read(&proxy, &proxy.n_posts), told);
		assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), !told);
		up_end(&t);
	}
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	server_stop(&proxy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_streams_through),
		cmocka_unit_test(pieces_may_be_cut_anywhere),
		cmocka_unit_test(usage_is_counted_where_nobody_tells),
		cmocka_unit_test(users_share_nothing_in_a_server_that_knows_salts),
		cmocka_unit_test(no_proxy_of_the_environment_is_used_unless_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
