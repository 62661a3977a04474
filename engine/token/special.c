#include "engine/token/special.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/token/vocab_private.h"

/* qsort_r is not in POSIX: the pairs carry what they are compared by. */
struct named {
	struct ragd_str text;
	int32_t id;
};

static int by_text(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	size_t n = MIN(x->text.len, y->text.len);
	int order = memcmp(x->text.s, y->text.s, n);

	if (order != 0)
		return order;
	if (x->text.len != y->text.len)
		return x->text.len < y->text.len ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

int specials_sort(struct specials *sp, const struct vocab *v)
{
	struct named *named = calloc(MAX(sp->n, 1u), sizeof(*named));
	uint32_t n = 0;

	if (named == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < sp->n; i++)
		named[i] = (struct named){ token_text(v, sp->ids[i]), sp->ids[i] };
	qsort(named, sp->n, sizeof(*named), by_text);
	for (uint32_t i = 0; i < sp->n; i++)
		sp->ids[i] = named[i].id;
	for (unsigned b = 0; b < 257; b++) {
		while (n < sp->n && (unsigned char)named[n].text.s[0] < b)
			n++;
		sp->first[b] = n;
	}
	free(named);
	return 0;
}

/* The byte at `depth` of the text of ids[i], which begins with the same `depth` bytes as its
 * neighbours in the range; -1 if it ends there. */
static int byte_at(const struct specials *sp, const struct vocab *v, uint32_t i, size_t depth)
{
	struct ragd_str text = token_text(v, sp->ids[i]);

	return depth < text.len ? (unsigned char)text.s[depth] : -1;
}

/* The first of [lo, hi) whose byte at depth is at least `byte`. */
static uint32_t lower_bound(const struct specials *sp, const struct vocab *v, uint32_t lo,
			    uint32_t hi, size_t depth, int byte)
{
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (byte_at(sp, v, mid, depth) < byte)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int32_t specials_match(const struct specials *sp, const struct vocab *v, const char *s, size_t room)
{
	int32_t best = TOKEN_NONE;
	uint32_t lo, hi;

	if (room == 0)
		return TOKEN_NONE;
	lo = sp->first[(unsigned char)s[0]];
	hi = sp->first[(unsigned char)s[0] + 1];
	for (size_t depth = 1; lo < hi; depth++) {
		int byte;

		if (byte_at(sp, v, lo, depth) < 0) { /* the shorter sorts first */
			best = sp->ids[lo];
			lo = lower_bound(sp, v, lo, hi, depth, 0);
		}
		if (depth == room)
			break;
		byte = (unsigned char)s[depth];
		lo = lower_bound(sp, v, lo, hi, depth, byte);
		hi = lower_bound(sp, v, lo, hi, depth, byte + 1);
	}
	return best;
}
