#include <string.h>

#include "base/text/ascii.h"
#include "safety/links/links_private.h"
#include "safety/links/target.h"
#include "safety/links/url.h"

/* Of evidence also what stands before a sign that may be its own text's: in JSON, in a table. */
static void address_collect_parts(struct links *l, const char *s, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len && n < 8; i++)
		if (s[i] != '\0' && strchr("\"'`|)]}>\\*,;", s[i]) != NULL) {
			links_may_leave(l, s, i);
			n++;
		}
}

/* An address that begins here, of which the part before `body` is clear. */
static enum outcome address_read(struct links *l, struct links_at *at, size_t body)
{
	const struct scan_view *v = &at->v;
	const char *s = v->s;
	size_t start = at->i, end = body, all;
	struct link_target t;

	while (end < v->len && end - start < URL_MAX && !url_ends(s[end])) {
		/* [https://example.org](...): the text of a link ends before its target. */
		if (l->depth > 0 && s[end] == ']' && end + 1 < v->len && s[end + 1] == '(') {
			enum outcome rc = target_read(v, end + 2, &t);

			if (rc == MORE)
				return MORE;
			if (rc == YES && t.close > 0)
				break;
		}
		end++;
	}
	if (end == v->len && end - start < URL_MAX && !v->end)
		return MORE;
	if (end - start >= URL_MAX) {
		links_swallow_begin(l, at, &links_bare);
		return YES;
	}
	all = end;
	end = url_trail(s, body, end);
	if (end == body) { /* "the prefix https://" */
		at->i = end;
		return YES;
	}
	if (l->collects)
		address_collect_parts(l, s + start, all - start);
	if (links_may_leave(l, s + start, end - start)) {
		at->i = end;
		return YES;
	}
	links_remove_to(l, at, end, &links_bare, false);
	return YES;
}

/* An address with a scheme. */
enum outcome links_read_scheme(struct links *l, struct links_at *at)
{
	size_t body;
	enum outcome rc = url_scheme(&at->v, at->i, &body);

	return rc == YES ? address_read(l, at, body) : rc;
}

/* A run of what a scheme or a host is made of; "www." counts where it begins one. */
enum outcome links_read_word(struct links *l, struct links_at *at)
{
	const struct scan_view *v = &at->v;
	const char *s = v->s;
	size_t p = at->i;
	enum outcome rc = NO;

	while (p < v->len && url_is_scheme(s[p]))
		p++;
	if (p - at->i > 4 && !url_is_scheme(links_byte_before(l, at)) &&
	    ascii_to_lower(s[at->i]) == 'w' && ascii_to_lower(s[at->i + 1]) == 'w' &&
	    ascii_to_lower(s[at->i + 2]) == 'w' && s[at->i + 3] == '.' &&
	    ascii_is_alnum(s[at->i + 4]))
		return address_read(l, at, at->i + 4);
	/* Only its end can be a scheme, from a letter or digit on: a piece may end anywhere. */
	if (p - at->i > SCHEME_MAX)
		at->i = p - SCHEME_MAX;
	while (at->i < p && !ascii_is_alnum(s[at->i]))
		at->i++;
	if (p == v->len && !v->end)
		return MORE;
	if (p < v->len && (s[p] == ':' || s[p] == '&' || s[p] == '%'))
		rc = links_read_scheme(l, at);
	if (rc == NO)
		at->i = p;
	return rc == MORE ? MORE : YES;
}

/* //host/path, which a browser completes by the scheme of the page. */
enum outcome links_read_network(struct links *l, struct links_at *at)
{
	size_t body;
	enum outcome rc = url_network(&at->v, at->i, links_byte_before(l, at), &body);

	return rc == YES ? address_read(l, at, body) : rc;
}
