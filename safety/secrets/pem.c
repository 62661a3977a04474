#include "safety/secrets/pem.h"

#include <string.h>

#include "base/text/ascii.h"

#define DASHES     "-----"
#define HEADER_MAX 80
#define RUN_MIN    16 /* so many bytes of base64 are no word */
#define GAP_MAX    32 /* bytes of white space inside a key */

static bool is_body(char c)
{
	return ascii_is_alnum(c) || c == '+' || c == '/' || c == '=' || c == '\\';
}

/* White space, and what quotes lines of a key in code. */
static bool is_gap(char c)
{
	return ascii_is_space(c) || c == '"' || c == '\'' || c == ',';
}

/*
 * How the key goes on at s[p): YES and *end past a piece of it; NO where it does not; MORE. A piece
 * is a long run of base64, a short one with a digit or sign in it, or a header such as "Version:
 * 1".
 */
static enum outcome key_piece(const struct scan_view *v, size_t p, size_t *end)
{
	const char *s = v->s;
	size_t q = p;
	bool sign = false;

	while (q < v->len && q - p < RUN_MIN && is_body(s[q])) {
		sign = sign || !ascii_is_alpha(s[q]);
		q++;
	}
	*end = q;
	if (q - p == RUN_MIN)
		return YES;
	if (q == v->len && !v->end)
		return MORE;
	if (q > p && q < v->len && (s[q] == ':' || s[q] == '-') && ascii_is_upper(s[p])) {
		/* "Proc-Type: 4,ENCRYPTED": to the end of the line */
		while (q < v->len && q - p < HEADER_MAX && s[q] != '\n')
			q++;
		if (q == v->len && !v->end && q - p < HEADER_MAX)
			return MORE;
		*end = q;
		return memchr(s + p, ':', q - p) != NULL ? YES : NO;
	}
	return q > p && sign && (q == v->len || is_gap(s[q]) || s[q] == '-') ? YES : NO;
}

/* The end of "-----END ...-----" at s[p), if that is there. */
static enum outcome last_line(const struct scan_view *v, size_t p, size_t *end)
{
	const char *s = v->s, *dashes;
	size_t have = v->len - p, look;

	if (memcmp(s + p, "-----END", have < 8 ? have : 8) != 0)
		return NO;
	if (have < 8)
		return v->end ? NO : MORE;
	look = have < HEADER_MAX ? have : HEADER_MAX;
	dashes = memmem(s + p + 8, look - 8, DASHES, 5);
	if (dashes == NULL) {
		*end = p + look;
		return look < HEADER_MAX && !v->end ? MORE : YES;
	}
	*end = (size_t)(dashes - s) + 5;
	return YES;
}

enum outcome pem_try(const struct scan_view *v, size_t i, size_t *body)
{
	static const char begin[] = "-----BEGIN";
	const char *s = v->s, *key;
	size_t have = v->len - i, look, p, unused;

	if (memcmp(s + i, begin, have < 10 ? have : 10) != 0)
		return NO;
	if (have < 10)
		return v->end ? NO : MORE;
	look = have < HEADER_MAX ? have : HEADER_MAX;
	key = memmem(s + i + 10, look - 10, DASHES, 5);
	if (key == NULL)
		return look < HEADER_MAX && !v->end ? MORE : NO;
	p = (size_t)(key - s) + 5;
	if (memmem(s + i, p - i, "PRIVATE", 7) == NULL)
		return NO;
	*body = p;
	while (p < v->len && p - *body < GAP_MAX && (is_gap(s[p]) || s[p] == '\\'))
		p += s[p] == '\\' && p + 1 < v->len ? 2 : 1;
	if (p >= v->len)
		return v->end ? NO : MORE;
	return key_piece(v, p, &unused);
}

bool pem_go_on(struct scanner *st, const struct scan_view *v, struct spans *out)
{
	const char *s = v->s;
	size_t p, end;
	enum outcome rc;

	for (;;) {
		/* Inside a run there is nothing to decide. */
		while (st->from < v->len && is_body(s[st->from]))
			st->from++;
		p = st->from;
		while (p < v->len && p - st->from < GAP_MAX && is_gap(s[p]))
			p++;
		rc = MORE;
		if (p == v->len && v->end)
			rc = NO;
		else if (p < v->len)
			rc = p - st->from == GAP_MAX ? NO : last_line(v, p, &end);
		if (rc == YES) {
			st->from = end;
			break;
		}
		if (rc == NO && p < v->len)
			rc = key_piece(v, p, &end);
		if (rc == MORE)
			return true;
		if (rc == NO)
			break;
		st->from = end;
	}
	st->found.end = st->from;
	st->open = false;
	spans_add(out, &st->found);
	return false;
}
