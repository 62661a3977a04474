#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define FIRST_CAP 8

bool array_grow(void *array, size_t *cap, size_t n, size_t size)
{
	size_t want = MAX(n, *cap > SIZE_MAX / 2 ? SIZE_MAX : MAX(2 * *cap, (size_t)FIRST_CAP));
	void *old, *grown;

	if (want > PTRDIFF_MAX / size)
		want = n; /* twice as much is too much */
	if (want > PTRDIFF_MAX / size)
		return false;
	/* Through memcpy(): the pointer there is a T *, which a void ** must not alias. */
	memcpy(&old, array, sizeof(old));
	grown = realloc(old, want * size);
	if (grown == NULL)
		return false;
	memcpy(array, &grown, sizeof(grown));
	*cap = want;
	return true;
}
