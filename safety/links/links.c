#include "safety/links/links.h"

#include <stdlib.h>

#include "base/text/ascii.h"
#include "safety/links/linkless.h"
#include "safety/links/links_private.h"

/* A line begins; whether it is code. */
static enum outcome begin_line(struct links *l, struct links_at *at)
{
	enum outcome rc = code_line(&l->code, &at->v, at->i);

	if (rc == MORE)
		return MORE;
	l->line = false;
	l->in_code = rc == YES;
	l->margin = true;
	l->bared = false;
	return YES;
}

/* To the end of the line. */
static void pass_line(struct links *l, struct links_at *at)
{
	const struct scan_view *v = &at->v;

	while (at->i < v->len && v->s[at->i] != '\n' && v->s[at->i] != '\r')
		at->i++;
	if (at->i < v->len) {
		at->i++;
		l->line = true;
		l->in_code = false;
	}
}

/* What stands at the place of the scan. NO: nothing but itself. */
static enum outcome read_char(struct links *l, struct links_at *at, char c)
{
	enum outcome rc;

	switch (c) {
	case '\n':
	case '\r':
		l->line = true;
		return NO;
	case '`':
		return links_read_backticks(l, at);
	case '<':
		return links_read_angle(l, at);
	case '[':
		l->brackets = l->brackets << 1 | (links_byte_before(l, at) == '!');
		l->depth++;
		return NO;
	case ']':
		return links_read_bracket(l, at);
	case '&':
	case '%':
		rc = links_read_scheme(l, at);
		return rc == NO ? links_read_network(l, at) : rc;
	case '/':
		return links_read_network(l, at);
	case '\\':
		rc = links_read_network(l, at);
		if (rc != NO)
			return rc;
		if (at->i + 1 == at->v.len)
			return at->v.end ? NO : MORE;
		/* An escaped backtick begins no code. */
		at->i += at->v.s[at->i + 1] == '`' || at->v.s[at->i + 1] == '\\' ? 2 : 1;
		return YES;
	default:
		return ascii_is_alnum(c) ? links_read_word(l, at) : NO;
	}
}

/*
 * Where a tag went from the beginning of a line, the line may begin with a fence now, which was not
 * seen as one: then nothing is code any more.
 */
static void leave_margin(struct links *l, char c)
{
	if (c == ' ' || c == '\t' || c == '<')
		return;
	l->code.lost = l->code.lost || (l->bared && !ascii_is_alpha(c) && c != '\n' && c != '\r');
	l->margin = false;
}

/* Go on by what stands here. MORE: it is not decided. */
static enum outcome scan_step(struct links *l, struct links_at *at)
{
	enum outcome rc;
	char c;

	if (!l->margin && !l->long_run) {
		at->i = linkless_end(&at->v, at->i);
		if (at->i == at->v.len)
			return YES;
	}
	c = at->v.s[at->i];
	if (l->margin)
		leave_margin(l, c);
	l->long_run = l->long_run && c == '`';
	rc = read_char(l, at, c);
	if (rc == NO)
		at->i++;
	return rc;
}

static void scan_links(struct links *l, struct links_at *at)
{
	enum outcome rc = YES;

	while (rc != MORE && at->i < at->v.len) {
		rc = YES;
		if (l->swallows)
			links_swallow(l, at);
		else if (l->line)
			rc = begin_line(l, at);
		else if (l->in_code)
			pass_line(l, at);
		else
			rc = scan_step(l, at);
	}
}

struct links *links_new(const struct ragd_screen *screen, const char *const *hosts)
{
	struct links *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->screen = *screen;
	l->hosts = hosts;
	l->scan = scan_links;
	l->line = true;
	l->before = '\n';
	return l;
}

void links_free(struct links *l)
{
	if (l == NULL)
		return;
	known_fini(&l->known);
	buf_fini(&l->held);
	free(l);
}

uint32_t links_feed(struct links *l, const char *raw, size_t len, uint32_t from, bool end,
		    struct spans *out)
{
	struct links_at at = { .v = { raw, len, end }, .out = out };
	const bool held = l->held.len > 0;

	if (held) {
		buf_add(&l->held, raw, len);
		at.v = (struct scan_view){ l->held.data, l->held.len, end };
	} else {
		l->base = from;
	}
	if (links_failed(l))
		return l->base;
	scan_links(l, &at);
	if (at.i > 0)
		l->before = at.v.s[at.i - 1];
	l->base += (uint32_t)at.i;
	if (held)
		buf_consume(&l->held, at.i);
	else if (at.i < len)
		buf_add(&l->held, raw + at.i, len - at.i);
	return l->base;
}

bool links_failed(const struct links *l)
{
	return l->failed || l->known.failed || buf_failed(&l->held);
}
