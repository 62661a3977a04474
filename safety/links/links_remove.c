#include "safety/links/links_private.h"
#include "safety/links/url.h"

#define RANK_LINK 40

/* clang-format off */
const struct span_kind links_bare  = { "link",  "[link removed]",    0, RAGD_REDACT };
const struct span_kind links_link  = { "link",  "] [link removed]",  0, RAGD_REDACT };
const struct span_kind links_image = { "image", "] [image removed]", 0, RAGD_REDACT };
/* clang-format on */

static void span_add(struct links *l, struct links_at *at, size_t end, struct text_span span)
{
	span.start = l->base + at->i;
	span.end = l->base + end;
	span.score = 1.0f;
	span.rank = RANK_LINK;
	if (!l->collects)
		spans_add(at->out, &span);
	at->i = end;
}

void links_remove_to(struct links *l, struct links_at *at, size_t end, const struct span_kind *kind,
		     bool joins)
{
	span_add(l, at, end, (struct text_span){ .kind = kind, .joins = joins });
}

void links_remove_html(struct links *l, struct links_at *at, size_t end,
		       const struct span_kind *kind, const char *fallback)
{
	span_add(l, at, end, (struct text_span){ .kind = kind, .fallback = fallback });
}

void links_swallow_begin(struct links *l, struct links_at *at, const struct span_kind *kind)
{
	links_remove_to(l, at, at->i + URL_MAX, kind, false);
	l->swallows = !l->collects;
}

void links_swallow(struct links *l, struct links_at *at)
{
	size_t end = at->i;

	while (end < at->v.len && !url_ends(at->v.s[end]))
		end++;
	l->swallows = end == at->v.len;
	if (end > at->i)
		links_remove_to(l, at, end, &links_bare, true);
}
