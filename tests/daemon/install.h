/* Modules of the tests' own, and files that are replaced as installers do it. */
#ifndef TESTS_DAEMON_INSTALL_H
#define TESTS_DAEMON_INSTALL_H

#include "tests/temp.h"

/* A copy of the file, put in the place of what is there by renaming, as installers do. */
static inline const char *install_file(const char *name, const char *from)
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
static inline const char *install_modules(void)
{
	static char path[512];
	const char *build = getenv("RAGD_BUILDDIR");

	snprintf(path, sizeof(path), "%s/tests/daemon/modules", build != NULL ? build : ".");
	return realpath(path, NULL); /* lives as long as the test program */
}

#endif
