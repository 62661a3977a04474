#include <string.h>

#include "base/text/ascii.h"
#include "safety/links/html.h"
#include "safety/links/links_private.h"
#include "safety/links/target.h"

#define HTML_REMOVED "[HTML removed]"

/* clang-format off */
static const struct span_kind tag    = { "html", "",   0, RAGD_REDACT };
static const struct span_kind spaced = { "html", " ",  0, RAGD_REDACT };
static const struct span_kind loose  = { "html", "< ", 0, RAGD_REDACT };
/* clang-format on */

/* <https://example.org>, and any other scheme: Markdown makes a link of it. */
static enum outcome autolink_read(struct links *l, struct links_at *at)
{
	const struct scan_view *v = &at->v;
	size_t end;
	enum outcome rc = target_read_autolink(v, at->i, &end);

	if (rc != YES)
		return rc;
	if (links_may_leave(l, v->s + at->i + 1, end - at->i - 1)) {
		at->i = end;
		return YES;
	}
	links_remove_to(l, at, end + 1, &links_bare, false);
	return YES;
}

/* What stays at the beginning of a line may be HTML to a renderer, with the fences behind it. */
static void opens_block(struct links *l, const struct links_at *at)
{
	char next = at->i + 1 < at->v.len ? at->v.s[at->i + 1] : ' ';

	if (l->margin && (ascii_is_alpha(next) || next == '/' || next == '!' || next == '?'))
		l->code.lost = true;
}

enum outcome links_read_angle(struct links *l, struct links_at *at)
{
	const struct scan_view *v = &at->v;
	const struct span_kind *kind;
	enum html_sort sort;
	enum outcome rc = autolink_read(l, at);
	size_t end = 0;
	char prior = links_byte_before(l, at);

	if (rc != NO || links_in_span(l, at))
		return rc;
	rc = html_read(v, at->i, &sort, &end);
	if (rc == NO)
		opens_block(l, at);
	if (rc != YES)
		return rc;
	if (l->collects) {
		if (sort != HTML_LOOSE)
			known_add(&l->known, v->s + at->i, end - at->i);
		at->i++;
		return YES;
	}
	/* What the documents say about HTML is to be read, not run. */
	if (sort == HTML_LOOSE || links_is_known(l, v->s + at->i, end - at->i)) {
		links_remove_html(l, at, at->i + 1, &loose, NULL);
		return YES;
	}
	/*
	 * So that no tag is put together from what stood around this one. It goes without a trace
	 * only where personal data was looked for without it, too.
	 */
	kind = sort == HTML_INLINE && strchr("</!?", prior) == NULL ? &tag : &spaced;
	links_remove_html(l, at, end, kind, HTML_REMOVED);
	l->bared = l->margin;
	return YES;
}
