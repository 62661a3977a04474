#include "safety/links/code.h"

#include "base/text/ascii.h"

#define FENCE_MIN  3
#define RUN_MAX    64  /* signs of a fence; more are not followed */
#define LINE_LOOK  160 /* bytes of a line that may be looked at behind its fence */
#define SPAN_MAX   512 /* bytes of a code span */
#define MARKER_MAX 32  /* bytes of the markers of lists and quotations before a fence */

struct fence_line {
	size_t first;  /* the first byte that is no blank */
	size_t indent; /* columns before it */
	size_t run;    /* how often that byte stands there, if it may be a fence */
};

static bool is_fence(char c)
{
	return c == '`' || c == '~';
}

static size_t run_at(const struct scan_view *v, size_t i)
{
	size_t p = i;

	while (p < v->len && p - i <= RUN_MAX && v->s[p] == v->s[i])
		p++;
	return p - i;
}

/* Read the beginning of a line. False: more text is needed. */
static bool line_read(const struct scan_view *v, size_t i, struct fence_line *line)
{
	size_t p = i;

	*line = (struct fence_line){ 0 };
	for (; p < v->len && p - i < LINE_LOOK && (v->s[p] == ' ' || v->s[p] == '\t'); p++)
		line->indent = v->s[p] == ' ' ? line->indent + 1 : (line->indent / 4 + 1) * 4;
	line->first = p;
	if (p == v->len)
		return v->end;
	if (is_fence(v->s[p]))
		line->run = run_at(v, p);
	return p + line->run < v->len || v->end || line->run > RUN_MAX;
}

static bool ends_line(char c)
{
	return c == '\n' || c == '\r';
}

/* Whether nothing but blanks, or no backtick, follows to the end of the line. */
static enum outcome rest_of_line(const struct scan_view *v, size_t p, bool blank, bool *too_long)
{
	*too_long = false;
	for (size_t from = p; p - from < LINE_LOOK; p++) {
		if (p == v->len)
			return v->end ? YES : MORE;
		if (ends_line(v->s[p]))
			return YES;
		if (blank ? v->s[p] != ' ' && v->s[p] != '\t' : v->s[p] == '`')
			return NO;
	}
	*too_long = true;
	return NO;
}

/* Nothing can be told any more: text from here on. */
static enum outcome code_lose(struct code *c)
{
	c->fenced = false;
	c->lost = true;
	return NO;
}

/* A line within a fence at the margin. */
static enum outcome fenced_line(struct code *c, const struct scan_view *v,
				const struct fence_line *line)
{
	enum outcome rc;
	bool too_long;

	if (line->first == v->len || v->s[line->first] != c->ch || line->indent > 3 ||
	    line->run < c->n)
		return YES;
	if (line->run > RUN_MAX)
		return code_lose(c);
	rc = rest_of_line(v, line->first + line->run, true, &too_long);
	if (rc == MORE)
		return MORE;
	if (too_long)
		return code_lose(c);
	c->fenced = rc == NO;
	return YES;
}

/* A fence behind "- ", "> " or "1. ", or set in by four columns or more. */
static enum outcome contained_fence(const struct scan_view *v, size_t i,
				    const struct fence_line *line)
{
	size_t p = line->first;

	while (p < v->len && p - i < MARKER_MAX && !is_fence(v->s[p]) &&
	       (v->s[p] == ' ' || v->s[p] == '\t' || v->s[p] == '>' || v->s[p] == '-' ||
		v->s[p] == '*' || v->s[p] == '+' || v->s[p] == '.' || v->s[p] == ')' ||
		ascii_is_digit(v->s[p])))
		p++;
	if (p < v->len && is_fence(v->s[p]) && (p > line->first || line->indent > 3)) {
		size_t n = run_at(v, p);

		if (n < FENCE_MIN && p + n == v->len && !v->end)
			return MORE;
		return n >= FENCE_MIN ? YES : NO;
	}
	return p == v->len && p - i < MARKER_MAX && !v->end ? MORE : NO;
}

static enum outcome open_fence(struct code *c, const struct scan_view *v,
			       const struct fence_line *line)
{
	const char ch = v->s[line->first];
	bool too_long;
	/*
	 * What is said behind tildes does not matter, but backticks behind backticks are a code
	 * span.
	 */
	enum outcome rc =
		rest_of_line(v, line->first + line->run, c->indented || ch == '~', &too_long);

	if (rc == MORE)
		return MORE;
	if (c->indented) {
		if (rc == NO || ch != c->ch || line->run < c->n || line->indent < c->indent)
			return code_lose(c);
		c->indented = false;
		return NO;
	}
	if (ch == '`' && rc == NO && !too_long)
		return NO;
	if (too_long || line->run > RUN_MAX || (line->indent > 0 && c->contained))
		return code_lose(c);
	c->fenced = line->indent == 0;
	c->indented = !c->fenced;
	c->ch = ch;
	c->n = line->run;
	c->indent = line->indent;
	return c->fenced ? YES : NO;
}

enum outcome code_line(struct code *c, const struct scan_view *v, size_t i)
{
	struct fence_line line;
	enum outcome rc;

	if (c->lost)
		return NO;
	if (!line_read(v, i, &line))
		return MORE;
	if (c->fenced)
		return fenced_line(c, v, &line);
	if (line.run >= FENCE_MIN && line.indent <= 3)
		return open_fence(c, v, &line);
	rc = contained_fence(v, i, &line);
	if (rc == MORE)
		return MORE;
	c->contained = c->contained || rc == YES;
	/* In a list an indented fence ends with its item; at the margin it does not. */
	if (c->indented && line.first < v->len && !ends_line(v->s[line.first]) &&
	    (line.indent < c->indent || rc == YES))
		return code_lose(c);
	return NO;
}

enum outcome code_span(const struct scan_view *v, size_t i, size_t *end)
{
	size_t n = run_at(v, i), p = i + n;

	*end = p;
	if (p == v->len && !v->end && n <= RUN_MAX)
		return MORE;
	if (n > RUN_MAX)
		return NO;
	while (p < v->len && p - i < SPAN_MAX) {
		size_t run;

		if (ends_line(v->s[p]) || v->s[p] == '|')
			return NO;
		if (v->s[p] != '`') {
			p++;
			continue;
		}
		run = run_at(v, p);
		if (p + run == v->len && !v->end && run <= RUN_MAX)
			return MORE;
		p += run;
		if (run == n) {
			*end = p;
			return YES;
		}
	}
	return p == v->len && p - i < SPAN_MAX && !v->end ? MORE : NO;
}
