#include "tests/safety/decor.h"

#include <stdlib.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"

/* The character at s[i) as cp, and note where it went. Returns its length. */
static size_t put_cp(struct decorated *d, const char *s, size_t len, size_t i, uint32_t cp)
{
	size_t at = d->text.len, n = utf8_next(s + i, len - i, &(uint32_t){ 0 });
	char utf8[4];

	buf_add(&d->text, utf8, utf8_put(cp, utf8));
	for (size_t k = i; k < i + n; k++) {
		d->start[k] = at;
		d->end[k] = d->text.len;
	}
	return n;
}

static size_t put_char(struct decorated *d, const char *s, size_t len, size_t i)
{
	uint32_t cp;

	utf8_next(s + i, len - i, &cp);
	return put_cp(d, s, len, i, cp);
}

static void as_it_is(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	for (size_t i = 0; i < len;)
		i += put_char(d, s, len, i);
}

/* n characters that nobody sees between all that one does. */
static void unseen(struct decorated *d, const char *s, size_t len, unsigned n)
{
	static const char *const chars[] = { "\u200b", "\u00ad", "\u2060", "\ufeff",
					     "\u200d", "\u180e", "\u2063", "\ufe0f" };
	unsigned k = 0;

	for (size_t i = 0; i < len;) {
		i += put_char(d, s, len, i);
		for (unsigned j = 0; j < n; j++)
			buf_adds(&d->text, chars[k++ % ARRAY_LEN(chars)]);
	}
}

static size_t word_end(const char *s, size_t len, size_t i)
{
	while (i < len && !ascii_is_space(s[i]))
		i++;
	return i;
}

/*
 * A mark around the second half of each word: it begins behind the first letter that has one
 * before.
 */
static void halves(struct decorated *d, const char *s, size_t len, const char *open,
		   const char *close)
{
	for (size_t i = 0, end, half; i < len;) {
		end = word_end(s, len, i);
		half = i + (end - i) / 2;
		while (half < end && half > i &&
		       !(ascii_is_alnum(s[half]) && ascii_is_alnum(s[half - 1])))
			half++;
		while (i < end) {
			if (i == half)
				buf_adds(&d->text, open);
			i += put_char(d, s, len, i);
		}
		if (half < end)
			buf_adds(&d->text, close);
		if (i < len)
			i += put_char(d, s, len, i);
	}
}

static void bold(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	halves(d, s, len, "**", "**");
}

static void struck(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	halves(d, s, len, "~~", "~~");
}

static void tagged(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	halves(d, s, len, "<b class=\"x\">", "</b>");
}

static void commented(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	halves(d, s, len, "<!-- nothing -->", "");
}

static void code(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	for (size_t i = 0, end; i < len;) {
		end = word_end(s, len, i);
		if (i < end)
			buf_addc(&d->text, '`');
		while (i < end)
			i += put_char(d, s, len, i);
		buf_addc(&d->text, '`');
		if (i < len)
			i += put_char(d, s, len, i);
	}
}

/* A row of a table, each word in its cell; a line's end in a cell is a tag. */
static void cells(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	buf_adds(&d->text, "| ");
	for (size_t i = 0; i < len;) {
		if (s[i] != ' ' && s[i] != '\n') {
			i += put_char(d, s, len, i);
			continue;
		}
		d->start[i] = d->text.len;
		buf_adds(&d->text, s[i] == ' ' ? " | " : "<br>");
		d->end[i++] = d->text.len;
	}
	buf_adds(&d->text, " |");
}

static void entities(struct decorated *d, const char *s, size_t len, unsigned n)
{
	uint32_t cp;

	for (size_t i = 0, k; i < len; i += k) {
		size_t at = d->text.len;

		k = utf8_next(s + i, len - i, &cp);
		buf_printf(&d->text, i % 2 == 0 ? "&#%u;" : "&#x%x;", (unsigned)cp);
		for (size_t b = i; b < i + k; b++) {
			d->start[b] = at;
			d->end[b] = d->text.len;
		}
	}
	(void)n;
}

/* Blanks become the ends of lines, which begin with `begin`. */
static void lines(struct decorated *d, const char *s, size_t len, const char *begin)
{
	buf_adds(&d->text, begin);
	for (size_t i = 0; i < len;) {
		bool blank = s[i] == ' ' || s[i] == '\n';

		i += blank ? put_cp(d, s, len, i, '\n') : put_char(d, s, len, i);
		if (blank)
			buf_adds(&d->text, begin);
	}
}

static void quoted(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	lines(d, s, len, "> ");
}

static void wrapped(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	lines(d, s, len, "");
}

/* Words of letters are cut at the end of a line. */
static void cut(struct decorated *d, const char *s, size_t len, unsigned n)
{
	size_t run = 0;

	(void)n;
	for (size_t i = 0; i < len;) {
		run = ascii_is_lower(s[i]) ? run + 1 : 0;
		i += put_char(d, s, len, i);
		if (run == 2 && i + 1 < len && ascii_is_lower(s[i]) && ascii_is_lower(s[i + 1]))
			buf_adds(&d->text, "-\n");
	}
}

static uint32_t mirrored(uint32_t cp)
{
	static const char pairs[] = "()[]{}<>";
	const char *p = cp < 0x80 ? strchr(pairs, (int)cp) : NULL;

	return p != NULL && *p != '\0' ? (uint32_t)pairs[(p - pairs) ^ 1] : cp;
}

/* Each line from its end to its start, and an override that turns it round again. */
static void turned(struct decorated *d, const char *s, size_t len, unsigned n)
{
	uint32_t cp;

	(void)n;
	for (size_t i = 0, end, p, q; i < len; i = end + 1) {
		for (end = i; end < len && s[end] != '\n'; end++)
			;
		buf_adds(&d->text, "\u202e");
		for (p = end; p > i; p = q) {
			for (q = p - 1; q > i && ((unsigned char)s[q] & 0xc0) == 0x80; q--)
				;
			utf8_next(s + q, len - q, &cp);
			put_cp(d, s, len, q, mirrored(cp));
		}
		buf_adds(&d->text, "\u202c");
		if (end < len)
			put_char(d, s, len, end);
	}
}

static void spaced(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	for (size_t i = 0; i < len;) {
		i += put_char(d, s, len, i);
		if (i < len)
			buf_addc(&d->text, ' ');
	}
}

static void wide(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	for (size_t i = 0; i < len;) {
		if (s[i] == ' ')
			i += put_cp(d, s, len, i, 0x3000);
		else if (s[i] > ' ' && s[i] < 0x7f)
			i += put_cp(d, s, len, i, 0xff00 + (uint32_t)(s[i] - ' '));
		else
			i += put_char(d, s, len, i);
	}
}

/* Digits of other scripts. */
static void digits(struct decorated *d, const char *s, size_t len, unsigned n)
{
	static const uint32_t zeros[] = { 0x0660, 0x0966, 0x0e50, 0x1d7ce };
	unsigned k = 0;

	(void)n;
	for (size_t i = 0; i < len;)
		i += ascii_is_digit(s[i])
			     ? put_cp(d, s, len, i,
				      zeros[k++ % ARRAY_LEN(zeros)] + (uint32_t)(s[i] - '0'))
			     : put_char(d, s, len, i);
}

/* A backslash before every sign. */
static void escaped(struct decorated *d, const char *s, size_t len, unsigned n)
{
	(void)n;
	for (size_t i = 0; i < len;) {
		if (s[i] > ' ' && s[i] < 0x7f && !ascii_is_alnum(s[i]))
			buf_addc(&d->text, '\\');
		i += put_char(d, s, len, i);
	}
}

const struct decor decors[] = {
	{ "invisible 1", unseen, 1 },
	{ "invisible 2", unseen, 2 },
	{ "invisible 4", unseen, 4 },
	{ "invisible 5", unseen, 5 },
	{ "invisible 8", unseen, 8 },
	{ "invisible 16", unseen, 16 },
	{ "invisible 32", unseen, 32 },
	{ "invisible 64", unseen, 64 },
	{ "bold", bold, 0 },
	{ "table cell", cells, 0 },
	{ "entity", entities, 0 },
	{ "quote", quoted, 0 },
	{ "code span", code, 0 },
	{ "line break", wrapped, 0 },
	{ "right to left", turned, 0 },
	{ "spaced", spaced, 0 },
	{ "full width", wide, 0 },
	{ "other digits", digits, 0 },
	{ "split over tokens", as_it_is, 0 },
	{ "struck", struck, 0 },
	{ "tag", tagged, 0 },
	{ "comment", commented, 0 },
	{ "escaped", escaped, 0 },
	{ "cut word", cut, 0 },
};
const size_t n_decors = ARRAY_LEN(decors);

void decorate(const struct decor *decor, const char *text, size_t len, struct decorated *out)
{
	*out = (struct decorated){ .text = BUF_INIT };
	out->start = calloc(len + 1, sizeof(*out->start));
	out->end = calloc(len + 1, sizeof(*out->end));
	if (out->start == NULL || out->end == NULL)
		abort();
	decor->put(out, text, len, decor->n);
	buf_add(&out->text, "", 0);
}

void decorated_fini(struct decorated *d)
{
	buf_fini(&d->text);
	free(d->start);
	free(d->end);
}
