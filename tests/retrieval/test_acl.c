#include <string.h>

#include "base/util.h"
#include "retrieval/store/acl.h"
#include "retrieval/passages/document_validate.h"
#include "tests/test.h"

static const gid_t staff[] = { 50, 60 };

static const struct ragd_caller root = { .uid = 0, .gid = 0, .admin = true };
static const struct ragd_caller anna = { .uid = 1, .gid = 10 };
static const struct ragd_caller ben = { .uid = 2, .gid = 20, .groups = staff, .n_groups = 2 };

static void judges_as_the_kernel_judges_files(void **state)
{
	static const struct {
		const char *name;
		struct acl acl;
		const struct ragd_caller *caller;
		bool read, write;
	} rows[] = {
		{ "owner of 0600", { 1, 10, 0600 }, &anna, true, true },
		{ "stranger of 0600", { 1, 10, 0600 }, &ben, false, false },
		{ "admin of 0600", { 1, 10, 0600 }, &root, true, true },
		{ "first group of 0640", { 9, 20, 0640 }, &ben, true, false },
		{ "supplementary group of 0660", { 9, 60, 0660 }, &ben, true, true },
		{ "not in the group of 0660", { 9, 61, 0660 }, &ben, false, false },
		{ "others of 0604", { 9, 99, 0604 }, &ben, true, false },
		{ "others of 0602 write, do not read", { 9, 99, 0602 }, &ben, false, true },
		{ "group bits hold for members, not others'", { 9, 60, 0606 }, &ben, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };

		print_message("%s\n", rows[i].name);
		assert_int_equal(acl_may(&rows[i].acl, rows[i].caller, ACL_READ), rows[i].read);
		assert_int_equal(acl_may(&rows[i].acl, rows[i].caller, ACL_WRITE), rows[i].write);
		assert_int_equal(acl_check(&rows[i].acl, "c", rows[i].caller, ACL_WRITE, &err),
				 rows[i].write  ? 0
				 : rows[i].read ? -EACCES
						: -ENOENT);
		assert_true((err.msg[0] != '\0') == !rows[i].write);
	}
}

static void changes_only_what_the_caller_may(void **state)
{
	static const struct {
		const char *name;
		const struct ragd_caller *caller;
		uid_t owner;
		gid_t group;
		uint32_t mode;
		int want;
	} rows[] = {
		{ "owner changes the mode", &ben, (uid_t)-1, (gid_t)-1, 0640, 0 },
		{ "owner gives it to a group of his", &ben, 2, 60, 0660, 0 },
		{ "owner gives it to a group that is not his", &ben, 2, 61, 0660, -EACCES },
		{ "owner gives it away", &ben, 1, (gid_t)-1, 0600, -EACCES },
		{ "admin gives it away", &root, 1, 61, 0600, 0 },
		{ "a stranger changes the mode", &anna, (uid_t)-1, (gid_t)-1, 0666, -EACCES },
		{ "a mode with x bits", &ben, (uid_t)-1, (gid_t)-1, 0755, -EINVAL },
		{ "a mode that locks the owner out", &ben, (uid_t)-1, (gid_t)-1, 0066, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_collection want = { .name = "c",
						.owner = rows[i].owner,
						.group = rows[i].group,
						.mode = rows[i].mode };
		struct acl acl = { 2, 20, 0600 };
		struct ragd_err err = { 0 };

		print_message("%s\n", rows[i].name);
		assert_int_equal(acl_change(rows[i].caller, &want, &acl, &err), rows[i].want);
		assert_true((err.msg[0] != '\0') == (rows[i].want < 0));
		if (rows[i].want < 0)
			assert_int_equal(acl.mode, 0600);
		else
			assert_int_equal(acl.mode, rows[i].mode);
	}
}

static void names_ids_and_tags_are_checked(void **state)
{
	static const struct {
		const char *name;
		int want;
	} names[] = {
		{ "default", 0 },
		{ "0", 0 },
		{ "a.b_c-d", 0 },
		{ "", -EINVAL },
		{ ".hidden", -EINVAL },
		{ "Upper", -EINVAL },
		{ "a/b", -EINVAL },
		{ "a b", -EINVAL },
		{ "m\xc3\xbcnchen", -EINVAL },
	};
	static const struct {
		const char *name;
		struct ragd_str id;
		int want;
	} ids[] = {
		{ "a path", { "docs/a b.md", 11 }, 0 },
		{ "UTF-8", { "m\xc3\xbcnchen", 8 }, 0 },
		{ "empty", { "", 0 }, -EINVAL },
		{ "a newline", { "a\nb", 3 }, -EINVAL },
		{ "a NUL", { "a\0b", 3 }, -EINVAL },
		{ "a C1 control", { "a\xc2\x9b", 3 }, -EINVAL },
		{ "not UTF-8", { "a\xff", 2 }, -EINVAL },
	};
	char long_name[ACL_NAME_MAX + 2], long_id[DOCUMENT_ID_MAX + 1];
	struct ragd_str tags[DOCUMENT_TAGS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		print_message("name '%s'\n", names[i].name);
		assert_int_equal(acl_name_check(names[i].name, NULL), names[i].want);
	}
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		print_message("id: %s\n", ids[i].name);
		assert_int_equal(document_validate_id(ids[i].id, NULL), ids[i].want);
	}
	memset(long_name, 'a', sizeof(long_name));
	long_name[ACL_NAME_MAX + 1] = '\0';
	assert_int_equal(acl_name_check(long_name, NULL), -EINVAL);
	assert_int_equal(acl_name_check(long_name + 1, NULL), 0);
	memset(long_id, 'a', sizeof(long_id));
	assert_int_equal(
		document_validate_id((struct ragd_str){ long_id, DOCUMENT_ID_MAX + 1 }, NULL),
		-EINVAL);
	assert_int_equal(document_validate_id((struct ragd_str){ long_id, DOCUMENT_ID_MAX }, NULL),
			 0);
	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		tags[i] = RAGD_STR("t");
	assert_int_equal(document_validate_tags(tags, DOCUMENT_TAGS_MAX, NULL), 0);
	assert_int_equal(document_validate_tags(tags, DOCUMENT_TAGS_MAX + 1, NULL), -EINVAL);
	tags[0] = RAGD_STR("");
	assert_int_equal(document_validate_tags(tags, 1, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_as_the_kernel_judges_files),
		cmocka_unit_test(changes_only_what_the_caller_may),
		cmocka_unit_test(names_ids_and_tags_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
