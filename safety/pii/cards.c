/* Payment cards: issuer prefix, length and Luhn's checksum; and US social security numbers. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "base/text/ascii.h"
#include "safety/pii/numbers.h"

/* ISO/IEC 7812 prefixes as the networks publish them; lengths as bits. */
#define LEN(n) (1u << (n))
static const struct issuer {
	unsigned lo; /* the first n_prefix digits lie in [lo, hi] */
	unsigned hi;
	unsigned n_prefix;
	unsigned lengths; /* taken by themselves */
	unsigned named;   /* taken where a word like "card" stands before */
} issuers[] = {
	/* clang-format off */
	{ 4, 4, 1, LEN(16), LEN(13) | LEN(19) },               /* Visa */
	{ 51, 55, 2, LEN(16), 0 },                             /* Mastercard */
	{ 2221, 2720, 4, LEN(16), 0 },
	{ 34, 34, 2, LEN(15), 0 }, { 37, 37, 2, LEN(15), 0 },  /* American Express */
	{ 6011, 6011, 4, LEN(16), LEN(19) },                   /* Discover */
	{ 644, 649, 3, LEN(16), LEN(19) }, { 65, 65, 2, LEN(16), LEN(19) },
	{ 3528, 3589, 4, LEN(16), LEN(19) },                   /* JCB */
	{ 35, 35, 2, 0, LEN(16) },
	{ 2131, 2131, 4, 0, LEN(15) }, { 1800, 1800, 4, 0, LEN(15) },
	{ 300, 305, 3, LEN(14), LEN(16) }, { 36, 36, 2, LEN(14), LEN(16) }, /* Diners Club */
	{ 38, 39, 2, LEN(14), LEN(16) },
	{ 62, 62, 2, LEN(16), LEN(17) | LEN(18) | LEN(19) },   /* UnionPay */
	{ 2200, 2204, 4, LEN(16), 0 },                         /* Mir */
	{ 50, 50, 2, 0, LEN(12) | LEN(13) | LEN(14) | LEN(15) | LEN(16) | LEN(19) }, /* Maestro */
	{ 56, 58, 2, 0, LEN(12) | LEN(13) | LEN(14) | LEN(15) | LEN(16) | LEN(19) },
	{ 60, 69, 2, 0, LEN(12) | LEN(13) | LEN(14) | LEN(15) | LEN(16) | LEN(19) },
	/* clang-format on */
};

static bool issuer_ok(const char *digits, size_t n, bool named)
{
	for (size_t i = 0; i < ARRAY_LEN(issuers); i++) {
		const struct issuer *is = &issuers[i];
		unsigned p = 0;

		for (unsigned j = 0; j < is->n_prefix; j++)
			p = p * 10 + (unsigned)(digits[j] - '0');
		if (p < is->lo || p > is->hi)
			continue;
		if (is->lengths & LEN(n) || (named && is->named & LEN(n)))
			return true;
	}
	return false;
}

/* Whether a number of a like size follows the first k groups: then they are a row of numbers. */
static bool goes_on(const struct digit_run *r, size_t k, char sep)
{
	return r->n > k && r->g[k].sep[0] == sep && r->g[k].end - r->g[k].start >= ROW_DIGITS;
}

/*
 * Written in one piece, in fours, or as 4-6-5 and 4-6-4; with one blank or hyphen between, or one
 * and the same separator of another kind where nothing else is joined to it; what separates the
 * items of a list, only where a word like "card" stands before.
 */
static bool card_shape(const struct digit_run *r, size_t k, bool named)
{
	char sep = k > 1 ? r->g[1].sep[0] : ' ';
	size_t n;

	if (k == 1)
		return true;
	for (size_t i = 1; i < k; i++)
		if (r->g[i].n_sep != 1 || r->g[i].sep[0] != sep)
			return false;
	if (!named && memchr(",;:", sep, 3) != NULL)
		return false;
	if (r->wide ? r->joined || goes_on(r, k, sep) : sep != ' ' && sep != '-')
		return false;
	if (k == 3) {
		n = r->g[2].end - r->g[2].start;
		return r->g[0].end - r->g[0].start == 4 && r->g[1].end - r->g[1].start == 6 &&
		       (n == 5 || n == 4);
	}
	for (size_t i = 0; i + 1 < k; i++)
		if (r->g[i].end - r->g[i].start != 4)
			return false;
	n = r->g[k - 1].end - r->g[k - 1].start;
	return k >= 4 && n <= 4;
}

size_t card_match(const struct scan_view *v, const struct digit_run *r)
{
	bool named;

	if (r->plus || r->paren)
		return 0;
	if (r->start >= 2 && v->s[r->start - 1] == '.' && ascii_is_digit(v->s[r->start - 2]))
		return 0; /* the fraction of a number */
	named = scan_near(v->s, r->start, 48,
			  "card|visa|mastercard|maestro|amex|carte|karte|tarjeta");
	for (size_t k = r->n < 5 ? r->n : 5; k > 0; k--) {
		size_t n = digit_run_count(r, k);

		if (n < 12 || n > 19 || !card_shape(r, k, named) || !issuer_ok(r->digits, n, named))
			continue;
		if (luhn_ok(r->digits, n))
			return k;
	}
	return 0;
}

size_t ssn_match(const struct scan_view *v, const struct digit_run *r)
{
	const char *d = r->digits;
	size_t k = 0;

	if (r->joined || r->plus || r->paren)
		return 0;
	if (!r->wide && digit_run_has_shape(r, "3-2-4", '-'))
		k = 3;
	else if ((digit_run_has_shape(r, "3-2-4", 0) || digit_run_has_shape(r, "9", 0)) &&
		 scan_near(v->s, r->start, 40, "ssn|social security|social sec"))
		k = r->g[0].end - r->g[0].start == 9 ? 1 : 3;
	if (k == 0 || (r->n > k && r->g[k].sep[0] != ' '))
		return 0;
	if (memcmp(d, "000", 3) == 0 || memcmp(d, "666", 3) == 0 || d[0] == '9')
		return 0;
	if (memcmp(d + 3, "00", 2) == 0 || memcmp(d + 5, "0000", 4) == 0)
		return 0;
	return k;
}
