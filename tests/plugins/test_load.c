#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/modules/module_private.h"
#include "tests/test.h"

static char mods[PATH_MAX]; /* where the modules were built */
static char tmp[PATH_MAX];  /* fresh for each test */

/* ---- helpers ------------------------------------------------------------------------------- */

static const char *in(const char *dir, const char *name)
{
	static char paths[4][PATH_MAX + 64];
	static unsigned next;
	char *path = paths[next++ % ARRAY_LEN(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void copy_file(const char *from, const char *to)
{
	char bytes[4096];
	FILE *in_file = fopen(from, "rb"), *out_file = fopen(to, "wb");
	size_t n;

	assert_non_null(in_file);
	assert_non_null(out_file);
	while ((n = fread(bytes, 1, sizeof(bytes), in_file)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out_file), n);
	fclose(in_file);
	assert_int_equal(fclose(out_file), 0);
	assert_int_equal(chmod(to, 0755), 0);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

static int load(const char *dir, const char *module, enum ragd_kind kind, struct ragd_err *err)
{
	const char *const dirs[] = { dir, NULL };
	const struct ragd_plugin *d = NULL;
	const char *path = NULL;
	int rc;

	memset(err, 0, sizeof(*err));
	rc = module_load(dirs, module, kind, &d, &path, err);
	print_message("%s: %s\n", module, rc == 0 ? "loaded" : err->msg);
	assert_true((rc < 0) == (err->msg[0] != '\0'));
	assert_true((rc == 0) == (d != NULL));
	assert_int_equal(rc < 0 ? err->code : 0, rc);
	return rc;
}

static void refused(const char *dir, const char *module, enum ragd_kind kind, int code,
		    const char *sentence)
{
	struct ragd_err err;

	assert_int_equal(load(dir, module, kind, &err), code);
	if (strstr(err.msg, sentence) == NULL)
		fail_msg("'%s' does not say '%s'", err.msg, sentence);
}

static int setup(void **state)
{
	(void)state;
	snprintf(tmp, sizeof(tmp), "%s/ragd-load-XXXXXX",
		 getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(tmp) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[2 * PATH_MAX + 64];

	(void)state;
	snprintf(cmd, sizeof(cmd), "chmod -R u+w '%s' && rm -rf '%s'", tmp, tmp);
	return system(cmd);
}

static const char not_elf[] =
	"This is no ELF file, but a text that is longer than the header of one would be.\n";

/* ---- tests --------------------------------------------------------------------------------- */

static void loads_good_modules_of_each_kind(void **state)
{
	const char *const dirs[] = { "/nonexistent", mods, NULL };
	const struct ragd_plugin *d, *again;
	const char *path;

	(void)state;
	assert_int_equal(module_load(dirs, "good", 0, &d, &path, NULL), 0);
	assert_string_equal(d->name, "good");
	assert_string_equal(path, in(mods, "good.so"));
	assert_int_equal(
		module_load(dirs, in(mods, "good.so"), RAGD_KIND_INFERENCE, &again, NULL, NULL), 0);
	assert_ptr_equal(d, again);
	assert_string_equal(module_path(d), path);
	assert_int_equal(module_load(dirs, "good_safety", RAGD_KIND_SAFETY, &d, NULL, NULL), 0);
	assert_int_equal(
		module_load(dirs, "good_retrieval.so", RAGD_KIND_RETRIEVAL, &d, NULL, NULL), 0);
}

static void operations_that_an_older_module_lacks_are_null(void **state)
{
	const char *const dirs[] = { mods, NULL };
	const struct ragd_plugin *d;

	(void)state;
	assert_int_equal(module_load(dirs, "inference_older", 0, &d, NULL, NULL), 0);
	assert_non_null(d->ops.inference->generate);
	assert_null(d->ops.inference->embed);
	assert_null(d->ops.inference->score);
	assert_null(d->ops.inference->count);
	assert_int_equal(module_load(dirs, "retrieval_older", 0, &d, NULL, NULL), 0);
	assert_non_null(d->ops.retrieval->stats);
	assert_null(d->ops.retrieval->embed);
	assert_int_equal(module_load(dirs, "safety_older", 0, &d, NULL, NULL), 0);
	assert_non_null(d->ops.safety->check);
	assert_null(d->ops.safety->stream_open);
	assert_null(d->ops.safety->stream_close);
	assert_int_equal(module_load(dirs, "inference_newer", 0, &d, NULL, NULL), 0);
	assert_non_null(d->ops.inference->card);
	assert_null(d->ops.inference->count);
}

static void a_verdict_may_be_longer_or_shorter_than_the_plugin_knows(void **state)
{
	const char *const dirs[] = { mods, NULL };
	static const char *const names[] = { "age_older", "age_newer" };
	const struct ragd_screen screen = { .size = sizeof(screen) };
	const struct ragd_call call = { .size = sizeof(call) };
	const struct ragd_plugin *d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct {
			struct ragd_verdict v;
			unsigned char after[128];
		} out = { .v = { .size = sizeof(out.v) } };

		memset(out.after, 0x5a, sizeof(out.after));
		assert_int_equal(module_load(dirs, names[i], 0, &d, NULL, NULL), 0);
		assert_int_equal(d->ops.safety->check(NULL, &call, &screen, &out.v, NULL), 0);
		assert_int_equal(out.v.size, sizeof(out.v));
		assert_int_equal(out.v.action, RAGD_STEER);
		assert_int_equal(out.v.note.len, strlen("Be brief."));
		assert_null(out.v.message.s);
		assert_int_equal(out.v.message.len, 0);
		for (size_t k = 0; k < sizeof(out.after); k++)
			assert_int_equal(out.after[k], 0x5a);
	}
}

static void a_module_may_leave_out_open_and_close(void **state)
{
	const char *const dirs[] = { mods, NULL };
	static const char *const names[] = { "stateless", "close_none" };
	const struct ragd_config none = { 0 };
	const struct ragd_host host = { .size = sizeof(host) };
	const struct ragd_plugin *d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		void *self = (void *)&none;

		assert_int_equal(module_load(dirs, names[i], 0, &d, NULL, NULL), 0);
		assert_int_equal(d->open(&host, &none, &self, NULL), 0);
		assert_null(self);
		d->close(self);
	}
}

static void refuses_bad_descriptors_each_with_its_sentence(void **state)
{
	static const struct {
		const char *module, *sentence;
	} rows[] = {
		{ "no_symbol", "exports no 'ragd_plugin', so it is not a ragd plugin" },
		{ "symbol_function", "its ragd_plugin is not a descriptor" },
		{ "symbol_tiny", "its ragd_plugin has 4 bytes" },
		{ "abi_other", "built for plugin ABI 99, this ragd has 4" },
		{ "size_small", "its descriptor announces" },
		{ "size_lies", "its descriptor announces" },
		{ "kind_unknown", "unknown kind 9" },
		{ "name_other", "it calls itself 'somebody_else'" },
		{ "name_none", "its descriptor has no name" },
		{ "name_odd", "its name 'Name Odd' may only contain a-z, 0-9 and _" },
		{ "version_none", "its descriptor has no version" },
		{ "licence_empty", "its descriptor has no licence" },
		{ "summary_none", "its descriptor has no summary" },
		{ "open_none", "its descriptor has no open, but a close" },
		{ "ops_none", "its descriptor has no ops" },
		{ "ops_no_size", "its table of operations announces 0 bytes, at least " },
		{ "inference_no_card", "has no ops.inference->card" },
		{ "inference_no_generate", "has no ops.inference->generate" },
		{ "retrieval_no_stats", "has no ops.retrieval->stats" },
		{ "retrieval_no_put", "has no ops.retrieval->put" },
		{ "safety_no_check", "has no ops.safety->check" },
		{ "safety_some_stream", "it has some of ops.safety->stream_open" },
		{ "safety_no_holdback", "has no ops.safety->holdback" },
		{ "safety_no_stages", "has no ops.safety->stages" },
		{ "safety_unknown_stage", "unknown stages 0x10" },
		{ "safety_unknown_trait", "unknown traits 0x80" },
		{ "option_range",
		  "default of option 'threads': '65' is not a whole number from 1 to 64" },
		{ "option_twice", "option 'cache' is listed twice" },
		{ "option_no_help", "option 'wait' has no help" },
		{ "option_type", "option 'mode': unknown type 77" },
		{ "option_endless", "more than 64 options: is the last row empty?" },
		{ "option_choice", "default of option 'mode': 'pale' is not one of light|dark" },
		{ "option_no_choices", "option 'mode' is a choice without choices" },
		{ "option_bool", "default of option 'loud': 'maybe' is not yes or no" },
		{ "option_min_max", "option 'threads': its minimum 65 is above its maximum 64" },
		{ "option_no_default", "option 'threads' has no default" },
		{ "option_name", "option 'Not-A-Name': a name consists of a-z, 0-9 and _" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		refused(mods, rows[i].module, 0, -EINVAL, rows[i].sentence);
		refused(mods, rows[i].module, 0, -EINVAL, rows[i].sentence); /* not only once */
	}
}

static void refuses_what_is_no_module_at_all(void **state)
{
	struct ragd_err err;

	(void)state;
	assert_int_equal(load(tmp, "absent", 0, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "module 'absent': no absent.so in "));
	assert_non_null(strstr(err.msg, tmp));
	refused(tmp, "/nonexistent/x.so", 0, -ENOENT,
		"module '/nonexistent/x.so': /nonexistent: No such file");
	refused(tmp, "../good", 0, -EINVAL, "give the name of a module in plugin_dirs");
	refused(tmp, "", 0, -EINVAL, "not a module name");
	refused(tmp, ".so", 0, -EINVAL, "not a module name");

	write_file(in(tmp, "text.so"), not_elf);
	refused(tmp, "text", 0, -ENOEXEC, "module 'text': cannot load");
	refused(tmp, "text", 0, -ENOEXEC, "invalid ELF header");
	write_file(in(tmp, "empty.so"), "");
	refused(tmp, "empty", 0, -ENOEXEC, "file too short");
	assert_int_equal(mkdir(in(tmp, "folder.so"), 0755), 0);
	refused(tmp, "folder", 0, -EINVAL, "is not a regular file");
	assert_int_equal(symlink("circle.so", in(tmp, "circle.so")), 0);
	refused(tmp, "circle", 0, -ELOOP, "module 'circle': ");
}

static void refuses_another_kind_and_another_name(void **state)
{
	(void)state;
	refused(mods, "good", RAGD_KIND_SAFETY, -EINVAL,
		"module 'good': it is of kind inference, not safety");
	refused(mods, "good_safety", RAGD_KIND_RETRIEVAL, -EINVAL,
		"it is of kind safety, not retrieval");
	assert_int_equal(symlink(in(mods, "good.so"), in(tmp, "alias.so")), 0);
	refused(tmp, "alias", 0, -EINVAL, "module 'alias': it calls itself 'good'");
	copy_file(in(mods, "good.so"), in(tmp, "renamed.so"));
	refused(tmp, "renamed", 0, -EINVAL, "module 'renamed': it calls itself 'good'");
}

static void refuses_what_others_may_write(void **state)
{
	struct ragd_err err;

	(void)state;
	copy_file(in(mods, "good.so"), in(tmp, "good.so"));
	assert_int_equal(chmod(in(tmp, "good.so"), 0757), 0);
	refused(tmp, "good", 0, -EACCES, "may be written by others; chmod o-w it");
	/* A link to it is no way around. */
	assert_int_equal(mkdir(in(tmp, "links"), 0755), 0);
	assert_int_equal(symlink("../good.so", in(tmp, "links/good.so")), 0);
	refused(in(tmp, "links"), "good", 0, -EACCES, "may be written by others; chmod o-w it");

	assert_int_equal(chmod(in(tmp, "good.so"), 0755), 0);
	assert_int_equal(chmod(tmp, 0777), 0);
	refused(tmp, "good", 0, -EACCES, "the folder");
	assert_int_equal(chmod(tmp, 01777), 0);
	refused(tmp, "good", 0, -EACCES, "the folder");

	/* The folder itself is fine, but the one above lets others swap it. */
	assert_int_equal(mkdir(in(tmp, "sub"), 0755), 0);
	copy_file(in(mods, "good.so"), in(tmp, "sub/good.so"));
	assert_int_equal(chmod(tmp, 0777), 0);
	refused(in(tmp, "sub"), "good", 0, -EACCES, "may be written by others; chmod o-w it");
	assert_int_equal(chmod(tmp, 01777), 0); /* as /tmp: others cannot rename what is ours */
	assert_int_equal(load(in(tmp, "sub"), "good", 0, &err), 0);
}

static void refuses_what_a_group_may_write_or_a_stranger_owns(void **state)
{
	struct ragd_err err;

	(void)state;
	if (geteuid() != 0) {
		print_message("only root can give files away\n");
		skip();
	}
	copy_file(in(mods, "good.so"), in(tmp, "good.so"));
	assert_int_equal(chown(in(tmp, "good.so"), 0, 12345), 0);
	assert_int_equal(chmod(in(tmp, "good.so"), 0775), 0);
	refused(tmp, "good", 0, -EACCES, "may be written by a group; chmod g-w it");
	assert_int_equal(chown(in(tmp, "good.so"), 12345, 0), 0);
	refused(tmp, "good", 0, -EACCES,
		"belongs to user 12345; it must belong to root or the daemon's user");
	assert_int_equal(chown(in(tmp, "good.so"), 0, 0), 0);
	assert_int_equal(chown(tmp, 12345, 0), 0);
	refused(tmp, "good", 0, -EACCES, "belongs to user 12345");
	assert_int_equal(chown(tmp, 0, 0), 0);
	assert_int_equal(load(tmp, "good", 0, &err),
			 0); /* group-writable, but the group is root's */
}

/*
 * The folder "mods" is by turns the one that was judged and one that everybody may write. Whatever
 * is loaded is what was judged.
 */
static void swap_for_ever(void)
{
	while (renameat2(AT_FDCWD, in(tmp, "mods"), AT_FDCWD, in(tmp, "theirs"), RENAME_EXCHANGE) ==
	       0)
		;
	_exit(1);
}

/* In a process of its own, since a module stays. 0: it was refused. */
static int load_once(void)
{
	struct ragd_err err;
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int rc = load(in(tmp, "mods"), "good", 0, &err);

		_exit(getenv("RAGD_TEST_INTRUDER") != NULL ? 2 : rc == 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_folder_that_is_swapped_lets_no_other_code_in(void **state)
{
	int counts[3] = { 0 };
	pid_t swapper;

	(void)state;
	assert_int_equal(mkdir(in(tmp, "mods"), 0755), 0);
	copy_file(in(mods, "good.so"), in(tmp, "mods/good.so"));
	assert_int_equal(mkdir(in(tmp, "theirs"), 0755), 0);
	copy_file(in(mods, "intruder.so"), in(tmp, "theirs/good.so"));
	assert_int_equal(chmod(in(tmp, "theirs"), 0777), 0);
	swapper = fork();
	assert_true(swapper >= 0);
	if (swapper == 0)
		swap_for_ever();
	for (int i = 0; i < 300; i++)
		counts[load_once()]++;
	kill(swapper, SIGKILL);
	assert_int_equal(waitpid(swapper, NULL, 0), swapper);
	print_message("refused %d, loaded %d, code of the other folder ran %d times\n", counts[0],
		      counts[1], counts[2]);
	assert_true(counts[0] > 0 && counts[1] > 0); /* both were met */
	assert_int_equal(counts[2], 0);
}

/* What the dynamic linker knows a module by is never another's, however descriptors come and go. */
static void modules_in_turn_are_told_apart(void **state)
{
	static const char *const names[] = { "good", "good_safety", "good_retrieval" };

	(void)state;
	write_file(in(tmp, "text.so"), not_elf);
	for (int i = 0; i < 12; i++) {
		const char *name = names[i % 3];
		const char *const dirs[] = { tmp, NULL };
		const struct ragd_plugin *d;
		char file[64];

		snprintf(file, sizeof(file), "%s.so", name);
		copy_file(in(mods, file), in(tmp, "next"));
		assert_int_equal(rename(in(tmp, "next"), in(tmp, file)), 0);
		refused(tmp, "text", 0, -ENOEXEC, "invalid ELF header");
		assert_int_equal(module_load(dirs, name, 0, &d, NULL, NULL), 0);
		assert_string_equal(d->name, name);
	}
}

/* At start nothing runs yet: the process ends, and stderr says why. */
static void says_at_start_which_module_crashed(void **state)
{
	static const struct {
		const char *module, *sentence;
	} rows[] = {
		{ "crashes", "crashed while loading (signal 11" },
		{ "aborts", "crashed while loading (signal 6" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[1024] = "", who[64];
		struct ragd_err err;
		int fds[2], status;
		ssize_t n, len = 0;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			dup2(fds[1], STDERR_FILENO);
			load(mods, rows[i].module, 0, &err);
			_exit(42); /* it did not crash */
		}
		close(fds[1]);
		while ((n = read(fds[0], text + len, sizeof(text) - 1 - (size_t)len)) > 0)
			len += n;
		close(fds[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		print_message("%s", text);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
		snprintf(who, sizeof(who), "module '%s'", rows[i].module);
		assert_non_null(strstr(text, who));
		assert_non_null(strstr(text, rows[i].sentence));
	}
}

/* The rest runs after a first set was opened: as in a daemon that reloads. */

static void a_crash_at_reload_is_an_error(void **state)
{
	(void)state;
	module_probe_enable();
	refused(mods, "crashes", 0, -EFAULT, "module 'crashes': crashed while loading (signal 11");
	refused(mods, "aborts", 0, -EFAULT, "module 'aborts': crashed while loading (signal 6");
	refused(mods, "exits", 0, -EFAULT,
		"module 'exits': ended the process while loading (status");
	module_probe_timeout_ms = 300;
	refused(mods, "hangs", 0, -ETIMEDOUT, "module 'hangs': did not finish loading within");
	module_probe_timeout_ms = 10000;
}

static void a_refusal_at_reload_says_what_it_would_at_start(void **state)
{
	struct ragd_err err;

	(void)state;
	module_probe_enable();
	copy_file(in(mods, "abi_other.so"), in(tmp, "abi_other.so"));
	refused(tmp, "abi_other", 0, -EINVAL, "built for plugin ABI 99, this ragd has 4");
	write_file(in(tmp, "text.so"), not_elf);
	refused(tmp, "text", 0, -ENOEXEC, "invalid ELF header");
	copy_file(in(mods, "good_safety.so"), in(tmp, "good_safety.so"));
	assert_int_equal(load(tmp, "good_safety", RAGD_KIND_SAFETY, &err), 0);
}

static void a_replaced_file_is_a_new_module(void **state)
{
	const char *const dirs[] = { tmp, NULL };
	const struct ragd_plugin *one, *same, *two;
	const char *path;

	(void)state;
	copy_file(in(mods, "good.so"), in(tmp, "good.so"));
	assert_int_equal(module_load(dirs, "good", 0, &one, NULL, NULL), 0);
	assert_int_equal(module_load(dirs, "good", 0, &same, NULL, NULL), 0);
	assert_ptr_equal(one, same);
	copy_file(in(mods, "good.so"), in(tmp, "next"));
	assert_int_equal(rename(in(tmp, "next"), in(tmp, "good.so")), 0);
	assert_int_equal(module_load(dirs, "good", 0, &two, &path, NULL), 0);
	assert_ptr_not_equal(one, two);
	assert_string_equal(path, in(tmp, "good.so"));
	assert_string_equal(one->name, two->name); /* the old one is still mapped */
}

static void a_file_that_was_refused_may_be_mended(void **state)
{
	struct ragd_err err;

	(void)state;
	copy_file(in(mods, "abi_other.so"), in(tmp, "good.so"));
	refused(tmp, "good", 0, -EINVAL, "plugin ABI 99");
	copy_file(in(mods, "good.so"), in(tmp, "next"));
	assert_int_equal(rename(in(tmp, "next"), in(tmp, "good.so")), 0);
	assert_int_equal(load(tmp, "good", 0, &err), 0);
}

static void a_file_written_over_while_loaded_is_refused(void **state)
{
	const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	struct ragd_err err;

	(void)state;
	copy_file(in(mods, "good.so"), in(tmp, "good.so"));
	assert_int_equal(load(tmp, "good", 0, &err), 0);
	assert_int_equal(utimensat(AT_FDCWD, in(tmp, "good.so"), times, 0), 0);
	refused(tmp, "good", 0, -EBUSY, "was overwritten while it is loaded");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_good_modules_of_each_kind),
		cmocka_unit_test(operations_that_an_older_module_lacks_are_null),
		cmocka_unit_test(a_verdict_may_be_longer_or_shorter_than_the_plugin_knows),
		cmocka_unit_test(a_module_may_leave_out_open_and_close),
		cmocka_unit_test(refuses_bad_descriptors_each_with_its_sentence),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_module_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_another_kind_and_another_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(refuses_what_others_may_write, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_what_a_group_may_write_or_a_stranger_owns,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_is_swapped_lets_no_other_code_in,
						setup, teardown),
		cmocka_unit_test_setup_teardown(modules_in_turn_are_told_apart, setup, teardown),
		cmocka_unit_test(says_at_start_which_module_crashed),
		cmocka_unit_test_setup_teardown(a_replaced_file_is_a_new_module, setup, teardown),
		cmocka_unit_test(a_crash_at_reload_is_an_error),
		cmocka_unit_test_setup_teardown(a_refusal_at_reload_says_what_it_would_at_start,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_that_was_refused_may_be_mended, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_file_written_over_while_loaded_is_refused, setup,
						teardown),
	};
	const char *build = getenv("RAGD_BUILDDIR");
	char path[PATH_MAX];

	umask(022);
	snprintf(path, sizeof(path), "%s/tests/plugins/modules", build != NULL ? build : ".");
	if (realpath(path, mods) == NULL) {
		perror(path);
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
