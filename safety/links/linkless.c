#include "safety/links/linkless.h"

/*
 * ASCII by what it may begin: WORD an address, OTHER something else; SIGN goes on with a word and
 * is nothing by itself.
 */
enum { PLAIN, WORD, SIGN, OTHER };
/* clang-format off */
static const unsigned char sorts[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 3, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 2, 0, 2, 2, 3,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 3, 0, 0, 0,
	0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 0, 0,
	3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0,
};
/* clang-format on */

static unsigned sort_of(char c)
{
	return sorts[(unsigned char)c];
}

size_t linkless_end(const struct scan_view *v, size_t i)
{
	const char *s = v->s;
	size_t p;

	while (i < v->len) {
		unsigned sort = sort_of(s[i]);

		if (sort == OTHER)
			break;
		if (sort != WORD) {
			i++;
			continue;
		}
		for (p = i + 1; p < v->len && (sort_of(s[p]) == WORD || sort_of(s[p]) == SIGN); p++)
			;
		if (p == v->len || s[p] == ':' || s[p] == '&' || s[p] == '%' || (s[i] | 32) == 'w')
			break;
		i = p;
	}
	return i;
}
