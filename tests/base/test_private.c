#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file/private.h"
#include "base/util.h"
#include "tests/temp.h"
#include "tests/test.h"

static void make_file(const char *name, mode_t mode)
{
	int fd = open(temp_path(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void make_dir(const char *name, mode_t mode)
{
	assert_int_equal(mkdir(temp_path(name), 0700), 0);
	assert_int_equal(chmod(temp_path(name), mode), 0);
}

static int set_up(void **state)
{
	umask(0);
	return temp_setup(state);
}

static void refuses(const char *name, int code, const char *sentence)
{
	struct ragd_err err = { 0 };

	assert_int_equal(private_open(temp_path(name), O_RDWR, &err), code);
	print_message("%s\n", err.msg);
	assert_int_equal(err.code, code);
	if (strstr(err.msg, sentence) == NULL)
		fail_msg("'%s' does not say '%s'", err.msg, sentence);
}

static void a_file_is_private_new_or_old(void **state)
{
	int fd;

	(void)state;
	fd = private_open(temp_path("new"), O_RDWR, NULL);
	assert_true(fd >= 0);
	assert_int_equal(temp_mode("new"), 0600);
	assert_int_equal(write(fd, "text", 4), 4);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	make_file("old", 0664);
	fd = private_open(temp_path("old"), O_RDONLY, NULL);
	assert_true(fd >= 0);
	assert_int_equal(temp_mode("old"), 0600);
	close(fd);
}

static void what_is_not_ours_to_use_is_refused(void **state)
{
	(void)state;
	make_file("f", 0600);
	make_dir("d", 0700);
	assert_int_equal(symlink("f", temp_path("link")), 0);
	assert_int_equal(mkfifo(temp_path("fifo"), 0600), 0);
	refuses("link", -ELOOP, "open '");
	refuses("d", -EISDIR, "open '");
	refuses("fifo", -EINVAL, "is not a regular file");
	refuses("none/f", -ENOENT, "open '");
	if (geteuid() == 0) {
		assert_int_equal(chown(temp_path("f"), 12345, 0), 0);
		refuses("f", -EPERM, "belongs to user 12345, but the daemon runs as 0");
	}
}

static void a_tree_is_tightened_as_far_as_it_is_ours(void **state)
{
	struct ragd_err err = { 0 };

	(void)state;
	make_dir("outside", 0755);
	make_file("outside/f", 0644);
	make_dir("t", 0755);
	make_file("t/f", 0644);
	make_file("t/private", 0600);
	make_dir("t/sub", 0750);
	make_file("t/sub/script", 0777);
	assert_int_equal(symlink("../outside", temp_path("t/link")), 0);
	assert_int_equal(private_tighten(AT_FDCWD, temp_path("t"), temp_path("t"), &err), 4);
	assert_int_equal(temp_mode("t"), 0700);
	assert_int_equal(temp_mode("t/f"), 0600);
	assert_int_equal(temp_mode("t/sub"), 0700);
	assert_int_equal(temp_mode("t/sub/script"), 0700);
	assert_int_equal(temp_mode("outside"), 0755); /* links are not followed */
	assert_int_equal(temp_mode("outside/f"), 0644);
	assert_int_equal(private_tighten(AT_FDCWD, temp_path("t"), temp_path("t"), &err), 0);
	assert_int_equal(private_tighten(AT_FDCWD, temp_path("none"), "none", &err), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(temp_path("t/sub/script"), 12345, 0), 0);
		assert_int_equal(private_tighten(AT_FDCWD, temp_path("t"), temp_path("t"), &err),
				 -EPERM);
		assert_non_null(strstr(err.msg, "t/sub/script' belongs to user 12345"));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, temp_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_private_new_or_old),
		TEST(what_is_not_ours_to_use_is_refused),
		TEST(a_tree_is_tightened_as_far_as_it_is_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
