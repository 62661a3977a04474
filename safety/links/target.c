#include "safety/links/target.h"

#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"
#include "safety/links/url.h"

#define TITLE_MAX 512 /* bytes of the title of a link */
#define WHITE_MAX 64  /* bytes of white space within a link */

static size_t skip_white(const struct scan_view *v, size_t p)
{
	size_t from = p;

	while (p < v->len && p - from < WHITE_MAX && ascii_is_space(v->s[p]))
		p++;
	return p;
}

static enum outcome address_read(const struct scan_view *v, size_t p, bool in_parens,
				 struct link_target *t)
{
	size_t depth = 0, from = p;
	bool angle;

	p = skip_white(v, p);
	if (p == v->len)
		return v->end ? NO : MORE;
	if (ascii_is_space(v->s[p])) {
		*t = (struct link_target){
			.first = from, .start = from, .end = p, .close = p, .too_far = true
		};
		return YES;
	}
	angle = v->s[p] == '<';
	t->first = p;
	t->start = p += angle;
	for (; p < v->len && p - t->start < URL_MAX; p++) {
		char c = v->s[p];

		if (angle ? c == '>' || c == '\n' || c == '\r' || c == '<'
			  : (unsigned char)c <= ' ' || c == 0x7f)
			break;
		if (c == '\\' && p + 1 < v->len && (unsigned char)v->s[p + 1] > ' ') {
			p++;
			continue;
		}
		if (in_parens && !angle && c == '(')
			depth++;
		if (in_parens && !angle && c == ')' && depth-- == 0)
			break;
	}
	if (p >= v->len && p - t->start < URL_MAX && !v->end)
		return MORE;
	t->end = MIN(p, v->len);
	t->too_long = p - t->start >= URL_MAX;
	t->close = angle && t->end < v->len && v->s[t->end] == '>' ? t->end + 1 : t->end;
	return YES;
}

enum outcome target_read(const struct scan_view *v, size_t p, struct link_target *t)
{
	enum outcome rc;
	size_t from;
	char quote;

	*t = (struct link_target){ 0 };
	rc = address_read(v, p, true, t);
	if (rc != YES || t->too_long || t->too_far)
		return rc;
	p = skip_white(v, t->close);
	t->close = 0;
	if (p == v->len)
		return v->end ? YES : MORE;
	if (strchr("\"'(", v->s[p]) != NULL && v->s[p] != '\0') {
		quote = v->s[p] == '(' ? ')' : v->s[p];
		for (from = p++; p < v->len && p - from < TITLE_MAX && v->s[p] != quote; p++)
			p += v->s[p] == '\\';
		if (p >= v->len)
			return v->end ? YES : MORE;
		if (v->s[p] != quote)
			return YES;
		p = skip_white(v, p + 1);
		if (p == v->len)
			return v->end ? YES : MORE;
	}
	if (v->s[p] == ')')
		t->close = p + 1;
	return YES;
}

enum outcome target_read_definition(const struct scan_view *v, size_t p, struct link_target *t)
{
	*t = (struct link_target){ 0 };
	return address_read(v, p, false, t);
}

enum outcome target_read_autolink(const struct scan_view *v, size_t i, size_t *end)
{
	size_t p = i + 1;

	if (p < v->len && !ascii_is_alpha(v->s[p]))
		return NO;
	while (p < v->len && p - i <= SCHEME_MAX && url_is_scheme(v->s[p]))
		p++;
	if (p + 1 >= v->len && !v->end && p - i <= SCHEME_MAX + 1)
		return MORE;
	if (p + 1 >= v->len || v->s[p] != ':' || v->s[p + 1] == ':' || p - i < 3)
		return NO;
	for (; p < v->len && p - i < URL_MAX; p++)
		if (v->s[p] == '>' || url_ends(v->s[p]))
			break;
	if (p == v->len && p - i < URL_MAX && !v->end)
		return MORE;
	*end = p;
	return p < v->len && v->s[p] == '>' ? YES : NO;
}
