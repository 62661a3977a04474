#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file/trusted.h"
#include "base/util.h"
#include "tests/temp.h"
#include "tests/test.h"

static void make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, path, strlen(path)), strlen(path));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void make_dir(const char *path, mode_t mode)
{
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int set_up(void **state)
{
	umask(022);
	return temp_setup(state);
}

/* Walk to path; what was found is the file that has its own first name for content. */
static void reaches(const char *path, const char *file)
{
	struct trusted_file f;
	struct ragd_err err = { 0 };
	char text[PATH_MAX] = "";

	if (trusted_walk(path, &f, &err) != 0)
		fail_msg("%s: %s", path, err.msg);
	assert_string_equal(f.path, file);
	assert_true(S_ISREG(f.st.st_mode));
	assert_int_equal(read(f.fd, text, sizeof(text) - 1), strlen(file));
	assert_string_equal(text, file);
	assert_int_equal(fcntl(f.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(f.fd);
}

static void refuses(const char *path, int code, const char *sentence)
{
	struct trusted_file f = { .fd = -1 };
	struct ragd_err err = { 0 };

	assert_int_equal(trusted_walk(path, &f, &err), code);
	print_message("%s\n", err.msg);
	assert_int_equal(err.code, code);
	assert_int_equal(f.fd, -1);
	if (strstr(err.msg, sentence) == NULL)
		fail_msg("'%s' does not say '%s'", err.msg, sentence);
}

static void a_file_is_reached_by_any_way_there(void **state)
{
	char cwd[PATH_MAX];

	(void)state;
	make_dir(temp_path("a"), 0755);
	make_dir(temp_path("a/b"), 0755);
	make_file(temp_path("a/b/f"), 0644);
	reaches(temp_path("a/b/f"), temp_path("a/b/f"));
	reaches(temp_path("a/./b//../b/f"), temp_path("a/b/f"));
	assert_int_equal(symlink("../a/b", temp_path("a/link")), 0);
	reaches(temp_path("a/link/f"), temp_path("a/b/f"));
	reaches(temp_path("a/link/../b/f"), temp_path("a/b/f")); /* above what the link names */
	assert_int_equal(symlink(temp_path("a/link/f"), temp_path("absolute")), 0);
	reaches(temp_path("absolute"), temp_path("a/b/f"));
	assert_int_equal(symlink("../../../../../../../..", temp_path("a/up")), 0);
	assert_int_equal(symlink("a/up", temp_path("root")), 0);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(temp_path("a")), 0);
	reaches("b/f", temp_path("a/b/f"));
	assert_int_equal(chdir(cwd), 0);
	snprintf(cwd, sizeof(cwd), "%s%s", temp_path("root"),
		 temp_path("a/b/f")); /* nothing is above the root */
	reaches(cwd, temp_path("a/b/f"));
}

static void what_is_not_there_or_no_file_is_refused(void **state)
{
	(void)state;
	make_file(temp_path("f"), 0644);
	make_dir(temp_path("d"), 0755);
	assert_int_equal(mkfifo(temp_path("fifo"), 0600), 0);
	assert_int_equal(symlink("circle", temp_path("circle")), 0);
	assert_int_equal(symlink("nowhere", temp_path("dangling")), 0);
	refuses(temp_path("none"), -ENOENT, "No such file");
	refuses(temp_path("none/f"), -ENOENT, "No such file");
	refuses(temp_path("dangling"), -ENOENT, "No such file");
	refuses(temp_path("f/g"), -ENOTDIR, "is not a folder");
	refuses(temp_path("d"), -EINVAL, "is not a regular file");
	refuses(temp_path("d/.."), -EINVAL, "is not a regular file");
	refuses("/", -EINVAL, "/ is not a regular file");
	refuses(temp_path("fifo"), -EINVAL,
		"is not a regular file"); /* and nobody waits for a writer */
	refuses("/dev/null", -EINVAL, "is not a regular file");
	refuses(temp_path("circle"), -ELOOP, "more than 40 symbolic links");
}

static void who_may_write_decides(void **state)
{
	static const struct {
		mode_t mode;
		const char *sentence; /* NULL: trusted */
	} files[] = {
		{ 0600, NULL },
		{ 0444, NULL },
		{ 04755, NULL },
		{ 0646, "may be written by others; chmod o-w it" },
		{ 0602, "may be written by others; chmod o-w it" },
	}, folders[] = {
		{ 0700, NULL },
		{ 0755, NULL },
		{ 0757, "may be written by others; chmod o-w it" },
		{ 01777, "may be written by others; chmod o-w it" }, /* right above the file */
	};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/f%zu", temp_dir, i);
		make_file(path, files[i].mode);
		if (files[i].sentence == NULL)
			reaches(path, path);
		else
			refuses(path, -EACCES, files[i].sentence);
	}
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		snprintf(path, sizeof(path), "%s/d%zu", temp_dir, i);
		make_dir(path, 0700);
		strcat(path, "/f");
		make_file(path, 0644);
		*strrchr(path, '/') = '\0';
		assert_int_equal(chmod(path, folders[i].mode), 0);
		strcat(path, "/f");
		if (folders[i].sentence == NULL)
			reaches(path, path);
		else
			refuses(path, -EACCES, folders[i].sentence);
	}
}

static void every_folder_above_counts(void **state)
{
	char folder[PATH_MAX];

	(void)state;
	make_dir(temp_path("a"), 0755);
	make_dir(temp_path("a/b"), 0755);
	make_file(temp_path("a/b/f"), 0644);
	assert_int_equal(symlink(temp_path("a/b/f"), temp_path("link")), 0);
	assert_int_equal(chmod(temp_path("a"), 0777), 0);
	snprintf(folder, sizeof(folder), "the folder %s may be written by others", temp_path("a"));
	refuses(temp_path("a/b/f"), -EACCES, folder);
	refuses(temp_path("link"), -EACCES, folder);
	assert_int_equal(chmod(temp_path("a"), 01777),
			 0); /* as /temp_dir: what is ours stays where it is */
	reaches(temp_path("a/b/f"), temp_path("a/b/f"));
	reaches(temp_path("link"), temp_path("a/b/f"));
}

static void owners_and_groups_count_everywhere_on_the_way(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("only root can give files away\n");
		skip();
	}
	make_dir(temp_path("a"), 0755);
	make_dir(temp_path("a/b"), 0755);
	make_file(temp_path("a/b/f"), 0644);
	assert_int_equal(symlink("b/f", temp_path("a/link")), 0);

	assert_int_equal(chown(temp_path("a"), 12345, 0), 0);
	refuses(temp_path("a/b/f"), -EACCES, "/a belongs to user 12345; it must belong to root");
	assert_int_equal(chown(temp_path("a"), 0, 12345), 0);
	reaches(temp_path("a/b/f"), temp_path("a/b/f"));
	assert_int_equal(chmod(temp_path("a"), 0775), 0);
	refuses(temp_path("a/b/f"), -EACCES, "/a may be written by a group; chmod g-w it");
	assert_int_equal(chown(temp_path("a"), 0, 0), 0); /* the group is root's */
	reaches(temp_path("a/b/f"), temp_path("a/b/f"));

	reaches(temp_path("a/link"), temp_path("a/b/f"));
	assert_int_equal(lchown(temp_path("a/link"), 12345, 0), 0);
	refuses(temp_path("a/link"), -EACCES, "the link ");
	assert_int_equal(chown(temp_path("a/b/f"), 12345, 0), 0);
	refuses(temp_path("a/b/f"), -EACCES, "/a/b/f belongs to user 12345");
}

/* As useradd makes one for each user; with it comes umask 002. */
static void a_private_group_is_the_users_own(void **state)
{
	const struct passwd *user = getpwnam("daemon");
	const struct group *group = user != NULL ? getgrgid(user->pw_gid) : NULL;

	(void)state;
	if (geteuid() != 0 || group == NULL || strcmp(group->gr_name, user->pw_name) != 0) {
		print_message("not root, or no user daemon with a group of that name\n");
		skip();
	}
	make_file(temp_path("f"), 0664);
	assert_int_equal(chown(temp_path("f"), user->pw_uid, user->pw_gid), 0);
	assert_int_equal(chown(temp_dir, user->pw_uid, user->pw_gid), 0);
	assert_int_equal(chmod(temp_dir, 0775), 0);
	assert_int_equal(seteuid(user->pw_uid), 0);
	reaches(temp_path("f"), temp_path("f"));
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown(temp_path("f"), user->pw_uid, 12345), 0);
	assert_int_equal(seteuid(user->pw_uid), 0);
	refuses(temp_path("f"), -EACCES, "may be written by a group; chmod g-w it");
	assert_int_equal(seteuid(0), 0);
}

static void a_file_is_judged_wherever_it_lies(void **state)
{
	struct ragd_err err = { 0 };
	struct stat st;
	int fd;

	(void)state;
	make_dir(temp_path("open"), 0777);
	make_file(temp_path("open/f"), 0644);
	assert_int_equal(chmod(temp_path("open"), 0777), 0);
	fd = trusted_open(temp_path("open/f"), &st, &err);
	assert_true(fd >= 0);
	assert_true(st.st_size > 0);
	close(fd);
	assert_int_equal(chmod(temp_path("open/f"), 0666), 0);
	assert_int_equal(trusted_open(temp_path("open/f"), NULL, &err), -EACCES);
	assert_non_null(strstr(err.msg, "/open/f may be written by others; chmod o-w it"));
	assert_int_equal(trusted_open(temp_path("open"), NULL, &err), -EINVAL);
	assert_int_equal(trusted_open(temp_path("none"), NULL, &err), -ENOENT);
	assert_int_equal(mkfifo(temp_path("fifo"), 0600), 0);
	assert_int_equal(trusted_open(temp_path("fifo"), NULL, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "is not a regular file"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, temp_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_reached_by_any_way_there),
		TEST(what_is_not_there_or_no_file_is_refused),
		TEST(who_may_write_decides),
		TEST(every_folder_above_counts),
		TEST(owners_and_groups_count_everywhere_on_the_way),
		TEST(a_private_group_is_the_users_own),
		TEST(a_file_is_judged_wherever_it_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
