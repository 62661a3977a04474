/* What goes into a step: fairness, budgets, and what is learnt of time. */
#include <math.h>
#include <stdlib.h>

#include "base/util.h"
#include "engine/schedule/clients.h"
#include "engine/schedule/schedule.h"
#include "engine/schedule/step_cost.h"
#include "tests/test.h"

#define SECOND INT64_C(1000000)

/* ---- the order of prompts ------------------------------------------------------------------- */

static void streams_always_go_and_prompts_share_what_is_left(void **state)
{
	static const struct {
		const char *name;
		size_t budget;
		struct schedule_seq v[3];
		size_t want[3];
	} rows[] = {
		{ "a stream takes its token beyond the budget",
		  0,
		  { { .id = 1, .left = 1, .streams = true },
		    { .id = 2, .left = 9 },
		    { .id = 3, .left = 9 } },
		  { 1, 0, 0 } },
		{ "of two equal prompts the older is finished first",
		  10,
		  { { .id = 1, .left = 9 }, { .id = 2, .left = 9 }, { .id = 3, .left = 9 } },
		  { 9, 1, 0 } },
		{ "a short prompt passes a long one that is half read",
		  30,
		  { { .id = 1, .left = 500, .used = 500 },
		    { .id = 2, .left = 20 },
		    { .id = 3, .left = 4000 } },
		  { 10, 20, 0 } },
		{ "but not that of a client that has had as much already",
		  30,
		  { { .id = 1, .left = 500, .used = 500 },
		    { .id = 2, .left = 20, .used = 990 },
		    { .id = 3, .left = 1 } },
		  { 29, 0, 1 } },
		{ "a stream that was put back is read before those that have not begun",
		  30,
		  { { .id = 3, .left = 500, .used = 900, .begun = true },
		    { .id = 2, .left = 20 },
		    { .id = 1, .left = 5 } },
		  { 30, 0, 0 } },
		{ "room for all",
		  100,
		  { { .id = 1, .left = 50 }, { .id = 2, .left = 20 }, { .id = 3, .left = 30 } },
		  { 50, 20, 30 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct schedule_seq v[3];

		print_message("%s\n", rows[i].name);
		for (size_t j = 0; j < 3; j++)
			v[j] = rows[i].v[j];
		schedule_step(v, 3, rows[i].budget);
		for (size_t j = 0; j < 3; j++)
			assert_int_equal(v[j].take, rows[i].want[j]);
	}
}

static void many_short_prompts_do_not_hold_up_a_long_one_for_ever(void **state)
{
	struct schedule_seq v[2] = { { .id = 1, .left = 3000 }, { .id = 2, .left = 100 } };
	size_t n_short = 0;

	(void)state;
	/*
	 * The second client asks again and again; each time the first is charged what it was given.
	 */
	while (v[0].left > 0 && n_short < 1000) {
		schedule_step(v, 2, 64);
		for (size_t j = 0; j < 2; j++) {
			v[j].left -= v[j].take;
			v[j].used += (double)v[j].take;
		}
		if (v[1].left == 0) {
			n_short++;
			v[1].left = 100;
			v[1].id = 2 + n_short;
		}
	}
	assert_in_range(n_short, 25, 31); /* about as many tokens as the long one has */
}

static void of_two_with_equal_claims_the_older_goes_first(void **state)
{
	struct schedule_seq a = { .id = 1, .used = 5, .left = 5 };
	struct schedule_seq b = { .id = 2, .used = 0, .left = 10 };

	(void)state;
	assert_true(schedule_before(&a, &b)); /* a tie: the older */
	assert_false(schedule_before(&b, &a));
	b.left = 9;
	assert_true(schedule_before(&b, &a));
}

/* ---- what clients have used ----------------------------------------------------------------- */

static void what_a_client_has_used_is_halved_every_half_minute(void **state)
{
	static struct clients c;
	int64_t t = 1000 * SECOND;

	(void)state;
	assert_true(clients_used(&c, 7, t) == 0);
	clients_charge(&c, 7, 1000, t);
	clients_charge(&c, 8, 10, t);
	clients_charge(&c, 9, 0, t);
	assert_int_equal(c.n, 2);
	assert_true(fabs(clients_used(&c, 7, t) - 1000) < 1e-9);
	assert_true(fabs(clients_used(&c, 7, t + 30 * SECOND) - 500) < 1e-9);
	clients_charge(&c, 7, 100, t + 60 * SECOND);
	assert_true(fabs(clients_used(&c, 7, t + 60 * SECOND) - 350) < 1e-9);
	assert_true(fabs(clients_used(&c, 8, t) - 10) < 1e-9);
	assert_true(clients_used(&c, 9, t) == 0);
}

static void only_so_many_clients_are_remembered(void **state)
{
	static struct clients c;
	int64_t t = 1000 * SECOND;

	(void)state;
	for (uint64_t i = 0; i < 2 * CLIENTS_MAX; i++)
		clients_charge(&c, i, i == 3 ? 1000000 : 10 + i, t);
	assert_int_equal(c.n, CLIENTS_MAX);
	assert_true(clients_used(&c, 3, t) >
		    999999); /* the one that has used most is not forgotten */
	/* Hours later all places are free again. */
	clients_charge(&c, 99999, 5, t + 7200 * SECOND);
	assert_int_equal(c.n, CLIENTS_MAX);
	assert_true(clients_used(&c, 99999, t + 7200 * SECOND) == 5);
}

/* ---- time ----------------------------------------------------------------------------------- */

/* A machine: 40 ms for the weights, 2 ms for a decoded token, 4 ms for one of a prompt. */
static double took(size_t rows, size_t prompt)
{
	return 40e3 + 2e3 * (double)rows + 4e3 * (double)prompt;
}

static void learn(struct step_cost *p, size_t rows, size_t prompt)
{
	step_cost_learn(p, rows, prompt, took(rows, prompt));
}

static void learns_what_a_row_costs(void **state)
{
	struct step_cost p = { 0 };

	(void)state;
	assert_true(step_cost_us(&p, 4) == 0 && step_cost_row_us(&p) == 0);
	learn(&p, 4, 0);
	assert_true(fabs(step_cost_us(&p, 4) - took(4, 0)) < 1);
	for (size_t i = 0; i < 200; i++)
		learn(&p, 1 + i % 12, 0);
	assert_true(fabs(step_cost_row_us(&p) - 2e3) < 200);
	for (size_t rows = 1; rows < 12; rows++)
		assert_true(fabs(step_cost_us(&p, rows) - took(rows, 0)) < 0.03 * took(rows, 0));
}

static void forgets_a_step_that_was_held_up(void **state)
{
	struct step_cost p = { 0 };

	(void)state;
	for (size_t i = 0; i < 50; i++)
		learn(&p, 4, 0);
	step_cost_learn(&p, 4, 0, 100 * took(4, 0)); /* the machine was busy with something else */
	assert_true(step_cost_us(&p, 4) < 1.4 * took(4, 0));
	for (size_t i = 0; i < 50; i++)
		learn(&p, 4, 0);
	assert_true(step_cost_us(&p, 4) < 1.05 * took(4, 0));
}

static void slices_keep_the_gap_once_time_is_known(void **state)
{
	struct step_cost p = { 0 };
	size_t slice, n_none = 0;

	(void)state;
	/* A prompt comes before anything was decoded: then the first streams are measured alone. */
	learn(&p, 0, 256);
	assert_int_equal(step_cost_slice(&p, 4, 2.5), 0);
	learn(&p, 4, 0);
	learn(&p, 4, 0);
	for (int i = 0; i < 300; i++) {
		slice = step_cost_slice(&p, 4, 2.5);
		n_none += slice == 0;
		assert_true(took(4, slice) <= 2.5 * took(4, 0) + 1);
		learn(&p, 4, slice);
	}
	assert_true(took(4, slice) > 2.0 * took(4, 0)); /* and uses what it allows */
	assert_in_range(n_none, 5, 15);                 /* measured again now and then */
}

static void slices_are_small_while_little_is_known(void **state)
{
	struct step_cost p = { 0 };

	(void)state;
	learn(&p, 4, 0);
	learn(&p, 4, 0);
	assert_in_range(step_cost_slice(&p, 4, 2.5), 1, 32);
	assert_int_equal(schedule_budget(&p, 0, 0, 256, 2.5), 256);
	assert_int_equal(schedule_budget(&p, 4, 4, 2, 2.5), 2);
	/* However dear prompts are, they get on. */
	step_cost_learn(&p, 4, 16, 1e9);
	assert_in_range(step_cost_slice(&p, 4, 2.5), 1, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_always_go_and_prompts_share_what_is_left),
		cmocka_unit_test(many_short_prompts_do_not_hold_up_a_long_one_for_ever),
		cmocka_unit_test(of_two_with_equal_claims_the_older_goes_first),
		cmocka_unit_test(what_a_client_has_used_is_halved_every_half_minute),
		cmocka_unit_test(only_so_many_clients_are_remembered),
		cmocka_unit_test(learns_what_a_row_costs),
		cmocka_unit_test(forgets_a_step_that_was_held_up),
		cmocka_unit_test(slices_keep_the_gap_once_time_is_known),
		cmocka_unit_test(slices_are_small_while_little_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
