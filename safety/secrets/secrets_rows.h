/* Tables of secrets, each in the order of what its rows begin with. */
#ifndef SAFETY_SECRETS_ROWS_H
#define SAFETY_SECRETS_ROWS_H

#include <stddef.h>

/* The first of n rows, whose first member is a text, that does not begin below c. */
static inline size_t secrets_from(const void *rows, size_t n, size_t size, char c)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const char *const *text = (const void *)((const char *)rows + mid * size);

		if ((*text)[0] < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

#define SECRETS_FROM(rows, c) secrets_from(rows, ARRAY_LEN(rows), sizeof((rows)[0]), c)

#endif
