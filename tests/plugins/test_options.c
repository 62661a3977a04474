#include "base/util.h"
#include "daemon/modules/option.h"
#include "tests/test.h"

static const struct ragd_option table[] = {
	{ "flag", RAGD_OPT_BOOL, "no", 0, 0, NULL, "h", false },
	{ "threads", RAGD_OPT_INT, "4", 1, 64, NULL, "h", false },
	{ "any", RAGD_OPT_INT, "0", 0, 0, NULL, "h", false },
	{ "part", RAGD_OPT_FLOAT, "0.5", 0, 1, NULL, "h", false },
	{ "cache", RAGD_OPT_SIZE, "64 MiB", 1024, 1 << 30, NULL, "h", false },
	{ "wait", RAGD_OPT_DURATION, "5 s", 0, 0, NULL, "h", false },
	{ "mode", RAGD_OPT_CHOICE, "dark", 0, 0, "light|dark|darker", "h", false },
	{ "text", RAGD_OPT_STRING, NULL, 0, 0, NULL, "h", false },
	{ "words", RAGD_OPT_LIST, NULL, 0, 0, NULL, "h", false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static const struct ragd_option *row(const char *name)
{
	for (size_t i = 0; table[i].name != NULL; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	fail_msg("no row %s", name);
	return NULL;
}

static void reads_values_as_they_are_written(void **state)
{
	static const struct {
		const char *option, *text;
		int64_t want;
	} rows[] = {
		{ "threads", "1", 1 },        { "threads", "64", 64 },
		{ "any", "-7", -7 },          { "cache", "1024", 1024 },
		{ "cache", "2048 B", 2048 },  { "cache", "64 MiB", 64 << 20 },
		{ "cache", "1GiB", 1 << 30 }, { "wait", "250", 250 },
		{ "wait", "250 ms", 250 },    { "wait", "5 s", 5000 },
		{ "wait", "2min", 120000 },   { "wait", "30 d", 30LL * 86400 * 1000 },
	};
	struct ragd_value v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s = %s\n", rows[i].option, rows[i].text);
		assert_int_equal(option_parse(row(rows[i].option), rows[i].text, &v, NULL), 0);
		assert_int_equal(v.i, rows[i].want);
		assert_string_equal(v.name, rows[i].option);
	}
	assert_int_equal(option_parse(row("flag"), "yes", &v, NULL), 0);
	assert_true(v.b);
	assert_int_equal(option_parse(row("flag"), "off", &v, NULL), 0);
	assert_false(v.b);
	assert_int_equal(option_parse(row("part"), "0.25", &v, NULL), 0);
	assert_true(v.f == 0.25);
	assert_int_equal(option_parse(row("mode"), "darker", &v, NULL), 0);
	assert_string_equal(v.s, "darker");
	assert_int_equal(option_parse(row("text"), "", &v, NULL), 0);
	assert_string_equal(v.s, "");
}

static void refuses_other_values_and_says_what_is_allowed(void **state)
{
	static const struct {
		const char *option, *text, *sentence;
	} rows[] = {
		{ "flag", "maybe", "option 'flag': 'maybe' is not yes or no" },
		{ "threads", "0", "option 'threads': '0' is not a whole number from 1 to 64" },
		{ "threads", "65", "is not a whole number from 1 to 64" },
		{ "threads", "4.5", "is not a whole number from 1 to 64" },
		{ "threads", "4 s", "is not a whole number from 1 to 64" },
		{ "threads", "", "'' is not a whole number" },
		{ "any", "99999999999999999999", "is not a whole number" },
		{ "part", "1.01", "is not a number from 0 to 1" },
		{ "part", "nan", "is not a number from 0 to 1" },
		{ "part", "0.5x", "is not a number from 0 to 1" },
		{ "cache", "1", "is not a size from 1 KiB to 1 GiB" },
		{ "cache", "2 GiB", "is not a size from 1 KiB to 1 GiB" },
		{ "cache", "9999999999 GiB", "is not a size from 1 KiB to 1 GiB" },
		{ "cache", "5 parsecs", "is not a size from 1 KiB to 1 GiB" },
		{ "wait", "5 GiB", "is not a duration (ms, s, min, h, d)" },
		{ "mode", "dar", "option 'mode': 'dar' is not one of light|dark|darker" },
		{ "mode", "light|dark", "is not one of" },
		{ "mode", "", "'' is not one of" },
		{ "words", "a", "option 'words' is not a single value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_value v = { .name = "untouched" };
		struct ragd_err err = { 0 };

		assert_int_equal(option_parse(row(rows[i].option), rows[i].text, &v, &err),
				 -EINVAL);
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, rows[i].sentence));
		assert_string_equal(v.name, "untouched");
	}
}

static void holds_numbers_read_elsewhere_against_the_range(void **state)
{
	struct ragd_err err = { 0 };

	(void)state;
	assert_int_equal(option_range(row("threads"), 64, &err), 0);
	assert_int_equal(option_range(row("any"), -1e9, &err), 0);
	assert_int_equal(option_range(row("cache"), 3.0 * (1 << 30), &err), -EINVAL);
	assert_string_equal(err.msg, "option 'cache': '3 GiB' is not a size from 1 KiB to 1 GiB");
}

static void judges_whole_tables(void **state)
{
	struct ragd_err err = { 0 };

	(void)state;
	assert_int_equal(options_validate(NULL, &err), 0);
	assert_int_equal(options_validate(table, &err), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_values_as_they_are_written),
		cmocka_unit_test(refuses_other_values_and_says_what_is_allowed),
		cmocka_unit_test(holds_numbers_read_elsewhere_against_the_range),
		cmocka_unit_test(judges_whole_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
