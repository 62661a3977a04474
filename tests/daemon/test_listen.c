#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/service/listen.h"
#include "tests/temp.h"
#include "tests/test.h"

static int client(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	close(fd);
	return -errno;
}

static struct listen_spec spec_of(const char *path)
{
	return (struct listen_spec){ path, (uid_t)-1, (gid_t)-1, 0600 };
}

static int open_at(const char *path, struct listen_file *file, struct ragd_err *err)
{
	struct listen_spec spec = spec_of(path);
	int rc;

	memset(err, 0, sizeof(*err));
	rc = listen_open(&spec, file, err);
	print_message("%s\n", rc < 0 ? err->msg : "listens");
	assert_int_equal(rc < 0 ? rc : 0, err->code);
	return rc;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void a_socket_has_its_mode_and_answers(void **state)
{
	struct listen_spec spec = spec_of(temp_path("s"));
	struct listen_file file = { 0 };
	struct ragd_err err;
	int fd, c;

	(void)state;
	spec.mode = 0622;
	umask(022);
	fd = listen_open(&spec, &file, &err);
	assert_true(fd >= 0);
	assert_int_equal(mode_of(spec.path), 0622);
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	c = client(spec.path);
	assert_true(c >= 0);
	assert_int_equal(umask(022), 022);
	close(c);
	close(fd);
	listen_unlink(&file);
	assert_int_equal(access(spec.path, F_OK), -1);
	assert_null(file.path);
	listen_unlink(&file);
}

static void a_socket_goes_to_its_owner(void **state)
{
	struct listen_spec spec = spec_of(temp_path("s"));
	struct listen_file file = { 0 };
	struct ragd_err err = { 0 };
	struct stat st;
	int fd;

	(void)state;
	spec.owner = 12345;
	spec.group = 23456;
	fd = listen_open(&spec, &file, &err);
	if (geteuid() != 0) { /* only root gives files away */
		assert_int_equal(fd, -EPERM);
		assert_non_null(strstr(err.msg, "to user 12345, group 23456"));
		assert_int_equal(access(spec.path, F_OK), -1);
		return;
	}
	assert_true(fd >= 0);
	assert_int_equal(stat(spec.path, &st), 0);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(st.st_gid, 23456);
	close(fd);
	listen_unlink(&file);
}

static void a_path_too_long_says_how_long(void **state)
{
	struct listen_file file = { 0 };
	struct ragd_err err;
	char path[109] = "/tmp/";

	(void)state;
	memset(path + 5, 'x', 103);
	assert_int_equal(open_at(path, &file, &err), -ENAMETOOLONG);
	assert_non_null(strstr(err.msg, "has 108 bytes, but a Unix socket's may have at most 107"));
	assert_int_equal(open_at("relative", &file, &err), -EINVAL);
	assert_int_equal(open_at("/tmp/", &file, &err), -EINVAL);
	assert_int_equal(open_at("/nonesuch-dir/s", &file, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "socket '/nonesuch-dir/s': open '/nonesuch-dir/s.lock'"));
}

static void the_longest_path_works(void **state)
{
	struct listen_file file = { 0 };
	struct ragd_err err;
	char path[108];
	size_t len = (size_t)snprintf(path, sizeof(path), "%s/", temp_dir);
	int fd;

	(void)state;
	memset(path + len, 'x', 107 - len);
	path[107] = '\0';
	fd = open_at(path, &file, &err);
	assert_true(fd >= 0);
	close(fd);
	listen_unlink(&file);
}

static void a_stale_socket_is_replaced(void **state)
{
	const char *path = temp_path("s");
	struct listen_file old = { 0 }, file = { 0 };
	struct ragd_err err;
	int fd = open_at(path, &old, &err), c;

	(void)state;
	close(fd); /* as if it had been killed: the file stays and nobody answers */
	assert_int_equal(client(path), -ECONNREFUSED);
	fd = open_at(path, &file, &err);
	assert_true(fd >= 0);
	c = client(path);
	assert_true(c >= 0);
	close(c);
	close(fd);
	listen_unlink(&file);
	free(old.path);
}

static void a_daemon_that_answers_is_left_alone(void **state)
{
	const char *path = temp_path("s");
	struct listen_file file = { 0 }, second = { 0 };
	struct ragd_err err;
	int fd = open_at(path, &file, &err), c;

	(void)state;
	assert_int_equal(open_at(path, &second, &err), -EADDRINUSE);
	assert_non_null(strstr(err.msg, "another daemon answers on"));
	assert_null(second.path);
	c = client(path);
	assert_true(c >= 0);
	close(c);
	close(fd);
	listen_unlink(&file);
}

/* Anybody may open the directory of a socket, and hold a lock on it for as long as they like. */
static void a_lock_on_the_directory_holds_nobody_up(void **state)
{
	int dir = open(temp_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct listen_file file = { 0 };
	struct ragd_err err;
	int fd;

	(void)state;
	assert_true(dir >= 0);
	assert_int_equal(flock(dir, LOCK_EX), 0);
	alarm(200); /* a lock that waits would do so for ever */
	fd = open_at(temp_path("s"), &file, &err);
	alarm(0);
	assert_true(fd >= 0);
	assert_int_equal(access(temp_path("s.lock"), F_OK), -1); /* and none is left behind */
	close(fd);
	close(dir);
	listen_unlink(&file);
}

static void two_that_start_at_once_are_told_apart(void **state)
{
	int other = open(temp_write("s.lock", ""), O_RDWR | O_CLOEXEC);
	struct listen_file file = { 0 };
	struct ragd_err err;
	int fd;

	(void)state;
	assert_int_equal(flock(other, LOCK_EX), 0);
	assert_int_equal(open_at(temp_path("s"), &file, &err), -EADDRINUSE);
	assert_non_null(strstr(err.msg, "another daemon is just opening"));
	close(other); /* as when that one is killed: its file stays, the lock does not */
	fd = open_at(temp_path("s"), &file, &err);
	assert_true(fd >= 0);
	close(fd);
	listen_unlink(&file);
}

static void what_is_no_socket_stays(void **state)
{
	struct listen_file file = { 0 };
	struct ragd_err err;
	char back[16] = "";
	FILE *f;

	(void)state;
	temp_write("f", "precious");
	assert_int_equal(open_at(temp_path("f"), &file, &err), -EEXIST);
	assert_non_null(strstr(err.msg, "is in the way: it is not a socket"));
	f = fopen(temp_path("f"), "r");
	assert_non_null(f);
	assert_non_null(fgets(back, sizeof(back), f));
	fclose(f);
	assert_string_equal(back, "precious");
	assert_int_equal(mkdir(temp_path("d"), 0700), 0);
	assert_int_equal(open_at(temp_path("d"), &file, &err), -EEXIST);
	assert_int_equal(symlink(temp_path("f"), temp_path("l")), 0);
	assert_int_equal(open_at(temp_path("l"), &file, &err), -EEXIST);
}

static void a_socket_of_somebody_else_is_not_removed(void **state)
{
	const char *path = temp_path("s");
	struct listen_file file = { 0 }, other = { 0 };
	struct ragd_err err;
	int fd = open_at(path, &file, &err), fd2;

	(void)state;
	assert_int_equal(rename(path, temp_path("kept")), 0); /* its inode cannot come again */
	fd2 = open_at(path, &other, &err);
	assert_true(fd2 >= 0);
	listen_unlink(&file);
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
	close(fd2);
	listen_unlink(&other);
	assert_int_equal(access(path, F_OK), -1);
}

static void only_listening_unix_streams_are_adopted(void **state)
{
	struct listen_file file = { 0 };
	struct ragd_err err = { 0 };
	int fd = open_at(temp_path("s"), &file, &err);
	int plain = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(listen_adopt(fd, &err), fd);
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_int_equal(listen_adopt(plain, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "is not a listening Unix stream socket"));
	assert_int_equal(listen_adopt(inet, &err), -EINVAL);
	assert_int_equal(listen_adopt(null, &err), -ENOTSOCK);
	assert_int_equal(listen_adopt(1000, &err), -EBADF);
	close(plain);
	close(inet);
	close(null);
	close(fd);
	listen_unlink(&file);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_socket_has_its_mode_and_answers),
		TEST(a_socket_goes_to_its_owner),
		TEST(a_path_too_long_says_how_long),
		TEST(the_longest_path_works),
		TEST(a_stale_socket_is_replaced),
		TEST(a_daemon_that_answers_is_left_alone),
		TEST(a_lock_on_the_directory_holds_nobody_up),
		TEST(two_that_start_at_once_are_told_apart),
		TEST(what_is_no_socket_stays),
		TEST(a_socket_of_somebody_else_is_not_removed),
		TEST(only_listening_unix_streams_are_adopted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
