#include <string.h>

#include "safety/links/links_private.h"
#include "safety/links/target.h"
#include "safety/links/url.h"

/* "](", the end of a link's text, or "]:" of a definition. */
enum outcome links_read_bracket(struct links *l, struct links_at *at)
{
	const struct scan_view *v = &at->v;
	const struct span_kind *kind = l->brackets & 1 ? &links_image : &links_link;
	const char *s = v->s;
	struct link_target t = { 0 };
	enum outcome rc = NO;
	char next;

	if (at->i + 1 == v->len && !v->end)
		return MORE;
	next = at->i + 1 < v->len ? s[at->i + 1] : '\0';
	if (next == ':')
		rc = target_read_definition(v, at->i + 2, &t);
	else if (next == '(')
		rc = target_read(v, at->i + 2, &t);
	if (rc == MORE)
		return MORE;
	l->brackets >>= 1;
	l->depth -= l->depth > 0;
	if (rc == YES && t.too_long) {
		links_swallow_begin(l, at, next == ':' ? &links_bare : kind);
		return YES;
	}
	if (rc == NO || t.end == t.start ||
	    (!t.too_far && url_is_local(s + t.start, t.end - t.start))) {
		at->i++;
		return YES;
	}
	if (!t.too_far && links_may_leave(l, s + t.start, t.end - t.start)) {
		/* On another line it is read once more, as text. */
		at->i = memchr(s + at->i, '\n', t.end - at->i) == NULL ? t.end : at->i + 1;
		return YES;
	}
	if (next == ':') { /* what is named stays */
		at->i = t.first;
		kind = &links_bare;
	}
	links_remove_to(l, at, t.close > 0 ? t.close : t.end, kind, false);
	return YES;
}

enum outcome links_read_backticks(struct links *l, struct links_at *at)
{
	size_t end;
	enum outcome rc;

	if (l->long_run || l->collects || links_in_span(l, at)) {
		at->i++;
		return YES;
	}
	rc = code_span(&at->v, at->i, &end);
	if (rc == MORE)
		return MORE;
	if (rc == YES) {
		l->span = l->base + (uint32_t)end;
		at->i++;
		return YES;
	}
	l->long_run = end < at->v.len && at->v.s[end] == '`';
	at->i = end;
	return YES;
}
