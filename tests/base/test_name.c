/* The two rules for names. */
#include <string.h>

#include "base/name.h"
#include "base/util.h"
#include "tests/test.h"

#define LONG64 "a23456789012345678901234567890123456789012345678901234567890abcd"

static void names_hold_to_their_rule(void **state)
{
	static const struct {
		const char *name;
		bool identifier, collection;
	} rows[] = {
		{ "a", true, true },          { "max_tokens", true, true },
		{ "n2", true, true },         { "2n", false, true },
		{ "_x", false, false },       { "-x", false, false },
		{ ".x", false, false },       { "a-b.c_d", false, true },
		{ "Upper", false, false },    { "a b", false, false },
		{ "a/b", false, false },      { "caf\xc3\xa9", false, false },
		{ "", false, false },         { LONG64, true, true },
		{ LONG64 "x", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = strlen(rows[i].name);

		print_message("'%s'\n", rows[i].name);
		assert_int_equal(name_is_identifier(rows[i].name, len), rows[i].identifier);
		assert_int_equal(name_is_collection(rows[i].name, len), rows[i].collection);
	}
}

static void a_nul_inside_is_no_part_of_a_name(void **state)
{
	(void)state;
	assert_false(name_is_identifier("a\0b", 3));
	assert_false(name_is_collection("a\0b", 3));
	assert_true(name_is_collection("ab/c", 2)); /* no further than its length */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_hold_to_their_rule),
		cmocka_unit_test(a_nul_inside_is_no_part_of_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
