/* Compiled pattern databases, kept on disk for the next start. */
#ifndef SAFETY_HS_CACHE_H
#define SAFETY_HS_CACHE_H

#include <hs.h>
#include <stdbool.h>
#include <stddef.h>

#include <ragd/err.h>

/* What to compile: n expressions with their flags and ids. */
struct hs_source {
	unsigned mode;
	bool literal; /* then lens are the lengths */
	unsigned n;
	const char **exprs;
	size_t *lens;
	unsigned *flags;
	unsigned *ids;
};

/*
 * The database of src: from the directory's cache, else compiled and left there. On -EINVAL *bad,
 * if not NULL, is the index of the expression that is at fault, or -1.
 */
int hs_cached_compile(const struct hs_source *src, const char *dir, hs_database_t **out, int *bad,
		      struct ragd_err *err);

#endif
