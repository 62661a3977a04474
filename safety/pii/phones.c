/*
 * Telephone numbers. Without a plus sign they look like any other number, so the bare forms are
 * those that little else has, and the rest needs a word like "phone" in front.
 */
#include <string.h>

#include "safety/pii/numbers.h"

#include "base/text/ascii.h"

#define STRONG                                                                                     \
	"phone|tel|telephone|telefon|telefono|telephone number|mobile|mobil|cell|cellphone|fax|"   \
	"whatsapp|handy|portable|movil|celular"
#define WEAK                                                                                       \
	"call|calling|dial|ring|text me|sms|message|messages|answering|reach|contact|my number|"   \
	"number is|appel|llama|anrufen|ruf"

static size_t group_len(const struct digit_run *r, size_t i)
{
	return r->g[i].end - r->g[i].start;
}

static unsigned group_value(const struct scan_view *v, const struct digit_run *r, size_t i)
{
	unsigned n = 0;

	for (size_t p = r->g[i].start; p < r->g[i].end && p < r->g[i].start + 6; p++)
		n = n * 10 + (unsigned)(v->s[p] - '0');
	return n;
}

static bool sep_is(const struct digit_run *r, size_t i, char c)
{
	return r->g[i].n_sep == 1 && r->g[i].sep[0] == c;
}

static bool is_year(unsigned n)
{
	return n >= 1500 && n <= 2100;
}

/* 02-03-2021, 2021/03/02, 1990-2000: dates and spans of years. */
static bool has_date(const struct scan_view *v, const struct digit_run *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (group_len(r, i) == 4 && is_year(group_value(v, r, i)) &&
		    (r->n <= 2 ||
		     (i + 2 < r->n && group_len(r, i + 1) <= 2 && group_len(r, i + 2) <= 2) ||
		     (i >= 2 && group_len(r, i - 1) <= 2 && group_len(r, i - 2) <= 2)))
			return true;
	return false;
}

/* [+1] 415 555 0100 with the rules of the North American plan. */
static size_t nanp_match(const struct scan_view *v, const struct digit_run *r, bool named)
{
	size_t first = r->n > 3 && group_len(r, 0) == 1 && v->s[r->g[0].start] == '1' ? 1 : 0;
	char sep;

	if (r->n < first + 3 || group_len(r, first) != 3 || group_len(r, first + 1) != 3 ||
	    group_len(r, first + 2) != 4)
		return 0;
	if (v->s[r->g[first].start] < '2' || v->s[r->g[first + 1].start] < '2')
		return 0;
	if (r->n > first + 3 && r->g[first + 3].sep[0] != ' ')
		return 0;
	sep = r->g[first + 2].sep[0];
	if (sep != '-' && sep != '.' && !(sep == ' ' && (named || (first == 0 && r->paren))))
		return 0;
	return first + 3;
}

/* 020 7946 0018, 06 12 34 56 78, 01.84.17.61.18: a trunk zero and groups. */
static size_t trunk_match(const struct scan_view *v, const struct digit_run *r)
{
	size_t pairs = 0;

	if (r->n < 2 || r->digits[0] != '0' || r->digits[1] == '0' || r->n_digits < 9 ||
	    r->n_digits > 11)
		return 0;
	if (group_len(r, 0) < 2 || group_len(r, 0) > 5 || has_date(v, r))
		return 0;
	for (size_t i = 0; i < r->n; i++) {
		if (i > 0 && !sep_is(r, i, ' ') && !sep_is(r, i, '-') && !sep_is(r, i, '.') &&
		    !sep_is(r, i, '/') && !r->paren)
			return 0;
		pairs += group_len(r, i) == 2;
		if (i > 0 && group_len(r, i) < 2)
			return 0;
	}
	if (r->n > 1 && r->g[1].sep[0] == '.' && pairs != r->n)
		return 0;
	return r->n;
}

/* Any number of a telephone's length, where a word says that it is one. */
static size_t named_number(const struct scan_view *v, const struct digit_run *r)
{
	bool strong = scan_near(v->s, r->start, 32, STRONG);

	if (r->n > 6 || r->n_digits < 7 || r->n_digits > 15 || has_date(v, r))
		return 0;
	if (strong)
		return r->n;
	if (!scan_near(v->s, r->start, 48, WEAK))
		return 0;
	for (size_t i = 1; i < r->n; i++)
		if (r->g[i].sep[0] == '.' || r->g[i].sep[0] == '/')
			return 0;
	return r->n >= 2 && r->n_digits >= 7 ? r->n : 0;
}

/*
 * Over lines and cells, where numbers stand next to each other that have nothing to do with each
 * other.
 */
static bool wide_ok(const struct scan_view *v, const struct digit_run *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (group_len(r, i) < 2)
			return false;
	if (r->paren)
		return r->n >= 3 && !sep_is(r, 2, ' ');
	return scan_near(v->s, r->start, 32, STRONG);
}

size_t phone_match(const struct scan_view *v, const struct digit_run *r)
{
	size_t k;

	if (r->joined || r->n == 0)
		return 0;
	if (r->wide && !r->plus && !wide_ok(v, r))
		return 0;
	if (scan_near(v->s, r->start, 24, "isbn|issn|doi|version|port|pid|order|invoice|issue"))
		return 0;
	if (r->plus)
		return r->n_digits >= 8 && r->n_digits <= 16 && !has_date(v, r) ? r->n : 0;
	k = nanp_match(v, r, false);
	if (k == 0 && r->n >= 3 && memcmp(r->digits, "00", 2) == 0 && r->digits[2] != '0' &&
	    r->n_digits >= 10 && r->n_digits <= 16 && group_len(r, 0) >= 3 && !has_date(v, r))
		k = r->n; /* 0041 44 ..., 001-518-640-0854 */
	if (k == 0)
		k = trunk_match(v, r);
	if (k == 0 && r->paren && r->n >= 3 && r->n_digits >= 8 && r->n_digits <= 12 &&
	    group_len(r, 0) >= 2 && sep_is(r, 2, '-') && !is_year(group_value(v, r, 0)) &&
	    group_len(r, 1) >= 3 && group_len(r, 2) >= 3)
		k = 3; /* (37) 788-063 */
	if (k == 0)
		k = nanp_match(v, r, scan_near(v->s, r->start, 40, STRONG "|" WEAK));
	return k > 0 ? k : named_number(v, r);
}
