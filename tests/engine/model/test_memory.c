/*
 * What memory there is: the system's and the control groups', read from files as the kernel writes
 * them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "engine/model/memory.h"
#include "tests/test.h"

#define MIB ((uint64_t)1 << 20)

struct file {
	const char *path, *text;
};

static void put_file(const char *root, const struct file *f)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", root, f->path);
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs(f->text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

#define MEMINFO                                                                                    \
	{                                                                                          \
		"proc/meminfo", "MemTotal: 4096 kB\nMemFree: 1 kB\nMemAvailable:   2048 kB\n"      \
	}

static void takes_the_least_of_system_and_groups(void **state)
{
	static const struct {
		const char *name;
		struct file files[8];
		uint64_t want;
	} rows[] = {
		{ "nothing to read is no limit", { { NULL, NULL } }, UINT64_MAX },
		{ "the system's", { MEMINFO }, 2 * MIB },
		{ "a group without a limit",
		  { MEMINFO,
		    { "proc/self/cgroup", "0::/a\n" },
		    { "sys/fs/cgroup/a/memory.max", "max\n" },
		    { "sys/fs/cgroup/a/memory.current", "1048576\n" } },
		  2 * MIB },
		{ "a group's",
		  { MEMINFO,
		    { "proc/self/cgroup", "0::/a/b\n" },
		    { "sys/fs/cgroup/a/b/memory.max", "1572864\n" },
		    { "sys/fs/cgroup/a/b/memory.current", "524288\n" } },
		  MIB },
		{ "that of a group above it",
		  { MEMINFO,
		    { "proc/self/cgroup", "0::/a/b\n" },
		    { "sys/fs/cgroup/a/memory.max", "1048576\n" },
		    { "sys/fs/cgroup/a/memory.current", "1048000\n" },
		    { "sys/fs/cgroup/a/b/memory.max", "1572864\n" },
		    { "sys/fs/cgroup/a/b/memory.current", "524288\n" } },
		  576 },
		{ "what files fill of it is given up",
		  { MEMINFO,
		    { "proc/self/cgroup", "0::/\n" },
		    { "sys/fs/cgroup/memory.max", "1048576\n" },
		    { "sys/fs/cgroup/memory.current", "1048576\n" },
		    { "sys/fs/cgroup/memory.stat",
		      "anon 1\ninactive_anon 2\ninactive_file 4096\n" } },
		  4096 },
		{ "a group that is over its limit",
		  { MEMINFO,
		    { "proc/self/cgroup", "0::/\n" },
		    { "sys/fs/cgroup/memory.max", "4096\n" },
		    { "sys/fs/cgroup/memory.current", "8192\n" } },
		  0 },
		{ "groups of version 1, seen from a container",
		  { MEMINFO,
		    { "proc/self/cgroup", "5:devices:/\n4:cpu,memory:/host/name\n0::/\n" },
		    { "sys/fs/cgroup/memory/memory.limit_in_bytes", "65536\n" },
		    { "sys/fs/cgroup/memory/memory.usage_in_bytes", "16384\n" },
		    { "sys/fs/cgroup/memory/memory.stat",
		      "inactive_file 1\ntotal_inactive_file 8192\n" } },
		  65536 - 8192 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char root[] = "/tmp/ragd-test-XXXXXX", command[64];

		print_message("%s\n", rows[i].name);
		assert_non_null(mkdtemp(root));
		for (const struct file *f = rows[i].files; f->path != NULL; f++)
			put_file(root, f);
		assert_int_equal(memory_available_under(root), rows[i].want);
		snprintf(command, sizeof(command), "rm -r %s", root);
		assert_int_equal(system(command), 0);
	}
}

static void this_machine_has_some(void **state)
{
	(void)state;
	assert_true(memory_available() > MIB);
	assert_true(memory_available() < UINT64_MAX); /* Linux says it, and so may its groups */
}

static void refuses_a_plan_with_all_figures(void **state)
{
	const struct memory_plan plan = { 700 * MIB, 200 * MIB, 100 * MIB };
	struct ragd_err err = { 0 };

	(void)state;
	assert_int_equal(memory_check(&plan, 1000 * MIB, 0, &err), 0);
	assert_int_equal(memory_check(&plan, UINT64_MAX, 1000 * MIB, &err), 0);
	assert_int_equal(memory_check(&plan, 999 * MIB, 0, &err), -ENOMEM);
	assert_string_equal(
		err.msg, "the model needs 1000 MiB (weights 700, KV cache 200, working 100), and "
			 "999 are available: a smaller model, or less context");
	assert_int_equal(memory_check(&plan, UINT64_MAX, 512 * MIB, &err), -ENOMEM);
	assert_non_null(strstr(err.msg, "1000 MiB"));
	assert_non_null(strstr(err.msg, "`memory` allows 512.0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_least_of_system_and_groups),
		cmocka_unit_test(this_machine_has_some),
		cmocka_unit_test(refuses_a_plan_with_all_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
