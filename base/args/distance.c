/* How far one word is from another: for "did you mean". */
#include "base/args/args_private.h"

#include <string.h>

/* Options and commands are shorter; what is longer is nobody's slip. */
#define WORD_MAX 32

/*
 * Damerau's distance in its common, restricted form (a swapped pair is not changed again): the
 * usual table of which the last three rows are kept.
 */
size_t args_distance(const char *a, size_t a_len, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2], *spare;
	size_t b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return (size_t)-1;
	for (size_t j = 0; j <= b_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t least = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < least)
				least = last[j] + 1;
			if (now[j - 1] + 1 < least)
				least = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < least)
				least = before[j - 2] + 1;
			now[j] = least;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}
