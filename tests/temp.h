/* A fresh directory for each test, and files in it: for programs that keep to one at a time. */
#ifndef TESTS_TEMP_H
#define TESTS_TEMP_H

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

static inline const char *temp_write_bytes(const char *name, const void *data, size_t len)
{
	const char *path = temp_path(name);
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0 || chmod(path, 0644) != 0)
		abort();
	return path;
}

static inline const char *temp_write(const char *name, const char *text)
{
	return temp_write_bytes(name, text, strlen(text));
}

/* Its permissions. */
static inline mode_t temp_mode(const char *name)
{
	struct stat st;

	if (stat(temp_path(name), &st) != 0)
		abort();
	return st.st_mode & 07777;
}

#endif
