#include "retrieval/markdown_tame.h"

#include <stdbool.h>
#include <string.h>

#define MARKERS_MAX 16   /* of lists and quotes at the start of one line */
#define INDENT_MAX  64   /* columns; deeper, a list marker is text */
#define MARKUP_MAX  4096 /* characters that may be inline markup, between two blank lines */
#define LEADING_MAX 64   /* bytes of a line in which fences, rules and the like may stand */

/* What md4c keeps a mark for. */
static const bool markup[256] = {
	['*'] = true, ['_'] = true,  ['`'] = true, ['['] = true,  [']'] = true,
	['!'] = true, ['<'] = true,  ['>'] = true, ['&'] = true,  ['~'] = true,
	['$'] = true, ['\\'] = true, ['@'] = true, ['\0'] = true, ['^'] = true,
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes of a list or quote marker at s[i .. end), 0 if there is none. */
static size_t marker(const char *s, size_t i, size_t end)
{
	size_t n = 0;

	if (i == end)
		return 0;
	if (s[i] == '>')
		return 1;
	if (s[i] == '-' || s[i] == '+' || s[i] == '*') {
		n = 1;
	} else {
		while (i + n < end && n < 9 && is_digit(s[i + n]))
			n++;
		if (n == 0 || i + n == end || (s[i + n] != '.' && s[i + n] != ')'))
			return 0;
		n++;
	}
	return i + n == end || is_blank(s[i + n]) ? n : 0;
}

/* Walk over the markers that begin a line and defuse those that nest too deep; returns their end. */
static size_t line_markers(char *s, size_t i, size_t end)
{
	size_t n = 0, len, indent = 0;

	for (;;) {
		for (; i < end && is_blank(s[i]); i++)
			indent += s[i] == '\t' ? 8 : 1;
		len = marker(s, i, end);
		if (len == 0)
			return i;
		if (n++ == MARKERS_MAX || indent > INDENT_MAX) {
			s[i] = 'x';
			return i;
		}
		i += len;
		indent += len;
	}
}

void markdown_tame(const char *s, size_t len, char *tame)
{
	size_t n_markup = 0, end, i, leading;
	bool text;

	memcpy(tame, s, len);
	for (size_t at = 0; at < len; at = end + 1) {
		end = at;
		while (end < len && tame[end] != '\n' && tame[end] != '\r')
			end++;
		i = line_markers(tame, at, end);
		if (i == end)
			n_markup = 0;
		leading = i + LEADING_MAX;
		text = false;
		for (; i < end; i++) {
			if (tame[i] == ':' && i > 0 && tame[i - 1] == ']')
				tame[i] = ' ';
			if (!markup[(unsigned char)tame[i]]) {
				text = text || !is_blank(tame[i]);
			} else if (++n_markup > MARKUP_MAX && (text || i >= leading)) {
				tame[i] = 'x';
				text = true;
			}
		}
	}
}
