/* Several servers of inference_upstream, several tries, and which of them are well. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "tests/plugins/upstream.h"
#include "tests/test.h"

static const struct act fine = ACT_FINE;

static void before_the_first_token_another_server_is_asked(void **state)
{
	static const struct {
		const char *name;
		struct act act;
	} rows[] = {
		{ "closes", { NULL, THEN_CLOSE, 0, NULL, 0 } },
		{ "hangs", { HEAD_SSE, THEN_HANG, 0, NULL, 0 } },
		{ "500", { ERROR_OF("500 Oops", ""), THEN_CLOSE, 0, NULL, 0 } },
		{ "429", { ERROR_OF("429 Busy", ""), THEN_CLOSE, 0, NULL, 0 } },
		{ "503",
		  { "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\n\r\n", THEN_CLOSE, 0, NULL, 0 } },
		{ "401", { ERROR_OF("401 No", ""), THEN_CLOSE, 0, NULL, 0 } },
		{ "404", { ERROR_OF("404 No", ""), THEN_CLOSE, 0, NULL, 0 } },
		{ "garbage", { HEAD_SSE "data: {\n\n", THEN_CLOSE, 0, NULL, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;
		double failovers = up_metric("failovers");

		print_message("%s\n", rows[i].name);
		up_init(&t);
		up_server(&t, true, &rows[i].act, 1);
		up_server(&t, true, &fine, 1);
		up_open(&t, QUICK, "model=m", "retries=0", "weights=100,1",
			rows[i].act.then == THEN_HANG ? "first_token_timeout=1s"
						      : "max_requests=9");
		up_ask(&t);
		assert_int_equal(t.sink.rc, 0);
		assert_string_equal(up_answer(&t), "fine");
		assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
		assert_int_equal(server_read(&t.servers[1], &t.servers[1].n_posts), 1);
		assert_true(up_metric("failovers") == failovers + 1);
		up_end(&t);
	}
}

static void after_the_first_token_none_is(void **state)
{
	static const struct act breaks = { HEAD_SSE TOKEN("so "), THEN_CLOSE, 0, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &breaks, 1);
	up_server(&t, true, &fine, 1);
	up_open(&t, QUICK, "model=m", "weights=100,1");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EIO);
	assert_string_equal(up_answer(&t), "so ");
	assert_non_null(strstr(t.sink.err.msg, "in the middle of the answer"));
	assert_int_equal(server_read(&t.servers[1], &t.servers[1].n_posts), 0);
	up_end(&t);
}

static void what_the_request_is_at_fault_for_is_not_tried_again(void **state)
{
	static const struct act bad = { ERROR_OF("400 Bad", "too long"), THEN_CLOSE, 0, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &bad, 1);
	up_server(&t, true, &fine, 1);
	up_open(&t, QUICK, "model=m", "weights=100,1");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EINVAL);
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
	assert_int_equal(server_read(&t.servers[1], &t.servers[1].n_posts), 0);
	up_end(&t);
}

static void a_server_is_tried_again_after_a_while(void **state)
{
	static const struct act acts[] = {
		{ ERROR_OF("500 Oops", "no"), THEN_CLOSE, 0, NULL, 0 },
		{ NULL, THEN_CLOSE, 0, NULL, 0 },
		{ HEAD_SSE TOKEN("fine") FINISH("stop") DONE, THEN_CLOSE, 0, NULL, 0 },
	};
	double retries = up_metric("retries");
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	up_open(&t, QUICK, "model=m", "retries=2");
	up_ask(&t);
	assert_int_equal(t.sink.rc, 0);
	assert_string_equal(up_answer(&t), "fine");
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 3);
	assert_true(up_metric("retries") == retries + 2);
	up_end(&t);

	up_init(&t); /* one time too few */
	up_server(&t, true, acts, 2);
	up_open(&t, QUICK, "model=m", "retries=1");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EBUSY);
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 2);
	up_end(&t);
}

static void a_key_that_is_refused_is_not_tried_again(void **state)
{
	static const struct act no = { ERROR_OF("401 No", "no such key"), THEN_CLOSE, 0, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &no, 1);
	up_open(&t, QUICK, "model=m", "retries=5");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EIO);
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
	up_end(&t);
}

static void retry_after_is_honoured_within_its_bound(void **state)
{
	static const struct act acts[] = {
		{ "HTTP/1.1 429 Busy\r\nRetry-After: 1\r\n\r\n", THEN_CLOSE, 0, NULL, 0 },
		{ HEAD_SSE TOKEN("fine") FINISH("stop") DONE, THEN_CLOSE, 0, NULL, 0 },
	};
	static const struct act late = { "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\n\r\n",
					 THEN_CLOSE, 0, NULL, 0 };
	int64_t began_ms = clock_ms();
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	up_open(&t, QUICK, "model=m", "retries=1");
	up_ask(&t);
	assert_int_equal(t.sink.rc, 0);
	assert_true(clock_ms() - began_ms >= 1000);
	up_end(&t);

	up_init(&t);
	up_server(&t, true, &late, 1);
	up_open(&t, QUICK, "model=m", "retries=5");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EBUSY);
	assert_non_null(strstr(t.sink.err.msg, "answers 503"));
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
	up_end(&t);
}

static void weights_share_the_requests(void **state)
{
	struct up t;

	(void)state;
	up_init(&t);
	for (int i = 0; i < 3; i++)
		up_server(&t, true, &fine, 1);
	up_open(&t, QUICK, "model=m", "weights=5,3,2");
	up_wait_metric("healthy_endpoints", 3); /* all known, so that the shares are exact */
	for (int i = 0; i < 20; i++) {
		up_ask(&t);
		assert_int_equal(t.sink.rc, 0);
	}
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 10);
	assert_int_equal(server_read(&t.servers[1], &t.servers[1].n_posts), 6);
	assert_int_equal(server_read(&t.servers[2], &t.servers[2].n_posts), 4);
	up_end(&t);
}

static void a_server_that_is_gone_is_left_out_and_found_again(void **state)
{
	char path[PATH_MAX + 16];
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &fine, 1);
	up_server(&t, true, &fine, 1);
	up_open(&t, "model=m", "retry_delay=1ms", "health_interval=20ms", "down_time=20ms",
		"failures=2");
	up_wait_metric("healthy_endpoints", 2);
	server_refuse(&t.servers[0]);
	up_wait_metric("healthy_endpoints", 1);
	for (int i = 0; i < 4; i++) {
		up_ask(&t);
		assert_int_equal(t.sink.rc, 0);
	}
	assert_int_equal(server_read(&t.servers[1], &t.servers[1].n_posts), 4);
	snprintf(path, sizeof(path), "%s", t.servers[0].url + strlen("unix:"));
	server_stop(&t.servers[0]);
	server_start(&t.servers[0], path, &fine, 1);
	up_wait_metric("healthy_endpoints", 2);
	up_ask(&t);
	up_ask(&t);
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
	up_end(&t);
}

static void requests_alone_find_out_where_nobody_checks(void **state)
{
	static const struct act acts[] = {
		{ NULL, THEN_CLOSE, 0, NULL, 0 },
		{ NULL, THEN_CLOSE, 0, NULL, 0 },
		{ HEAD_SSE TOKEN("back") FINISH("stop") DONE, THEN_CLOSE, 0, NULL, 0 },
	};
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, acts, ARRAY_LEN(acts));
	up_open(&t, "model=m", "retry_delay=40ms", "health=none", "down_time=20ms", "failures=1",
		"retries=3");
	up_ask(&t);
	assert_string_equal(up_answer(&t), "back");
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_gets), 0);
	assert_true(up_metric("healthy_endpoints") == 1);
	up_end(&t);
}

static void where_none_is_there_the_answer_says_so(void **state)
{
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, false, NULL, 0);
	server_refuse(&t.servers[0]);
	up_open(&t, "model=m", "retry_delay=1ms", "retries=1");
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EBUSY);
	up_ask(&t);
	assert_int_equal(t.sink.rc, -EBUSY);
	up_end(&t);
}

static void health_is_asked_for_where_it_is(void **state)
{
	static const struct {
		const char *option, *want;
	} rows[] = {
		{ "health=models", "GET /v1/models HTTP/1.1" },
		{ "health=health", "GET /health HTTP/1.1" },
		{ "health=healthz", "GET /healthz HTTP/1.1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;

		up_init(&t);
		up_server(&t, true, &fine, 1);
		up_open(&t, "model=m", rows[i].option);
		server_wait(&t.servers[0], &t.servers[0].n_gets, 1);
		assert_non_null(strstr(t.servers[0].get.data, rows[i].want));
		up_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_the_first_token_another_server_is_asked),
		cmocka_unit_test(after_the_first_token_none_is),
		cmocka_unit_test(what_the_request_is_at_fault_for_is_not_tried_again),
		cmocka_unit_test(a_server_is_tried_again_after_a_while),
		cmocka_unit_test(a_key_that_is_refused_is_not_tried_again),
		cmocka_unit_test(retry_after_is_honoured_within_its_bound),
		cmocka_unit_test(weights_share_the_requests),
		cmocka_unit_test(a_server_that_is_gone_is_left_out_and_found_again),
		cmocka_unit_test(requests_alone_find_out_where_nobody_checks),
		cmocka_unit_test(where_none_is_there_the_answer_says_so),
		cmocka_unit_test(health_is_asked_for_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
