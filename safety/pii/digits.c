#include "safety/pii/digits.h"

#include <string.h>

#include "base/text/ascii.h"

static bool is_sep(char c)
{
	return c == ' ' || c == '-' || c == '.' || c == '/' || c == '(' || c == ')';
}

/* Whether the byte before s[i] ties it to something in front: "v1.", "10-", "3/". */
static bool is_joined(const char *s, size_t i)
{
	if (i == 0)
		return false;
	if (s[i - 1] == '-' || s[i - 1] == '.' || s[i - 1] == '/')
		return i >= 2 && ascii_is_digit(s[i - 2]);
	return s[i - 1] == ',' && i >= 2 && ascii_is_digit(s[i - 2]);
}

ssize_t digit_run_wide_sep(const struct scan_view *v, size_t p, char *kind)
{
	size_t n = 0;

	*kind = ' ';
	for (; p + n < v->len && n < SEP_MAX; n++) {
		char c = v->s[p + n];

		if (ascii_is_space(c) || c == '|' || c == '(' || c == ')')
			continue;
		if (c == '\0' || strchr("-./,:;_*~", c) == NULL)
			break;
		if (*kind != ' ' && *kind != c)
			return 0;
		*kind = c;
	}
	if (p + n == v->len && n < SEP_MAX && !v->end)
		return -1;
	return n < SEP_MAX ? (ssize_t)n : 0;
}

/* Whether a number of some length stands in front of a separator that ends at s[i). */
static bool follows_number(const char *s, size_t i)
{
	size_t p = i, n = 0;

	while (p > 0 && i - p < SEP_MAX && (ascii_is_space(s[p - 1]) || s[p - 1] == '|'))
		p--;
	while (p > n && p < i && n < ROW_DIGITS && ascii_is_digit(s[p - n - 1]))
		n++;
	return n == ROW_DIGITS;
}

/* The separator between groups at s[p) into sep, as digit_run_wide_sep. */
static ssize_t read_sep(const struct scan_view *v, size_t p, bool wide, char sep[3], size_t *n_sep)
{
	size_t n;

	if (wide) {
		*n_sep = 1;
		return digit_run_wide_sep(v, p, sep);
	}
	for (n = 0; n < 3 && p + n < v->len && is_sep(v->s[p + n]); n++)
		sep[n] = v->s[p + n];
	*n_sep = n;
	return p + n == v->len && !v->end ? -1 : (ssize_t)n;
}

int digit_run_read(const struct scan_view *v, size_t i, bool wide, struct digit_run *r)
{
	struct digit_group next = { 0 };
	size_t p = i, q;
	ssize_t k;

	memset(r, 0, sizeof(*r));
	r->start = i;
	r->wide = wide;
	r->joined = is_joined(v->s, i) || (wide && follows_number(v->s, i));
	for (; p < v->len && p - i < 2 && !ascii_is_digit(v->s[p]); p++) {
		if (v->s[p] == '+' && !r->plus)
			r->plus = true;
		else if (v->s[p] == '(' && !r->paren)
			r->paren = true;
		else
			return 0;
	}
	while (r->n < GROUPS_MAX) {
		for (q = p; q < v->len && ascii_is_digit(v->s[q]) && q - p <= DIGITS_MAX; q++)
			;
		if (q == v->len && !v->end && q - p <= DIGITS_MAX)
			return -1;
		if (q == p || r->n_digits + (q - p) > DIGITS_MAX)
			break;
		next.start = p;
		next.end = q;
		r->g[r->n++] = next;
		memcpy(r->digits + r->n_digits, v->s + p, q - p);
		r->n_digits += q - p;
		k = read_sep(v, q, wide, next.sep, &next.n_sep);
		if (k < 0)
			return -1;
		if (k == 0)
			break;
		p = q + (size_t)k;
	}
	if (r->n == 0)
		return 0;
	r->paren = r->paren && r->g[0].end < v->len && v->s[r->g[0].end] == ')';
	return 1;
}

size_t digit_run_count(const struct digit_run *r, size_t k)
{
	size_t n = 0;

	for (size_t i = 0; i < k; i++)
		n += r->g[i].end - r->g[i].start;
	return n;
}

bool digit_run_has_shape(const struct digit_run *r, const char *lengths, char sep)
{
	size_t i = 0;

	for (; *lengths != '\0'; lengths++) {
		if (*lengths == '-')
			continue;
		if (i == r->n || r->g[i].end - r->g[i].start != (size_t)(*lengths - '0'))
			return false;
		if (i > 0 && sep != 0 && (r->g[i].n_sep != 1 || r->g[i].sep[0] != sep))
			return false;
		i++;
	}
	return true;
}

bool luhn_ok(const char *digits, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned)(digits[n - 1 - i] - '0');

		if (i % 2 == 1)
			d = d > 4 ? 2 * d - 9 : 2 * d;
		sum += d;
	}
	return sum % 10 == 0;
}
