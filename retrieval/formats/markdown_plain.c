#include "retrieval/formats/markdown_plain.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "retrieval/formats/html_entity.h"

#define NESTING_MAX 8 /* brackets in brackets; deeper ones stay */

struct plain_line {
	const char *s;
	size_t len;
	/* Where to go on instead of showing the byte: 0 shows it. */
	uint16_t skip[MARKDOWN_PLAIN_MAX];
};

static bool is_word(const struct plain_line *l, size_t i)
{
	return i < l->len && ascii_is_word(l->s[i]);
}

/* "[text](address)", "[text][name]": the brackets and what follows them are not shown. */
static void hide_links(struct plain_line *l)
{
	size_t open[NESTING_MAX], n = 0, begin;
	const char *end;

	for (size_t i = 0; i < l->len; i++) {
		if (l->s[i] == '\\') {
			i++;
		} else if (l->s[i] == '[') {
			if (n == NESTING_MAX)
				return;
			open[n++] = i;
		} else if (l->s[i] == ']' && n > 0) {
			begin = open[--n];
			if (i + 1 == l->len || (l->s[i + 1] != '(' && l->s[i + 1] != '['))
				continue;
			end = memchr(l->s + i + 1, l->s[i + 1] == '(' ? ')' : ']', l->len - i - 1);
			if (end == NULL)
				continue;
			l->skip[begin] = (uint16_t)(begin + 1);
			if (begin > 0 && l->s[begin - 1] == '!')
				l->skip[begin - 1] = (uint16_t)begin;
			l->skip[i] = (uint16_t)(end - l->s + 1);
			i = (size_t)(end - l->s);
		}
	}
}

/* Bytes of the tag at i, but none of "<http://…>", whose inside is shown. */
static size_t tag_len(const struct plain_line *l, size_t i)
{
	const char *end = memchr(l->s + i, '>', l->len - i);
	size_t n;

	if (end == NULL || (!is_word(l, i + 1) && l->s[i + 1] != '/' && l->s[i + 1] != '!'))
		return 0;
	n = (size_t)(end - l->s) + 1 - i;
	return memchr(l->s + i, '@', n) != NULL || memmem(l->s + i, n, "://", 3) != NULL ? 0 : n;
}

/*
 * Whether the mark at i is one of emphasis, and not a star between spaces, an underscore in a name.
 */
static bool is_emphasis(const struct plain_line *l, size_t i)
{
	size_t from = i, to = i + 1; /* of the run of such marks */

	while (from > 0 && l->s[from - 1] == l->s[i])
		from--;
	while (to < l->len && l->s[to] == l->s[i])
		to++;
	if (l->s[i] == '_')
		return (from > 0 && is_word(l, from - 1)) != is_word(l, to);
	return (from > 0 && l->s[from - 1] != ' ') || (to < l->len && l->s[to] != ' ');
}

void markdown_plain(struct buf *out, const char *s, size_t len)
{
	struct plain_line l = { .s = s,
				.len = utf8_whole(s, MIN(len, (size_t)MARKDOWN_PLAIN_MAX)) };
	char utf8[HTML_ENTITY_UTF8_MAX];
	size_t used, n, bytes;

	hide_links(&l);
	for (size_t i = 0; i < l.len; i += used) {
		used = 1;
		if (l.skip[i] > 0) {
			used = l.skip[i] - i;
		} else if (s[i] == '\\' && i + 1 < l.len && ascii_is_punct(s[i + 1])) {
			buf_addc(out, s[i + 1]);
			used = 2;
		} else if (s[i] == '&' && (n = html_entity(s + i, l.len - i, utf8, &bytes)) > 0) {
			buf_add(out, utf8, bytes);
			used = n;
		} else if (s[i] == '<' && (n = tag_len(&l, i)) > 0) {
			used = n;
		} else if (s[i] != '`' && !((s[i] == '*' || s[i] == '_') && is_emphasis(&l, i))) {
			buf_addc(out, s[i]);
		}
	}
}
