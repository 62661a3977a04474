#include "base/text/blocks.h"

#include <string.h>

#include "base/text/ascii.h"
#include "base/text/utf8.h"

#define MARKER_MAX 60  /* bytes of a field's name */
#define RULE_MAX   256 /* columns of a line of punctuation */
#define TAB        8

int peek_at(struct peek *p, size_t i)
{
	if (i < p->len)
		return (unsigned char)p->text[i];
	p->starved |= !p->last;
	return -1;
}

size_t peek_char(struct peek *p, size_t i, uint32_t *cp)
{
	int c = peek_at(p, i);
	size_t n;

	*cp = 0;
	if (c < 0x80) {
		*cp = c < 0 ? 0 : (uint32_t)c;
		return c < 0 ? 0 : 1;
	}
	n = utf8_next(p->text + i, p->len - i, cp);
	if (n == 1 && !p->last && utf8_whole(p->text + i, p->len - i) == 0) {
		p->starved = true;
		return 0;
	}
	return n;
}

/* White space within a line. */
static bool is_blank(int c)
{
	return ascii_is_space(c) && c != '\n';
}

/* White space, a newline or the end. */
static bool is_gap(int c)
{
	return is_blank(c) || c == '\n' || c < 0;
}

size_t block_line_end(struct peek *p, size_t at, size_t max)
{
	size_t n = at < p->len ? p->len - at : 0;
	const char *nl;

	n = n < max ? n : max;
	nl = n > 0 ? memchr(p->text + at, '\n', n) : NULL;
	if (nl != NULL)
		return (size_t)(nl - p->text);
	if (n < max)
		p->starved |= !p->last;
	return at + n;
}

static size_t run_of(struct peek *p, size_t at, int c)
{
	size_t n = 0;

	while (n < RULE_MAX && peek_at(p, at + n) == c)
		n++;
	return n;
}

/* A line of one punctuation character, three times at least, also in columns. */
static bool is_rule(struct peek *p, size_t at)
{
	int c = peek_at(p, at), d;
	size_t n = 0;

	if (c <= 0 || strchr("=-~^\"'*+#:._", c) == NULL)
		return false;
	for (size_t i = 0; i < RULE_MAX; i++, at++) {
		d = peek_at(p, at);
		if (d == c)
			n++;
		else if (d == '\n' || d < 0)
			return n >= 3;
		else if (!is_blank(d))
			return false;
	}
	return false;
}

/* Digits, a letter or '#', then '.' or ')' and a space: "1.", "2)", "#."; bytes with the space. */
static size_t number_marker(struct peek *p, size_t at, unsigned *number)
{
	size_t i = at;
	int c;

	*number = 0;
	if (peek_at(p, i) == '#') {
		i++;
	} else {
		for (c = peek_at(p, i); c >= '0' && c <= '9' && i - at < 3; c = peek_at(p, ++i))
			*number = 10 * *number + (unsigned)(c - '0');
	}
	c = peek_at(p, i);
	if (i == at || (c != '.' && c != ')') || !is_blank(peek_at(p, i + 1)))
		return 0;
	return i + 2 - at;
}

static size_t bullet_marker(struct peek *p, size_t at)
{
	uint32_t cp;
	size_t n = peek_char(p, at, &cp);

	if (cp != '-' && cp != '*' && cp != '+' && cp != 0x2022 && cp != 0x25e6 && cp != 0x2023)
		return 0;
	return is_blank(peek_at(p, at + n)) ? n + 1 : 0;
}

/* ":name: "; a role such as :func:`x` goes on after its second colon. */
static size_t field_marker(struct peek *p, size_t at)
{
	int c;

	for (size_t i = at + 1; i - at < MARKER_MAX; i++) {
		c = peek_at(p, i);
		if (c == ':')
			return i > at + 1 && is_gap(peek_at(p, i + 1)) ? i + 1 - at : 0;
		if (c == '\n' || c == '`' || c < 0 || (i == at + 1 && is_blank(c)))
			return 0;
	}
	return 0;
}

static void block_classify(struct peek *p, struct block *b)
{
	size_t at = b->first, n;
	int c = peek_at(p, at);

	b->kind = BLOCK_TEXT;
	if (c == '\n' || c < 0) {
		b->kind = BLOCK_BLANK;
	} else if ((c == '`' || c == '~') && run_of(p, at, c) >= 3) {
		b->kind = BLOCK_FENCE;
	} else if (is_rule(p, at)) {
		b->kind = BLOCK_RULE;
	} else if (c == '|' ||
		   (c == '+' && (peek_at(p, at + 1) == '-' || peek_at(p, at + 1) == '='))) {
		b->kind = BLOCK_ROW;
	} else if ((b->marker = number_marker(p, at, &b->number)) > 0) {
		b->kind = BLOCK_NUMBER;
	} else if ((b->marker = bullet_marker(p, at)) > 0) {
		b->kind = BLOCK_BULLET;
	} else if (c == '#' && (n = run_of(p, at, '#')) <= 6 && is_blank(peek_at(p, at + n))) {
		b->kind = BLOCK_HEADING;
	} else if (c == '.' && peek_at(p, at + 1) == '.' && is_blank(peek_at(p, at + 2))) {
		b->kind = BLOCK_DIRECTIVE;
		b->marker = 3;
	} else if (c == ':' && (b->marker = field_marker(p, at)) > 0) {
		b->kind = BLOCK_FIELD;
	}
}

void block_read(struct peek *p, size_t at, struct block *out)
{
	int c;

	memset(out, 0, sizeof(*out));
	for (;; at++) {
		c = peek_at(p, at);
		if (c == '\t')
			out->indent += TAB - out->indent % TAB;
		else if (c == '>') /* a quotation is text like any other */
			out->indent = 0;
		else if (is_blank(c))
			out->indent++;
		else
			break;
	}
	out->first = at;
	block_classify(p, out);
}
