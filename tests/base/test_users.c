/* Users and groups by name and number. */
#include <errno.h>
#include <stdlib.h>

#include "base/users.h"
#include "base/util.h"
#include "tests/test.h"

static void digits_alone_are_the_number(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uid_t id;
	} rows[] = {
		{ "0", 0, 0 },
		{ "12", 0, 12 },
		{ "4294967294", 0, 4294967294u },
		{ "4294967295", -ENOENT, 0 },
		{ "99999999999999999999", -ENOENT, 0 },
		{ " 12", -ENOENT, 0 },
		{ "+12", -ENOENT, 0 },
		{ "-1", -ENOENT, 0 },
		{ "12 ", -ENOENT, 0 },
		{ "12x", -ENOENT, 0 },
		{ "", -ENOENT, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uid_t uid = 77;
		gid_t gid = 77;

		print_message("'%s'\n", rows[i].text);
		assert_int_equal(users_uid(rows[i].text, &uid), rows[i].rc);
		assert_int_equal(users_gid(rows[i].text, &gid), rows[i].rc);
		assert_int_equal(uid, rows[i].rc == 0 ? rows[i].id : 77);
		assert_int_equal(gid, rows[i].rc == 0 ? rows[i].id : 77);
	}
}

/* From one byte on, as a group with thousands of members needs more than any first guess. */
static void entries_may_be_longer_than_the_first_room(void **state)
{
	static const size_t rooms[] = { 1, 64, 1024 };
	uid_t uid = 77;
	gid_t gid = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		char *user, *group, *home;

		users_first_room = rooms[i];
		assert_int_equal(users_uid("root", &uid), 0);
		assert_int_equal(uid, 0);
		assert_int_equal(users_gid("root", &gid), 0);
		assert_int_equal(gid, 0);
		user = users_user_name(0);
		group = users_group_name(0);
		home = users_home(0);
		assert_string_equal(user, "root");
		assert_string_equal(group, "root");
		assert_int_equal(home[0], '/');
		free(user);
		free(group);
		free(home);
	}
}

static void what_the_system_does_not_know_is_not_there(void **state)
{
	uid_t uid;
	gid_t gid;

	(void)state;
	assert_int_equal(users_uid("no-such-user-here", &uid), -ENOENT);
	assert_int_equal(users_gid("no-such-group-here", &gid), -ENOENT);
	assert_null(users_user_name(4294967294u));
	assert_null(users_group_name(4294967294u));
	assert_null(users_home(4294967294u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_alone_are_the_number),
		cmocka_unit_test(entries_may_be_longer_than_the_first_room),
		cmocka_unit_test(what_the_system_does_not_know_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
