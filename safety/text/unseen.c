#include "safety/text/unseen.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "safety/text/folded.h"

void unseen_fini(struct unseen *u)
{
	free(u->cut);
	*u = (struct unseen){ 0 };
}

static void add_cut(struct unseen *u, uint32_t at, size_t n)
{
	struct unseen_cut *last = u->n_cuts > 0 ? &u->cut[u->n_cuts - 1] : NULL;
	uint32_t sum = (last != NULL ? last->n : u->before) + (uint32_t)n;

	if (last != NULL && last->at == at) {
		last->n = sum;
		return;
	}
	if (!array_reserve(&u->cut, &u->cap, u->n_cuts + 1, sizeof(*u->cut))) {
		u->failed = true;
		return;
	}
	u->cut[u->n_cuts++] = (struct unseen_cut){ at, sum };
}

/* How many bytes from the start are certainly seen. */
static size_t seen_ahead(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && (unsigned char)text[i] < 0x7f &&
	       (text[i] >= ' ' || ascii_is_space(text[i])))
		i++;
	return i;
}

size_t unseen_cut(struct unseen *u, char *text, size_t len, uint32_t at)
{
	size_t i = 0, kept = 0, n;
	uint32_t cp;

	while (i < len) {
		n = seen_ahead(text + i, len - i);
		if (n > 0) {
			u->run = 0;
		} else {
			n = utf8_next(text + i, len - i, &cp);
			u->run = folded_is_unseen(cp) ? u->run + n : 0;
			if (u->run > UNSEEN_MAX) {
				add_cut(u, at + (uint32_t)kept, n);
				i += n;
				continue;
			}
		}
		if (kept < i)
			memmove(text + kept, text + i, n);
		kept += n;
		i += n;
	}
	return kept;
}

/* Bytes missing before what is kept from `at` on; with those right at it if asked. */
static uint32_t missing_before(const struct unseen *u, uint32_t at, bool here)
{
	size_t lo = 0, hi = u->n_cuts;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (u->cut[mid].at < at || (here && u->cut[mid].at == at))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? u->cut[lo - 1].n : u->before;
}

uint32_t unseen_start(const struct unseen *u, uint32_t at)
{
	return at + missing_before(u, at, true);
}

uint32_t unseen_end(const struct unseen *u, uint32_t at)
{
	return at + missing_before(u, at, false);
}

uint32_t unseen_kept(const struct unseen *u, uint32_t at)
{
	size_t lo = 0, hi = u->n_cuts;
	uint32_t n;

	/* The cuts that end at `at` or before it. */
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (u->cut[mid].at + u->cut[mid].n <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	n = lo > 0 ? u->cut[lo - 1].n : u->before;
	/* Inside the next one, all is where it was cut. */
	return lo < u->n_cuts ? MIN(at - n, u->cut[lo].at) : at - n;
}

void unseen_forget(struct unseen *u, uint32_t at)
{
	size_t i = 0;

	while (i < u->n_cuts && u->cut[i].at < at)
		u->before = u->cut[i++].n;
	if (i == 0)
		return;
	u->n_cuts -= i;
	memmove(u->cut, u->cut + i, u->n_cuts * sizeof(*u->cut));
}
