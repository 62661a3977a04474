#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/util.h"
#include "daemon/service/notify.h"
#include "tests/temp.h"
#include "tests/test.h"

/* What a service manager listens on; name begins with '/' or '@'. */
static int manager(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(at.sun_path, name, strlen(name));
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static const char *heard(int fd)
{
	static char text[512];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static int init(struct ragd_err *err)
{
	memset(err, 0, sizeof(*err));
	return notify_init(err);
}

static void without_a_manager_nothing_happens(void **state)
{
	struct ragd_err err;

	(void)state;
	assert_int_equal(init(&err), 0);
	assert_int_equal(notify_send("READY=1"), 0);
	notify_reloading();
	assert_int_equal(notify_n_fds(), 0);
	assert_int_equal(notify_watchdog_ms(), 0);
}

static void messages_arrive(void **state)
{
	char abstract[64];
	const char *names[2] = { temp_path("notify"), abstract };

	(void)state;
	snprintf(abstract, sizeof(abstract), "@ragd-test-%ld", (long)getpid());
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int fd = manager(names[i]);
		long long before = clock_us(), us;
		struct ragd_err err;

		assert_int_equal(init(&err), 0);
		assert_null(getenv("NOTIFY_SOCKET")); /* no child may speak for us */
		assert_int_equal(notify_send("READY=1\nSTATUS=%s", "serving"), 0);
		assert_string_equal(heard(fd), "READY=1\nSTATUS=serving");
		notify_reloading();
		assert_int_equal(sscanf(heard(fd), "RELOADING=1\nMONOTONIC_USEC=%lld\n", &us), 1);
		assert_true(us >= before && us <= clock_us());
		notify_extend(1500);
		assert_string_equal(heard(fd), "EXTEND_TIMEOUT_USEC=1500000");
		close(fd);
		assert_true(notify_send("READY=1") < 0);
	}
}

static void an_environment_that_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *name, *value, *want;
	} rows[] = {
		{ "NOTIFY_SOCKET", "relative", "NOTIFY_SOCKET is 'relative'" },
		{ "NOTIFY_SOCKET", "/", "NOTIFY_SOCKET" },
		{ "LISTEN_FDS", "many", "LISTEN_FDS is 'many', not a number from 1 to 8" },
		{ "LISTEN_FDS", "0", "LISTEN_FDS is '0'" },
		{ "LISTEN_FDS", "9", "LISTEN_FDS is '9'" },
		{ "LISTEN_FDS", "8", "LISTEN_FDS is 8 but descriptor" },
		{ "WATCHDOG_USEC", "-1", "WATCHDOG_USEC is '-1'" },
		{ "WATCHDOG_USEC", "1s", "WATCHDOG_USEC is '1s'" },
		{ "LISTEN_PID", "me", "LISTEN_PID is 'me'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err;
		char pid[16];

		snprintf(pid, sizeof(pid), "%ld", (long)getpid());
		setenv("LISTEN_PID", pid, 1);
		if (strcmp(rows[i].name, "LISTEN_PID") == 0)
			setenv("LISTEN_FDS", "1", 1);
		setenv(rows[i].name, rows[i].value, 1);
		assert_true(init(&err) < 0);
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, rows[i].want));
		assert_null(getenv(rows[i].name));
	}
}

static void a_watchdog_for_us_is_kept(void **state)
{
	struct ragd_err err;
	char pid[16];

	(void)state;
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(init(&err), 0);
	assert_int_equal(notify_watchdog_ms(), 30000);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(init(&err), 0);
	assert_int_equal(notify_watchdog_ms(), 0);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("WATCHDOG_USEC", "2000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(init(&err), 0);
	assert_int_equal(notify_watchdog_ms(), 2000);
}

/* In a child, whose descriptors 3 and 4 are ours to use. */
static void check_fds(void)
{
	struct ragd_err err;
	char pid[16];

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	dup2(STDERR_FILENO, 3);
	dup2(STDERR_FILENO, 4);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "a:b", 1);
	setenv("LISTEN_PID", "1", 1);
	if (init(&err) != 0 || notify_n_fds() != 0) /* somebody else's */
		_exit(1);
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_PID", pid, 1);
	if (init(&err) != 0 || notify_n_fds() != 2)
		_exit(2);
	if ((fcntl(3, F_GETFD) & FD_CLOEXEC) == 0 || (fcntl(4, F_GETFD) & FD_CLOEXEC) == 0)
		_exit(3);
	if (getenv("LISTEN_FDS") != NULL || getenv("LISTEN_PID") != NULL ||
	    getenv("LISTEN_FDNAMES") != NULL)
		_exit(4);
	_exit(0);
}

static void inherited_descriptors_are_counted_once(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0)
		check_fds();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_manager_nothing_happens),
		cmocka_unit_test_setup_teardown(messages_arrive, temp_setup, temp_teardown),
		cmocka_unit_test(an_environment_that_makes_no_sense_is_refused),
		cmocka_unit_test(a_watchdog_for_us_is_kept),
		cmocka_unit_test(inherited_descriptors_are_counted_once),
	};

	unsetenv("NOTIFY_SOCKET");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
