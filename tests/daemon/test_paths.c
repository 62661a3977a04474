#include <fcntl.h>
#include <sys/wait.h>

#include "base/util.h"
#include "daemon/config/paths.h"
#include "daemon/service/cli.h"
#include "tests/temp.h"
#include "tests/test.h"

static struct arena *arena;

static int make(const char *path, bool private_, struct ragd_err *err)
{
	int rc;

	memset(err, 0, sizeof(*err));
	rc = paths_make_dir(path, 0700, private_, err);
	print_message("%s\n", rc < 0 ? err->msg : "made");
	return rc;
}

static void each_scope_has_its_places(void **state)
{
	struct ragd_err err = { 0 };
	char want[64];

	(void)state;
	assert_string_equal(paths_config(CONFIG_SYSTEM, arena, &err), "/etc/ragd/ragd.conf");
	assert_string_equal(paths_socket(CONFIG_SYSTEM, arena, &err), "/run/ragd/ragd.sock");
	assert_string_equal(paths_state_dir(CONFIG_SYSTEM, arena, &err), "/var/lib/ragd");
	setenv("HOME", "/h", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	setenv("XDG_STATE_HOME", "relative, so not to be used", 1);
	assert_string_equal(paths_config(CONFIG_USER, arena, &err), "/h/.config/ragd/ragd.conf");
	assert_string_equal(paths_state_dir(CONFIG_USER, arena, &err), "/h/.local/state/ragd");
	snprintf(want, sizeof(want), "/tmp/ragd-%u/ragd.sock", (unsigned)geteuid());
	assert_string_equal(paths_socket(CONFIG_USER, arena, &err), want);
	setenv("XDG_CONFIG_HOME", "/c", 1);
	setenv("XDG_STATE_HOME", "/s", 1);
	setenv("XDG_RUNTIME_DIR", "/r", 1);
	assert_string_equal(paths_config(CONFIG_USER, arena, &err), "/c/ragd/ragd.conf");
	assert_string_equal(paths_state_dir(CONFIG_USER, arena, &err), "/s/ragd");
	assert_string_equal(paths_socket(CONFIG_USER, arena, &err), "/r/ragd/ragd.sock");
}

static void directories_are_made_with_their_parents(void **state)
{
	struct ragd_err err;
	struct stat st;

	(void)state;
	umask(077); /* the daemon's own */
	assert_int_equal(make(temp_path("a/b/c"), true, &err), 0);
	assert_int_equal(stat(temp_path("a/b/c"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(temp_path("a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(make(temp_path("a/b/c"), true, &err), 0);
}

static void directories_of_others_are_refused(void **state)
{
	struct ragd_err err;

	(void)state;
	temp_write("f", "x");
	assert_int_equal(make(temp_path("f"), false, &err), -ENOTDIR);
	assert_non_null(strstr(err.msg, "is in the way: it is not a directory"));
	assert_int_equal(make(temp_path("f/g"), false, &err), -ENOTDIR);
	assert_int_equal(make("relative", false, &err), -EINVAL);
	assert_int_equal(mkdir(temp_path("open"), 0700), 0);
	assert_int_equal(chmod(temp_path("open"), 0777), 0);
	assert_int_equal(make(temp_path("open"), true, &err), -EPERM);
	assert_non_null(strstr(err.msg, "may be written by others (mode 0777)"));
	assert_int_equal(make(temp_path("open"), false, &err), 0);
	if (geteuid() == 0) {
		assert_int_equal(mkdir(temp_path("theirs"), 0700), 0);
		assert_int_equal(chown(temp_path("theirs"), 12345, 12345), 0);
		assert_int_equal(make(temp_path("theirs"), true, &err), -EPERM);
		assert_non_null(strstr(err.msg, "belongs to user 12345"));
		/* A link that somebody else made could lead anywhere. */
		assert_int_equal(mkdir(temp_path("ours"), 0700), 0);
		assert_int_equal(symlink(temp_path("ours"), temp_path("link")), 0);
		assert_int_equal(make(temp_path("link"), true, &err), 0);
		assert_int_equal(lchown(temp_path("link"), 12345, 12345), 0);
		assert_int_equal(make(temp_path("link"), true, &err), -EPERM);
		assert_non_null(strstr(err.msg, "is a link that belongs to user 12345"));
	}
}

static void what_others_could_read_is_tightened(void **state)
{
	struct ragd_err err;
	int lock;

	(void)state;
	umask(022);
	lock = paths_lock(temp_dir, &err);
	assert_true(lock >= 0);
	assert_int_equal(chmod(temp_dir, 0755), 0);
	temp_write("journal.db", "");
	temp_write("journal.db-wal", "");
	temp_write("of-somebody", "who keeps more than ragd there");
	assert_int_equal(mkdir(temp_path("plugins"), 0755), 0);
	assert_int_equal(mkdir(temp_path("plugins/hybrid"), 0755), 0);
	temp_write("plugins/hybrid/vectors-1.faiss", "");
	assert_int_equal(paths_tighten(temp_dir, lock, &err), 6);
	assert_int_equal(temp_mode("."), 0700);
	assert_int_equal(temp_mode("journal.db"), 0600);
	assert_int_equal(temp_mode("journal.db-wal"), 0600);
	assert_int_equal(temp_mode("plugins"), 0700);
	assert_int_equal(temp_mode("plugins/hybrid"), 0700);
	assert_int_equal(temp_mode("plugins/hybrid/vectors-1.faiss"), 0600);
	assert_int_equal(temp_mode("of-somebody"), 0644);
	assert_int_equal(paths_tighten(temp_dir, lock, &err), 0);
	assert_int_equal(paths_tighten(temp_path("none"), lock, &err), -ENOENT);
	/* Another in its place stays as it is. */
	assert_int_equal(mkdir(temp_path("other"), 0755), 0);
	close(paths_lock(temp_path("other"), &err));
	assert_int_equal(paths_tighten(temp_path("other"), lock, &err), -EPERM);
	assert_non_null(strstr(err.msg, "was replaced while it was being opened"));
	assert_int_equal(temp_mode("other"), 0755);
	if (geteuid() == 0) {
		assert_int_equal(chown(temp_path("journal.db"), 12345, 12345), 0);
		assert_int_equal(paths_tighten(temp_dir, lock, &err), -EPERM);
		assert_non_null(strstr(err.msg, "journal.db' belongs to user 12345"));
	}
	close(lock);
}

static void a_state_directory_is_one_daemons(void **state)
{
	struct ragd_err err = { 0 };
	char want[64];
	int fd, status;
	pid_t child;

	(void)state;
	fd = paths_lock(temp_dir, &err);
	assert_true(fd >= 0);
	child = fork();
	if (child == 0) {
		close(fd); /* a lock of the open file, which the child shares */
		_exit(paths_lock(temp_dir, &err) == -EBUSY && strstr(err.msg, "process") ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(paths_lock(temp_dir, &err), -EBUSY);
	snprintf(want, sizeof(want), "in use by another ragd, process %ld", (long)getpid());
	assert_non_null(strstr(err.msg, want));
	close(fd);
	fd = paths_lock(temp_dir, &err);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(temp_path("lock")), 0);
	assert_int_equal(symlink("/dev/null", temp_path("lock")), 0);
	assert_int_equal(paths_lock(temp_dir, &err), -ELOOP);
	assert_int_equal(paths_lock(temp_path("none"), &err), -ENOENT);
}

/* ---- the command line ---------------------------------------------------------------------- */

static int parse(struct cli *cli, struct ragd_err *err, char **argv)
{
	int argc = 0;

	memset(err, 0, sizeof(*err));
	while (argv[argc] != NULL)
		argc++;
	return cli_parse(argc, argv, arena, cli, err);
}

#define ARGV(...) ((char *[]){ (char *)"ragd", __VA_ARGS__, NULL })
#define S(s)      ((char *)(s))

static void a_command_line_becomes_a_source(void **state)
{
	struct ragd_err err;
	struct cli cli;
	char cwd[256];

	(void)state;
	assert_int_equal(chdir(temp_dir), 0);
	assert_non_null(getcwd(cwd, sizeof(cwd) - 8));
	assert_int_equal(parse(&cli, &err,
			       ARGV(S("--user"), S("-c"), S("x.conf"), S("--socket"), S("/s"),
				    S("--state-dir=/d"), S("--plugin-dir"), S("/p"),
				    S("--data-dir"), S("/a"), S("-t"))),
			 0);
	assert_int_equal(cli.action, CLI_CHECK);
	assert_int_equal(cli.source.scope, CONFIG_USER);
	strcat(cwd, "/x.conf");
	assert_string_equal(cli.source.path, cwd);
	assert_string_equal(cli.source.socket, "/s");
	assert_string_equal(cli.source.state_dir, "/d");
	assert_string_equal(cli.source.plugin_dir, "/p");
	assert_string_equal(cli.source.data_dir, "/a");
	assert_int_equal(parse(&cli, &err, (char *[]){ S("ragd"), NULL }), 0);
	assert_int_equal(cli.action, CLI_RUN);
	assert_int_equal(cli.source.scope, CONFIG_SYSTEM);
	assert_null(cli.source.path);
	assert_int_equal(parse(&cli, &err, ARGV(S("--version"))), 0);
	assert_int_equal(cli.action, CLI_VERSION);
	assert_int_equal(parse(&cli, &err, ARGV(S("-h"))), 0);
	assert_int_equal(cli.action, CLI_HELP);
	assert_int_equal(parse(&cli, &err, ARGV(S("--print-defaults"))), 0);
	assert_int_equal(cli.action, CLI_PRINT_DEFAULTS);
}

static void a_wrong_command_line_is_refused(void **state)
{
	static const struct {
		const char *arg, *want;
	} rows[] = {
		{ "-x", "no option '-x'" },
		{ "--nope", "no option '--nope'" },
		{ "--s", "'--s' is ambiguous: '--socket' or '--state-dir'" },
		{ "--sokcet", "did you mean '--socket'?" },
		{ "-c", "'-c' needs a value" },
		{ "--socket", "'--socket' needs a value" },
		{ "--socket=", "--socket needs a path" },
		{ "more", "unexpected argument 'more'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err;
		struct cli cli;

		assert_int_equal(parse(&cli, &err, ARGV(S(rows[i].arg))), -EINVAL);
		print_message("%s\n", err.msg);
		assert_non_null(strstr(err.msg, rows[i].want));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_scope_has_its_places),
		TEST(directories_are_made_with_their_parents),
		TEST(directories_of_others_are_refused),
		TEST(what_others_could_read_is_tightened),
		TEST(a_state_directory_is_one_daemons),
		TEST(a_command_line_becomes_a_source),
		cmocka_unit_test(a_wrong_command_line_is_refused),
	};
	int rc;

	arena = arena_new(64 * 1024);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(arena);
	return rc;
}
