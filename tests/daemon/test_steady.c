#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "daemon/records/steady.h"
#include "tests/test.h"

#define HOUR INT64_C(3600)
#define DAY  (24 * HOUR)
#define WALL INT64_C(1800000000)

/* Begin at WALL, ten hours after boot "a"; then look once more and say how far the clock came. */
static void it_advances_with_what_passed(void **state)
{
	static const struct {
		const char *name;
		bool restart;
		struct steady_now then; /* wall_s and boot_ms/1000: since the beginning */
		int64_t want_s;
	} rows[] = {
		{ "time passes", false, { 5 * DAY, 5 * DAY, "a" }, 5 * DAY },
		{ "the clock is set ahead", false, { 35 * DAY, 5 * DAY, "a" }, 5 * DAY },
		{ "the clock is set back", false, { -30 * DAY, 5 * DAY, "a" }, 5 * DAY },
		{ "stopped for a while", true, { 5 * DAY, 5 * DAY, "a" }, 5 * DAY },
		{ "set ahead while stopped", true, { 35 * DAY, 5 * DAY, "a" }, 5 * DAY },
		{ "set back while stopped", true, { -30 * DAY, 5 * DAY, "a" }, 5 * DAY },
		{ "switched off for five days, back for two hours",
		  true,
		  { 5 * DAY, -8 * HOUR, "b" },
		  5 * DAY },
		{ "switched off, just back: not known yet",
		  true,
		  { 5 * DAY, -10 * HOUR + 60, "b" },
		  60 },
		{ "the battery died", true, { -WALL, -10 * HOUR + 60, "b" }, 60 },
		{ "the battery died and nobody set the clock",
		  true,
		  { -WALL, -8 * HOUR, "b" },
		  2 * HOUR },
		{ "no boot can be told from another", true, { 5 * DAY, 5 * DAY, "" }, 5 * DAY },
		{ "the same boot, its time begun anew (a container moved)",
		  true,
		  { 5 * DAY, -8 * HOUR, "a" },
		  5 * DAY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct steady_now now = { WALL, 10 * HOUR * 1000, "a" };
		struct steady s;

		print_message("%s\n", rows[i].name);
		steady_init(&s, &now);
		assert_int_equal(steady_s(&s, &now), WALL);
		now.wall_s += rows[i].then.wall_s;
		now.boot_ms += rows[i].then.boot_ms * 1000;
		memcpy(now.boot_id, rows[i].then.boot_id, sizeof(now.boot_id));
		if (rows[i].restart)
			steady_resume(&s, &now);
		assert_int_equal(steady_s(&s, &now) - WALL, rows[i].want_s);
	}
}

static void time_off_is_made_up_for_once_the_clock_is_set(void **state)
{
	struct steady_now now = { WALL, 10 * HOUR * 1000, "a" };
	struct steady s;

	(void)state;
	steady_init(&s, &now);
	print_message("off for five days, then a clock 60 days ahead\n");
	now = (struct steady_now){ WALL + 65 * DAY, 60 * 1000, "b" };
	steady_resume(&s, &now);
	assert_int_equal(steady_s(&s, &now), WALL + 60);
	print_message("the daemon restarts, NTP sets the clock\n");
	now = (struct steady_now){ WALL + 5 * DAY + 1800, 1800 * 1000, "b" };
	steady_resume(&s, &now);
	assert_int_equal(steady_s(&s, &now), WALL + 1800);
	now.wall_s += HOUR;
	now.boot_ms += HOUR * 1000;
	assert_int_equal(steady_s(&s, &now), WALL + 5 * DAY + 1800 + HOUR);
}

static void fractions_of_a_second_add_up(void **state)
{
	struct steady_now now = { WALL, 0, "a" };
	struct steady s;

	(void)state;
	steady_init(&s, &now);
	for (int i = 0; i < 1000; i++) {
		now.boot_ms += 300;
		steady_s(&s, &now);
	}
	assert_int_equal(steady_s(&s, &now), WALL + 300);
}

static void the_system_tells_time_and_boot(void **state)
{
	struct steady_now now;

	(void)state;
	steady_read(&now);
	assert_true(now.wall_s > WALL - 10 * 365 * DAY);
	assert_true(now.boot_ms > 0);
	assert_int_equal(strlen(now.boot_id), 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_advances_with_what_passed),
		cmocka_unit_test(time_off_is_made_up_for_once_the_clock_is_set),
		cmocka_unit_test(fractions_of_a_second_add_up),
		cmocka_unit_test(the_system_tells_time_and_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
