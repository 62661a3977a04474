/* Which server is asked next, and when again. */
#include "base/util.h"
#include "tests/test.h"
#include "upstream/servers/endpoint.h"
#include "upstream/servers/retry.h"

static const struct endpoint_rules rules = { .failures = 2, .down_ms = 1000, .probed = true };

static void well(struct endpoint *v, size_t n, const unsigned *weights)
{
	for (size_t i = 0; i < n; i++)
		v[i] = (struct endpoint){ .state = ENDPOINT_UP, .weight = weights[i] };
}

static void requests_go_round_smoothly_by_weight(void **state)
{
	static const unsigned weights[] = { 5, 1, 1 };
	struct endpoint v[3];
	char order[8] = "";

	(void)state;
	well(v, 3, weights);
	for (int i = 0; i < 7; i++) {
		int at = endpoint_pick(v, 3, 0, &rules, 0);

		order[i] = (char)('a' + at);
		endpoint_release(&v[at], false);
	}
	assert_string_equal(order, "aabacaa"); /* not aaaaabc */
}

static void of_equal_claims_the_one_with_less_to_do_goes_first(void **state)
{
	static const unsigned weights[] = { 1, 1, 1 };
	struct endpoint v[3];

	(void)state;
	well(v, 3, weights);
	v[0].outstanding = 2;
	v[1].outstanding = 1;
	v[2].outstanding = 2;
	assert_int_equal(endpoint_pick(v, 3, 0, &rules, 0), 1);
	assert_int_equal(v[1].outstanding, 2);
}

static void what_was_tried_is_down_or_busy_is_left_out(void **state)
{
	static const unsigned weights[] = { 1, 1, 1 };
	struct endpoint v[3];

	(void)state;
	well(v, 3, weights);
	assert_int_equal(endpoint_pick(v, 3, 3, &rules, 0), 2);
	assert_int_equal(endpoint_pick(v, 3, 7, &rules, 0), -1);
	endpoint_busy(&v[0], 500);
	v[1].state = ENDPOINT_DOWN;
	v[1].down_until_ms = 1000;
	assert_int_equal(endpoint_pick(v, 3, 4, &rules, 0), -1);
	assert_true(endpoint_any_open(v, 3, &rules, 0));
	assert_int_equal(endpoint_room_ms(v, 3, 0), 500);
	assert_int_equal(endpoint_pick(v, 3, 4, &rules, 500), 0);
	endpoint_busy(&v[0], 400); /* no earlier than it said before */
	assert_int_equal(v[0].busy_until_ms, 500);
	v[2].state = ENDPOINT_UNKNOWN;
	assert_int_equal(endpoint_pick(v, 3, 3, &rules, 0), 2);
	assert_int_equal(endpoint_pick(v, 3, 3, &(struct endpoint_rules){ .need_list = true }, 0),
			 -1);
}

static void a_server_that_fails_is_left_alone_then_tried_once(void **state)
{
	static const unsigned weights[] = { 1, 1 };
	struct endpoint v[2];

	(void)state;
	well(v, 2, weights);
	assert_false(endpoint_failed(&v[0], &rules, false, 0));
	assert_false(endpoint_ok(&v[0])); /* what is in a row is counted */
	assert_false(endpoint_failed(&v[0], &rules, false, 0));
	assert_true(endpoint_failed(&v[0], &rules, false, 0));
	assert_int_equal(v[0].state, ENDPOINT_DOWN);
	assert_int_equal(v[0].down_until_ms, 1000);
	assert_int_equal(endpoint_n_up(v, 2), 1);
	assert_false(endpoint_failed(&v[0], &rules, false, 10)); /* sent before it went down */
	assert_int_equal(v[0].down_until_ms, 1000);

	assert_int_equal(endpoint_pick(v, 2, 2, &rules, 999), -1);
	assert_int_equal(endpoint_pick(v, 2, 0, &rules, 1000), 1); /* the one that is well */
	assert_int_equal(endpoint_pick(v, 2, 2, &rules, 1000), 0); /* in need */
	assert_true(v[0].trial);
	assert_int_equal(endpoint_pick(v, 2, 2, &rules, 1000), -1); /* one trial at a time */
	endpoint_release(&v[0], true);                              /* cancelled: the next tries */
	assert_int_equal(endpoint_pick(v, 2, 2, &rules, 1000), 0);
	assert_false(endpoint_failed(&v[0], &rules, false, 1500)); /* one is enough now */
	assert_int_equal(v[0].down_until_ms, 1500 + 2000);         /* and longer */
	for (int i = 0; i < 10; i++)
		endpoint_failed(&v[0], &rules, false, v[0].down_until_ms);
	assert_true(endpoint_ok(&v[0]));
	assert_false(endpoint_ok(&v[0]));
	assert_true(endpoint_failed(&v[0], &rules, true, 0)); /* a check that finds nobody */
	assert_int_equal(v[0].down_until_ms, 1000);
}

static void without_checks_requests_try_a_server_that_is_down(void **state)
{
	static const struct endpoint_rules unprobed = { .failures = 1, .down_ms = 1000 };
	static const unsigned weights[] = { 1, 1 };
	struct endpoint v[2];

	(void)state;
	well(v, 2, weights);
	assert_true(endpoint_failed(&v[0], &unprobed, false, 0));
	assert_int_equal(endpoint_pick(v, 2, 0, &unprobed, 999), 1);
	assert_int_equal(endpoint_pick(v, 2, 0, &unprobed, 1000), 0);
	for (int i = 0; i < 20; i++) /* the longest time is 16 times the first */
		endpoint_failed(&v[0], &unprobed, false, v[0].down_until_ms);
	assert_true(endpoint_failed(&v[1], &unprobed, false, 0));
	endpoint_failed(&v[0], &unprobed, false, v[0].down_until_ms);
	v[0].down_until_ms = 0;
	endpoint_failed(&v[0], &unprobed, false, 0);
	assert_int_equal(v[0].down_until_ms, 16000);
}

static void what_a_status_means(void **state)
{
	static const struct {
		long status;
		int has_retry_after;
		enum attempt_result want;
	} rows[] = {
		{ 200, 0, ATTEMPT_OK },      { 204, 0, ATTEMPT_OK },
		{ 400, 0, ATTEMPT_REFUSED }, { 413, 0, ATTEMPT_REFUSED },
		{ 422, 1, ATTEMPT_REFUSED }, { 401, 0, ATTEMPT_MISFIT },
		{ 403, 0, ATTEMPT_MISFIT },  { 404, 0, ATTEMPT_MISFIT },
		{ 301, 0, ATTEMPT_MISFIT },  { 308, 1, ATTEMPT_MISFIT },
		{ 429, 0, ATTEMPT_BUSY },    { 429, 1, ATTEMPT_BUSY },
		{ 503, 1, ATTEMPT_BUSY },    { 503, 0, ATTEMPT_FAILED },
		{ 500, 1, ATTEMPT_FAILED },  { 502, 0, ATTEMPT_FAILED },
		{ 504, 0, ATTEMPT_FAILED },  { 408, 0, ATTEMPT_FAILED },
		{ 599, 0, ATTEMPT_FAILED },  { 999, 0, ATTEMPT_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%ld\n", rows[i].status);
		assert_int_equal(retry_classify(rows[i].status, rows[i].has_retry_after),
				 rows[i].want);
	}
}

static void delays_double_up_to_a_bound_and_differ(void **state)
{
	uint64_t seed = 42;
	double sum = 0, r;

	(void)state;
	assert_int_equal(retry_delay_ms(250, 10000, 1, 0), 250);
	assert_int_equal(retry_delay_ms(250, 10000, 2, 0), 500);
	assert_int_equal(retry_delay_ms(250, 10000, 3, 0), 1000);
	assert_int_equal(retry_delay_ms(250, 10000, 3, 0.5), 750);
	assert_int_equal(retry_delay_ms(250, 10000, 30, 0), 10000);
	assert_int_equal(retry_delay_ms(60000, 10000, 1, 0), 10000);
	for (int i = 0; i < 1000; i++) {
		r = retry_random(&seed);
		assert_true(r >= 0 && r < 1);
		sum += r;
		assert_true(retry_delay_ms(250, 10000, 2, r) > 249);
		assert_true(retry_delay_ms(250, 10000, 2, r) <= 500);
	}
	assert_true(sum > 450 && sum < 550);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_go_round_smoothly_by_weight),
		cmocka_unit_test(of_equal_claims_the_one_with_less_to_do_goes_first),
		cmocka_unit_test(what_was_tried_is_down_or_busy_is_left_out),
		cmocka_unit_test(a_server_that_fails_is_left_alone_then_tried_once),
		cmocka_unit_test(without_checks_requests_try_a_server_that_is_down),
		cmocka_unit_test(what_a_status_means),
		cmocka_unit_test(delays_double_up_to_a_bound_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
