#include "retrieval/formats/markdown_tame.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/ascii.h"

#define MARKERS_MAX 16   /* of lists and quotes at the start of one line */
#define INDENT_MAX  64   /* columns; deeper, a list marker is text */
#define ANGLES_MAX  4096 /* between two blank lines */
#define LEADING_MAX 64   /* bytes of a line in which fences, rules and the like may stand */
#define PADDING     16   /* bytes */

enum sort { PLAIN, LINE_END, INLINE, LINK, ANGLE };

static const uint8_t sorts[256] = {
	['\n'] = LINE_END, ['\r'] = LINE_END, ['*'] = INLINE, ['_'] = INLINE,
	['`'] = INLINE,    ['['] = INLINE,    [']'] = LINK,   ['!'] = INLINE,
	['<'] = ANGLE,     ['>'] = ANGLE,     ['&'] = INLINE, ['~'] = INLINE,
	['\\'] = INLINE,   ['$'] = INLINE,    ['@'] = INLINE, ['\0'] = INLINE,
};

static enum sort sort_of(char c)
{
	return (enum sort)sorts[(unsigned char)c];
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Bytes of a list or quote marker at s[i .. len), 0 if there is none. */
static size_t marker_len(const char *s, size_t i, size_t len)
{
	size_t n = 0;

	if (i == len)
		return 0;
	if (s[i] == '>')
		return 1;
	if (s[i] == '-' || s[i] == '+' || s[i] == '*') {
		n = 1;
	} else {
		while (i + n < len && n < 9 && ascii_is_digit(s[i + n]))
			n++;
		if (n == 0 || i + n == len || (s[i + n] != '.' && s[i + n] != ')'))
			return 0;
		n++;
	}
	if (i + n < len && !is_blank(s[i + n]) && sort_of(s[i + n]) != LINE_END)
		return 0;
	return n;
}

/*
 * Walk over the markers that begin a line and defuse those that nest too deep; returns their end.
 */
static size_t line_markers(char *s, size_t i, size_t len)
{
	size_t n = 0, bytes, indent = 0;

	for (;;) {
		for (; i < len && is_blank(s[i]); i++)
			indent += s[i] == '\t' ? 8 : 1;
		bytes = marker_len(s, i, len);
		if (bytes == 0)
			return i;
		if (n++ == MARKERS_MAX || indent > INDENT_MAX) {
			s[i] = 'x';
			return i;
		}
		i += bytes;
		indent += bytes;
	}
}

/* Defuse the rest of the line from i on; returns its end. */
static size_t line_markup(char *s, size_t i, size_t len, size_t *n_angles)
{
	size_t leading = i + LEADING_MAX, start;
	bool text = false; /* something other than markup came before in this line */

	for (;; i++) {
		for (start = i; i < len && sort_of(s[i]) == PLAIN; i++)
			;
		text = text || i > start || i >= leading;
		if (i == len || sort_of(s[i]) == LINE_END)
			return i;
		/*
		 * A line begins with marks of blocks; tags begin and end blocks of HTML anywhere.
		 */
		if (sort_of(s[i]) == LINK || (sort_of(s[i]) == INLINE && text) ||
		    (sort_of(s[i]) == ANGLE && ++*n_angles > ANGLES_MAX && text))
			s[i] = 'x';
	}
}

char *markdown_tame(const char *s, size_t len, struct wanted *wanted)
{
	size_t n_angles = 0, before = 0, i;
	char *tame = malloc(len + PADDING);

	if (tame == NULL)
		return NULL;
	memcpy(tame, s, len);
	memset(tame + len, '\n', PADDING);
	for (size_t at = 0; at < len; at = i + 1) {
		if (!wanted_still(wanted, at - before))
			break;
		before = at;
		i = line_markers(tame, at, len);
		if (i < len && sort_of(tame[i]) == LINE_END)
			n_angles = 0;
		i = line_markup(tame, i, len, &n_angles);
	}
	return tame;
}
