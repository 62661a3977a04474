/* A fresh directory for each test, and files in it. */
#ifndef TESTS_DAEMON_TEMP_H
#define TESTS_DAEMON_TEMP_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char temp_dir[64];

static inline int temp_remove_cb(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

/* For cmocka's set-up and tear-down of each test. */
static inline int temp_setup(void **state)
{
	(void)state;
	snprintf(temp_dir, sizeof(temp_dir), "/tmp/ragd-test-XXXXXX");
	return mkdtemp(temp_dir) != NULL ? 0 : -1;
}

static inline int temp_teardown(void **state)
{
	(void)state;
	return nftw(temp_dir, temp_remove_cb, 16, FTW_DEPTH | FTW_PHYS);
}

/* "DIR/name"; a few live at a time. */
static inline const char *temp_path(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", temp_dir, name);
	return path;
}

static inline const char *temp_write(const char *name, const char *text)
{
	const char *path = temp_path(name);
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 || chmod(path, 0644) != 0)
		abort();
	return path;
}

/* A copy of the file, put in the place of what is there by renaming, as installers do. */
static inline const char *temp_install(const char *name, const char *from)
{
	const char *path = temp_path(name), *next = temp_path("next");
	FILE *in = fopen(from, "r"), *out = fopen(next, "w");
	char buf[65536];
	size_t n;

	if (in == NULL || out == NULL)
		abort();
	while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
		if (fwrite(buf, 1, n, out) != n)
			abort();
	fclose(in);
	if (fclose(out) != 0 || chmod(next, 0755) != 0 || rename(next, path) != 0)
		abort();
	return path;
}

/* Where the modules of modules.c were built. */
static inline const char *temp_modules(void)
{
	static char path[512];
	const char *build = getenv("RAGD_BUILDDIR");

	snprintf(path, sizeof(path), "%s/tests/daemon/modules", build != NULL ? build : ".");
	return realpath(path, NULL); /* lives as long as the test program */
}

#endif
