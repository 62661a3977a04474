/* Numbers in running text: what begins where digits do is asked of one matcher after the other. */
#include "safety/pii/numbers.h"

#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"
#include "safety/pii/pii.h"

#define WIDE_MIN 7 /* no number with fewer digits is looked for */

/* 106.31.73.20, if anybody's: not of a private, loopback, link-local or documentation range. */
static size_t ip_match(const struct scan_view *v, const struct digit_run *r)
{
	unsigned b[4] = { 0 };

	if (r->wide || r->joined || r->n < 4 || r->plus ||
	    (r->n > 4 && memchr(r->g[4].sep, '.', r->g[4].n_sep)))
		return 0;
	if (r->start > 0 && (ascii_is_alnum(v->s[r->start - 1]) || v->s[r->start - 1] == '.'))
		return 0;
	for (size_t i = 0; i < 4; i++) {
		size_t n = r->g[i].end - r->g[i].start;

		if (n > 3 || (i > 0 && (r->g[i].n_sep != 1 || r->g[i].sep[0] != '.')))
			return 0;
		if (n > 1 && v->s[r->g[i].start] == '0')
			return 0;
		for (size_t j = r->g[i].start; j < r->g[i].end; j++)
			b[i] = b[i] * 10 + (unsigned)(v->s[j] - '0');
		if (b[i] > 255)
			return 0;
	}
	if (b[0] == 0 || b[0] == 10 || b[0] == 127 || b[0] >= 224 || (b[0] == 192 && b[1] == 168) ||
	    (b[0] == 172 && b[1] >= 16 && b[1] < 32) || (b[0] == 169 && b[1] == 254) ||
	    (b[0] == 192 && b[1] == 0 && b[2] == 2) || (b[0] == 198 && b[1] == 51 && b[2] == 100) ||
	    (b[0] == 203 && b[1] == 0 && b[2] == 113))
		return 0;
	/* Four small numbers are a version: 1.2.3.4, 5.10.0.1. */
	if (b[0] < 20 && b[1] < 20 && b[2] < 20 && b[3] < 20)
		return 0;
	return 4;
}

static const struct matcher {
	size_t (*match)(const struct scan_view *v, const struct digit_run *r);
	const struct span_kind *kind;
	float score;
} matchers[] = {
	{ card_match, &pii_card, 0.95f },  { id_match, &pii_id, 0.9f },
	{ ssn_match, &pii_ssn, 0.9f },     { ip_match, &pii_ip, 0.9f },
	{ phone_match, &pii_phone, 0.8f },
};

/* What begins at the run, if it ends where a word may end. Returns its end, 0 for nothing. */
static size_t run_match(const struct scan_view *v, const struct digit_run *r, struct spans *out)
{
	for (size_t m = 0; m < ARRAY_LEN(matchers); m++) {
		size_t k = matchers[m].match(v, r), end;

		if (k == 0)
			continue;
		end = r->g[k - 1].end;
		/* The Chinese identity number may end in X. */
		if (matchers[m].kind == &pii_id && r->n_digits == 17 && end < v->len)
			end++;
		if (end < v->len && (ascii_is_alnum(v->s[end]) || v->s[end] == '_'))
			continue;
		spans_add(out, &(struct text_span){ .start = r->start,
						    .end = end,
						    .kind = matchers[m].kind,
						    .score = matchers[m].score });
		return end;
	}
	return 0;
}

/*
 * What stands at s[i). *end is where to go on: past the find, or past what cannot begin one. -1 if
 * more text is needed.
 */
static int number_at(const struct scan_view *v, size_t i, size_t *end, struct spans *out)
{
	struct digit_run r;
	int rc = 1;

	for (int wide = 0; wide < 2 && rc > 0; wide++) {
		rc = digit_run_read(v, i, wide, &r);
		/* One more byte may belong to it: the X of an identity number. */
		if (rc < 0 || (rc > 0 && r.g[r.n - 1].end + 2 > v->len && !v->end))
			return -1;
		*end = rc > 0 && (!wide || r.n_digits >= WIDE_MIN) ? run_match(v, &r, out) : 0;
		if (*end > 0)
			return 0;
	}
	/* After a parenthesis the digits have a second chance without it. */
	*end = v->s[i] == '(' || rc == 0 ? i + 1 : r.g[0].end;
	return 0;
}

void pii_scan_digits(struct scanner *st, const struct scan_view *v, struct spans *out)
{
	const char *s = v->s;
	size_t i = st->from, end;
	int rc;

	while (i < v->len) {
		bool opens = s[i] == '+' || s[i] == '(';

		if (!opens && !ascii_is_digit(s[i])) {
			i++;
			continue;
		}
		/* Not inside a word, nor after the sign that was tried already. */
		if (i > 0 && (ascii_is_alnum(s[i - 1]) || s[i - 1] == '_' ||
			      (!opens && ascii_is_digit(s[i]) && s[i - 1] == '+'))) {
			i++;
			continue;
		}
		rc = number_at(v, i, &end, out);
		if (rc < 0)
			break;
		i = end;
	}
	st->from = i;
}
