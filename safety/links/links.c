#include "safety/links/links.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text/ascii.h"
#include "base/util.h"
#include "safety/links/code.h"
#include "safety/links/html.h"
#include "safety/links/known.h"
#include "safety/links/linkless.h"
#include "safety/links/target.h"
#include "safety/links/url.h"

#define RANK_LINK    40
#define HTML_REMOVED "[HTML removed]"

/* clang-format off */
static const struct span_kind bare   = { "link",  "[link removed]",    0, RAGD_REDACT };
static const struct span_kind link   = { "link",  "] [link removed]",  0, RAGD_REDACT };
static const struct span_kind image  = { "image", "] [image removed]", 0, RAGD_REDACT };
static const struct span_kind tag    = { "html",  "",                  0, RAGD_REDACT };
static const struct span_kind spaced = { "html",  " ",                 0, RAGD_REDACT };
static const struct span_kind loose  = { "html",  "< ",                0, RAGD_REDACT };
/* clang-format on */

struct links {
	struct ragd_screen screen;
	const char *const *hosts;
	struct known known; /* addresses and tags of the evidence */
	bool read;          /* it was */
	bool collects;      /* what is gone through is the evidence */
	struct buf held;    /* what is not decided; begins at raw offset `base` */
	uint32_t base;
	char before;   /* the byte before `held` */
	bool line;     /* a line begins here */
	bool in_code;  /* its rest is code */
	uint32_t span; /* raw offset: a code span goes up to here; tags in it are text */
	bool margin;   /* nothing but blanks, and tags that went, stands before in it */
	bool bared;    /* such a tag: what stands behind it now begins the line */
	bool long_run; /* within more backticks than are followed */
	bool swallows; /* within an address that is too long */
	struct code code;
	uint64_t brackets; /* open '[', the last one lowest: whether it is an image's */
	unsigned depth;
	bool failed;
};

/* One view of the text and where the scan is in it. */
struct at {
	struct scan_view v;
	size_t i;
	struct spans *out;
};

struct links *links_new(const struct ragd_screen *screen, const char *const *hosts)
{
	struct links *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->screen = *screen;
	l->hosts = hosts;
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

static char byte_before(const struct links *l, const struct at *at)
{
	return at->i > 0 ? at->v.s[at->i - 1] : l->before;
}

/*
 * To the end given nothing leaves but the kind's marker, or nothing if it goes on with what went
 * before. A tag goes without a trace only where personal data was looked for without it, too.
 */
static void remove_to(struct links *l, struct at *at, size_t end, const struct span_kind *kind,
		      bool joins)
{
	struct text_span span = { l->base + at->i, l->base + end,     .kind = kind,
				  .score = 1.0f,   .rank = RANK_LINK, .joins = joins };

	if (kind == &tag || kind == &spaced)
		span.fallback = HTML_REMOVED;
	if (!l->collects)
		spans_add(at->out, &span);
	at->i = end;
}

/* ---- the evidence ---- */

static void scan_links(struct links *l, struct at *at);

static void collect_links(struct links *l, struct ragd_str text)
{
	struct links reader = { .known = l->known,
				.collects = true,
				.read = true,
				.line = true,
				.before = '\n',
				.code.lost = true };
	struct at at = { .v = { text.len > 0 ? text.s : "", text.len, true } };

	scan_links(&reader, &at);
	l->known = reader.known;
	l->failed = l->failed || reader.failed;
}

static bool is_known(struct links *l, const char *s, size_t len)
{
	if (!l->read) {
		l->read = true;
		for (size_t i = 0; i < l->screen.n_passages; i++) {
			collect_links(l, l->screen.passages[i].title);
			collect_links(l, l->screen.passages[i].heading);
			collect_links(l, l->screen.passages[i].text);
		}
		collect_links(l, l->screen.question);
	}
	return known_has(&l->known, s, len);
}

/* Whether the address may leave; of evidence: take it down. */
static bool may_leave(struct links *l, const char *s, size_t len)
{
	struct buf norm = BUF_INIT;
	bool ok = l->collects;

	url_normalise(s, len, &norm);
	if (l->collects && norm.len > 0)
		known_add(&l->known, norm.data, norm.len);
	else if (norm.len > 0 && memchr(s, '`', len) == NULL)
		ok = url_on_host(norm.data, norm.len, l->hosts) || is_known(l, norm.data, norm.len);
	l->failed = l->failed || buf_failed(&norm);
	buf_fini(&norm);
	return ok;
}

/* ---- Markdown's links ---- */

/* What is too long to be read goes as it comes. */
static void start_swallowing(struct links *l, struct at *at, const struct span_kind *kind)
{
	remove_to(l, at, at->i + URL_MAX, kind, false);
	l->swallows = !l->collects;
}

/* "](", the end of a link's text, or "]:" of a definition. */
static enum outcome read_bracket(struct links *l, struct at *at)
{
	const struct scan_view *v = &at->v;
	const struct span_kind *kind = l->brackets & 1 ? &image : &link;
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
		start_swallowing(l, at, next == ':' ? &bare : kind);
		return YES;
	}
	if (rc == NO || t.end == t.start ||
	    (!t.too_far && url_is_local(s + t.start, t.end - t.start))) {
		at->i++;
		return YES;
	}
	if (!t.too_far && may_leave(l, s + t.start, t.end - t.start)) {
		/* On another line it is read once more, as text. */
		at->i = memchr(s + at->i, '\n', t.end - at->i) == NULL ? t.end : at->i + 1;
		return YES;
	}
	if (next == ':') { /* what is named stays */
		at->i = t.first;
		kind = &bare;
	}
	remove_to(l, at, t.close > 0 ? t.close : t.end, kind, false);
	return YES;
}

/* ---- addresses in text ---- */

/* Of evidence also what stands before a sign that may be its own text's: in JSON, in a table. */
static void collect_parts(struct links *l, const char *s, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len && n < 8; i++)
		if (s[i] != '\0' && strchr("\"'`|)]}>\\*,;", s[i]) != NULL) {
			may_leave(l, s, i);
			n++;
		}
}

/* An address that begins here, of which the part before `body` is clear. */
static enum outcome read_address(struct links *l, struct at *at, size_t body)
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
		start_swallowing(l, at, &bare);
		return YES;
	}
	all = end;
	end = url_trail(s, body, end);
	if (end == body) { /* "the prefix https://" */
		at->i = end;
		return YES;
	}
	if (l->collects)
		collect_parts(l, s + start, all - start);
	if (may_leave(l, s + start, end - start)) {
		at->i = end;
		return YES;
	}
	remove_to(l, at, end, &bare, false);
	return YES;
}

/* An address with a scheme. */
static enum outcome with_scheme(struct links *l, struct at *at)
{
	size_t body;
	enum outcome rc = url_scheme(&at->v, at->i, &body);

	return rc == YES ? read_address(l, at, body) : rc;
}

/* A run of what a scheme or a host is made of; "www." counts where it begins one. */
static enum outcome read_word(struct links *l, struct at *at)
{
	const struct scan_view *v = &at->v;
	const char *s = v->s;
	size_t p = at->i;
	enum outcome rc = NO;

	while (p < v->len && url_is_scheme(s[p]))
		p++;
	if (p - at->i > 4 && !url_is_scheme(byte_before(l, at)) &&
	    ascii_to_lower(s[at->i]) == 'w' && ascii_to_lower(s[at->i + 1]) == 'w' &&
	    ascii_to_lower(s[at->i + 2]) == 'w' && s[at->i + 3] == '.' &&
	    ascii_is_alnum(s[at->i + 4]))
		return read_address(l, at, at->i + 4);
	/* Only its end can be a scheme, from a letter or digit on: a piece may end anywhere. */
	if (p - at->i > SCHEME_MAX)
		at->i = p - SCHEME_MAX;
	while (at->i < p && !ascii_is_alnum(s[at->i]))
		at->i++;
	if (p == v->len && !v->end)
		return MORE;
	if (p < v->len && (s[p] == ':' || s[p] == '&' || s[p] == '%'))
		rc = with_scheme(l, at);
	if (rc == NO)
		at->i = p;
	return rc == MORE ? MORE : YES;
}

/* //host/path, which a browser completes by the scheme of the page. */
static enum outcome without_scheme(struct links *l, struct at *at)
{
	size_t body;
	enum outcome rc = url_network(&at->v, at->i, byte_before(l, at), &body);

	return rc == YES ? read_address(l, at, body) : rc;
}

/* ---- HTML ---- */

/* <https://example.org>, and any other scheme: Markdown makes a link of it. */
static enum outcome read_autolink(struct links *l, struct at *at)
{
	const struct scan_view *v = &at->v;
	size_t end;
	enum outcome rc = target_read_autolink(v, at->i, &end);

	if (rc != YES)
		return rc;
	if (may_leave(l, v->s + at->i + 1, end - at->i - 1)) {
		at->i = end;
		return YES;
	}
	remove_to(l, at, end + 1, &bare, false);
	return YES;
}

/* Whether the scan is in a code span. */
static bool in_span(const struct links *l, const struct at *at)
{
	return l->base + at->i < l->span;
}

/* What stays at the beginning of a line may be HTML to a renderer, with the fences behind it. */
static void opens_block(struct links *l, const struct at *at)
{
	char next = at->i + 1 < at->v.len ? at->v.s[at->i + 1] : ' ';

	if (l->margin && (ascii_is_alpha(next) || next == '/' || next == '!' || next == '?'))
		l->code.lost = true;
}

static enum outcome read_angle(struct links *l, struct at *at)
{
	const struct scan_view *v = &at->v;
	enum html_sort sort;
	enum outcome rc = read_autolink(l, at);
	size_t end = 0;
	char prior = byte_before(l, at);

	if (rc != NO || in_span(l, at))
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
	if (sort == HTML_LOOSE || is_known(l, v->s + at->i, end - at->i)) {
		remove_to(l, at, at->i + 1, &loose, false);
		return YES;
	}
	/* So that no tag is put together from what stood around this one. */
	remove_to(l, at, end, sort == HTML_INLINE && strchr("</!?", prior) == NULL ? &tag : &spaced,
		  false);
	l->bared = l->margin;
	return YES;
}

/* ---- the text ---- */

/* Go on through what is too long. */
static void pass_overlong(struct links *l, struct at *at)
{
	size_t end = at->i;

	while (end < at->v.len && !url_ends(at->v.s[end]))
		end++;
	l->swallows = end == at->v.len;
	if (end > at->i)
		remove_to(l, at, end, &bare, true);
}

/* A line begins; whether it is code. */
static enum outcome begin_line(struct links *l, struct at *at)
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
static void pass_line(struct links *l, struct at *at)
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

static enum outcome read_backticks(struct links *l, struct at *at)
{
	size_t end;
	enum outcome rc;

	if (l->long_run || l->collects || in_span(l, at)) {
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

/* What stands at the place of the scan. NO: nothing but itself. */
static enum outcome read_char(struct links *l, struct at *at, char c)
{
	enum outcome rc;

	switch (c) {
	case '\n':
	case '\r':
		l->line = true;
		return NO;
	case '`':
		return read_backticks(l, at);
	case '<':
		return read_angle(l, at);
	case '[':
		l->brackets = l->brackets << 1 | (byte_before(l, at) == '!');
		l->depth++;
		return NO;
	case ']':
		return read_bracket(l, at);
	case '&':
	case '%':
		rc = with_scheme(l, at);
		return rc == NO ? without_scheme(l, at) : rc;
	case '/':
		return without_scheme(l, at);
	case '\\':
		rc = without_scheme(l, at);
		if (rc != NO)
			return rc;
		if (at->i + 1 == at->v.len)
			return at->v.end ? NO : MORE;
		/* An escaped backtick begins no code. */
		at->i += at->v.s[at->i + 1] == '`' || at->v.s[at->i + 1] == '\\' ? 2 : 1;
		return YES;
	default:
		return ascii_is_alnum(c) ? read_word(l, at) : NO;
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
static enum outcome scan_step(struct links *l, struct at *at)
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

static void scan_links(struct links *l, struct at *at)
{
	enum outcome rc = YES;

	while (rc != MORE && at->i < at->v.len) {
		rc = YES;
		if (l->swallows)
			pass_overlong(l, at);
		else if (l->line)
			rc = begin_line(l, at);
		else if (l->in_code)
			pass_line(l, at);
		else
			rc = scan_step(l, at);
	}
}

uint32_t links_feed(struct links *l, const char *raw, size_t len, uint32_t from, bool end,
		    struct spans *out)
{
	struct at at = { .v = { raw, len, end }, .out = out };
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
