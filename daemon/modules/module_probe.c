#include "daemon/modules/module_private.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

#define PROBE_ARG "--probe-plugin"
#define PROBE_FD  3 /* where the child writes its struct ragd_err; code 0: loaded */
#define MODULE_FD 4 /* the module, as it was checked */

int module_probe_timeout_ms = 10000;

/* How a module may end the process that loads it. */
static const struct {
	int sig;
	const char *text;
} guarded[] = {
	{ SIGSEGV, ": crashed while loading (signal 11, segmentation fault)\n" },
	{ SIGBUS, ": crashed while loading (signal 7, bus error)\n" },
	{ SIGILL, ": crashed while loading (signal 4, illegal instruction)\n" },
	{ SIGFPE, ": crashed while loading (signal 8, arithmetic error)\n" },
	{ SIGABRT, ": crashed while loading (signal 6, aborted)\n" },
	{ SIGSYS, ": crashed while loading (signal 31, bad system call)\n" },
	{ SIGALRM, ": did not finish loading in time\n" },
};

/* ---- the child ----------------------------------------------------------------------------- */

/*
 * Runs before main() in every program that can probe, so that none can forget it: a child that
 * did not see what it is would run the program again, and that would probe again. glibc hands
 * constructors what it hands main().
 */
__attribute__((constructor)) static void probe_child(int argc, char **argv)
{
	const struct rlimit no_core = { 0, 0 };
	struct module_descriptor descriptor;
	struct ragd_err err = { 0 };
	bool mapped;

	if (argc != 4 || strcmp(argv[1], PROBE_ARG) != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	for (size_t i = 0; i < ARRAY_LEN(guarded); i++)
		signal(guarded[i].sig, SIG_DFL); /* sanitizers would make an exit of a crash */
	module_open(MODULE_FD, argv[2], argv[3], &descriptor, &mapped, &err);
	if (write(PROBE_FD, &err, sizeof(err)) != (ssize_t)sizeof(err))
		_exit(1);
	_exit(0); /* not exit(): what a module does at exit is no question of loading */
}

/* ---- the parent ---------------------------------------------------------------------------- */

/*
 * The daemon's own binary, so that a module meets the libraries that it will meet here. By name
 * where the file still has one, since the link is Valgrind's own binary under Valgrind.
 */
static const char *probe_program(char *buf, size_t size)
{
	static const char self[] = "/proc/self/exe";
	ssize_t len = readlink(self, buf, size - 1);

	if (len < 0)
		return self;
	buf[len] = '\0';
	return access(buf, X_OK) == 0 ? buf : self; /* "… (deleted)" after an upgrade */
}

/* module_fd is above MODULE_FD, or the verdict's number could be its own. */
static int probe_spawn(const char *path, const char *name, int verdict_fd, int module_fd,
		       pid_t *pid, struct ragd_err *err)
{
	char program[PATH_MAX];
	char *argv[] = { (char *)probe_program(program, sizeof(program)), (char *)PROBE_ARG,
			 (char *)path, (char *)name, NULL };
	posix_spawn_file_actions_t fa;
	int rc;

	rc = posix_spawn_file_actions_init(&fa);
	if (rc != 0)
		return ragd_err_set(err, -rc, "module '%s': probe: %s", name, strerror(rc));
	rc = posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(&fa, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&fa, verdict_fd, PROBE_FD);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&fa, module_fd, MODULE_FD);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(&fa, MODULE_FD + 1);
	if (rc == 0)
		rc = posix_spawn(pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (rc != 0)
		return ragd_err_set(err, -rc, "module '%s': start a process to try it: %s", name,
				    strerror(rc));
	return 0;
}

/*
 * The child's verdict, or false when the pipe ends without one. Its end, not the child's, ends the
 * wait: a process that the module forked cannot keep us here for longer than the deadline either.
 */
static bool probe_read(int fd, struct ragd_err *verdict, bool *timed_out)
{
	int64_t deadline_ms = clock_ms() + module_probe_timeout_ms;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t have = 0;
	ssize_t n;
	int rc;

	while (have < sizeof(*verdict)) {
		rc = poll(&p, 1, (int)MAX(deadline_ms - clock_ms(), (int64_t)0));
		if (rc == 0) {
			*timed_out = true;
			return false;
		}
		n = rc < 0 ? -1 : read(fd, (char *)verdict + have, sizeof(*verdict) - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	verdict->msg[sizeof(verdict->msg) - 1] = '\0';
	return true;
}

int module_probe(int fd, const char *path, const char *name, struct ragd_err *err)
{
	int module_fd = fcntl(fd, F_DUPFD_CLOEXEC, MODULE_FD + 1);
	struct ragd_err verdict = { 0 };
	bool timed_out = false, told;
	int fds[2], status = 0, rc;
	pid_t pid = -1;

	if (module_fd < 0)
		return ragd_err_sys(err, "module '%s': probe", name);
	if (pipe2(fds, O_CLOEXEC) < 0) {
		rc = ragd_err_sys(err, "module '%s': probe", name);
		close(module_fd);
		return rc;
	}
	rc = probe_spawn(path, name, fds[1], module_fd, &pid, err);
	close(fds[1]);
	close(module_fd);
	if (rc < 0) {
		close(fds[0]);
		return rc;
	}
	told = probe_read(fds[0], &verdict, &timed_out);
	close(fds[0]);
	if (timed_out)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (timed_out)
		return ragd_err_set(err, -ETIMEDOUT,
				    "module '%s': did not finish loading within %d ms (%s)", name,
				    module_probe_timeout_ms, path);
	if (WIFSIGNALED(status))
		return ragd_err_set(err, -EFAULT,
				    "module '%s': crashed while loading (signal %d, %s; %s)", name,
				    WTERMSIG(status), strsignal(WTERMSIG(status)), path);
	if (!told)
		return ragd_err_set(err, -EFAULT,
				    "module '%s': ended the process while loading (status %d; %s)",
				    name, WEXITSTATUS(status), path);
	if (verdict.code < 0)
		return ragd_err_set(err, verdict.code, "%s", verdict.msg);
	return 0;
}

/* ---- the guard ----------------------------------------------------------------------------- */

static struct {
	struct sigaction saved[ARRAY_LEN(guarded)];
	char who[512]; /* the beginning of the line, written in advance */
} guard;

static void guard_write(const char *s)
{
	ssize_t n = write(STDERR_FILENO, s, strlen(s));

	(void)n; /* nothing left to do about it */
}

/* Only what is safe in a signal handler: write and _exit. */
static void guard_cb(int sig)
{
	guard_write(guard.who);
	for (size_t i = 0; i < ARRAY_LEN(guarded); i++)
		if (guarded[i].sig == sig)
			guard_write(guarded[i].text);
	_exit(1);
}

void module_guard_begin(const char *path, const char *name)
{
	struct sigaction sa = { .sa_handler = guard_cb };

	snprintf(guard.who, sizeof(guard.who), "ragd: module '%s' (%s)", name, path);
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(guarded); i++)
		sigaction(guarded[i].sig, &sa, &guard.saved[i]);
	alarm((unsigned)module_probe_timeout_ms / 1000);
}

void module_guard_end(void)
{
	alarm(0);
	for (size_t i = 0; i < ARRAY_LEN(guarded); i++)
		sigaction(guarded[i].sig, &guard.saved[i], NULL);
}
