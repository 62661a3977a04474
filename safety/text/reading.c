#include "safety/text/reading.h"

#include <string.h>
#include <strings.h>

#include <unicode/uchar.h>

#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "safety/stream/scan.h"
#include "safety/text/spaced.h"

/* What the functions that look for something at a place return besides the bytes that it takes. */
#define NONE 0
#define MORE SIZE_MAX /* it depends on what follows */

#define OVERRIDE     "\xe2\x80\xae"
#define OVERRIDE_LEN 3

static const struct span_kind turned = { "hidden.order", "", 0, RAGD_REDACT };

void reading_fini(struct text_reading *r)
{
	folded_fini(&r->shown);
	*r = (struct text_reading){ 0 };
}

uint32_t reading_given(const struct text_reading *r)
{
	return r->shown.len > 0 ? r->shown.at[0].start : r->fed;
}

static bool is_punct(char c)
{
	return c > ' ' && c < 0x7f && !ascii_is_alnum(c);
}

static bool is_edge(char c)
{
	return c == '\0' || ascii_is_space(c);
}

/* Whether an underscore between these opens or closes emphasis: never inside a word or a name. */
static bool underscore_opens(char prev, char next)
{
	return (is_edge(prev) || strchr("([{<>\"'`*~|,:;", prev) != NULL) && ascii_is_word(next);
}

static bool underscore_closes(char prev, char next)
{
	return !is_edge(prev) && !ascii_is_word(next);
}

/* Marks of emphasis, code and deletion. */
static size_t read_mark(struct text_reading *r, const struct scan_view *v, size_t i)
{
	char c = v->s[i], prev = i > 0 ? v->s[i - 1] : r->prev, next;
	size_t n = 1;

	if (c == r->literal && c == prev)
		return NONE;
	while (n < 4 && i + n < v->len && v->s[i + n] == c)
		n++;
	if (n < 4 && i + n == v->len && !v->end)
		return MORE;
	if (n == 4) /* a rule across the page, or something masked */
		return NONE;
	next = i + n < v->len ? v->s[i + n] : '\0';
	if (c == '~')
		return n == 2 ? n : NONE;
	if (c != '_')
		return is_edge(prev) && is_edge(next) ? NONE : n;
	if (r->emphasis && underscore_closes(prev, next)) {
		r->emphasis = false;
		return n;
	}
	/* Other marks may stand between it and the word that it belongs to. */
	if (!underscore_opens(is_edge(prev) ? prev : r->last, next))
		return NONE;
	r->emphasis = true;
	return n;
}

static bool is_escape(char next)
{
	return is_punct(next) || next == '\n';
}

static size_t read_escape(const struct scan_view *v, size_t i)
{
	if (i + 1 == v->len)
		return v->end ? NONE : MORE;
	return is_escape(v->s[i + 1]) ? 2 : NONE;
}

static const struct {
	const char *name;
	uint32_t cp;
} entities[] = {
	/* clang-format off */
	{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
	{ "nbsp", 0xa0 }, { "ensp", 0x2002 }, { "emsp", 0x2003 }, { "thinsp", 0x2009 },
	{ "hairsp", 0x200a }, { "numsp", 0x2007 }, { "puncsp", 0x2008 }, { "Tab", '\t' },
	{ "NewLine", '\n' }, { "shy", 0xad }, { "zwj", 0x200d }, { "zwnj", 0x200c },
	{ "lrm", 0x200e }, { "rlm", 0x200f }, { "NoBreak", 0x2060 }, { "ZeroWidthSpace", 0x200b },
	{ "hyphen", 0x2010 }, { "dash", 0x2010 }, { "ndash", 0x2013 }, { "mdash", 0x2014 },
	{ "minus", 0x2212 },
	{ "horbar", 0x2015 }, { "lsquo", 0x2018 }, { "rsquo", 0x2019 }, { "ldquo", 0x201c },
	{ "rdquo", 0x201d }, { "hellip", 0x2026 }, { "period", '.' }, { "comma", ',' },
	{ "colon", ':' }, { "semi", ';' }, { "sol", '/' }, { "bsol", '\\' }, { "lowbar", '_' },
	{ "num", '#' }, { "commat", '@' }, { "ast", '*' }, { "midast", '*' }, { "excl", '!' },
	{ "quest", '?' }, { "equals", '=' }, { "plus", '+' }, { "percnt", '%' }, { "dollar", '$' },
	{ "lpar", '(' }, { "rpar", ')' }, { "lsqb", '[' }, { "lbrack", '[' }, { "rsqb", ']' },
	{ "rbrack", ']' }, { "lcub", '{' }, { "lbrace", '{' }, { "rcub", '}' }, { "rbrace", '}' },
	{ "vert", '|' }, { "verbar", '|' }, { "grave", '`' }, { "Hat", '^' }, { "copy", 0xa9 },
	/* clang-format on */
};

#define NAME_MAX_LEN 14 /* ZeroWidthSpace */
#define DIGITS_MAX   8

static size_t read_numbered(const struct scan_view *v, size_t i, uint32_t *cp)
{
	const char *s = v->s;
	size_t p = i + 2, from;
	bool hex = p < v->len && (s[p] == 'x' || s[p] == 'X');
	uint32_t value = 0;

	from = p += hex;
	for (; p < v->len && p - from < DIGITS_MAX &&
	       (hex ? ascii_is_hex(s[p]) : ascii_is_digit(s[p]));
	     p++) {
		unsigned d = ascii_is_digit(s[p]) ? (unsigned)(s[p] - '0')
						  : (unsigned)(ascii_to_lower(s[p]) - 'a') + 10;

		value = value * (hex ? 16 : 10) + d;
	}
	if (p == v->len && !v->end)
		return MORE;
	if (p == from || value == 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return NONE;
	*cp = value;
	return p - i + (p < v->len && s[p] == ';');
}

static size_t read_entity(const struct scan_view *v, size_t i, uint32_t *cp)
{
	const char *s = v->s;
	size_t p = i + 1, n;

	if (p == v->len)
		return v->end ? NONE : MORE;
	if (s[p] == '#')
		return read_numbered(v, i, cp);
	while (p < v->len && p - i <= NAME_MAX_LEN && ascii_is_alpha(s[p]))
		p++;
	if (p == v->len && !v->end && p - i <= NAME_MAX_LEN)
		return MORE;
	if (p == v->len || s[p] != ';')
		return NONE;
	n = p - i - 1;
	for (size_t k = 0; k < ARRAY_LEN(entities); k++)
		if (strlen(entities[k].name) == n && memcmp(entities[k].name, s + i + 1, n) == 0) {
			*cp = entities[k].cp;
			return p + 1 - i;
		}
	return NONE;
}

/* How far may be looked for the end of what begins at i. */
static size_t search_limit(const struct text_reading *r, const struct scan_view *v, size_t i)
{
	return r->whole ? v->len : MIN(v->len, i + READING_AHEAD);
}

static size_t read_comment(struct text_reading *r, const struct scan_view *v, size_t i)
{
	static const char opens[] = "<!--", closes[] = "-->";
	size_t have = search_limit(r, v, i) - i;
	const char *p = NULL;

	if (r->no_close || memcmp(v->s + i, opens, MIN(have, sizeof(opens) - 1)) != 0)
		return NONE;
	if (have >= sizeof(opens))
		p = memmem(v->s + i + sizeof(opens) - 1, have - sizeof(opens) + 1, closes,
			   sizeof(closes) - 1);
	if (p == NULL) {
		r->no_close = r->whole;
		return have < READING_AHEAD && !v->end ? MORE : NONE;
	}
	return (size_t)(p - v->s) + sizeof(closes) - 1 - i;
}

/* Tags that begin a line, a cell or a paragraph. */
static bool is_block(const char *name, size_t len)
{
	static const char *const blocks[] = { "br", "p",  "div", "td", "th", "tr", "li",
					      "ul", "ol", "hr",  "h1", "h2", "h3", "h4",
					      "h5", "h6", "dt",  "dd", "pre" };

	for (size_t k = 0; k < ARRAY_LEN(blocks); k++)
		if (strlen(blocks[k]) == len && strncasecmp(blocks[k], name, len) == 0)
			return true;
	return false;
}

static size_t read_tag(const struct text_reading *r, const struct scan_view *v, size_t i,
		       bool *block)
{
	const char *s = v->s;
	size_t p = i + 1, name, lim = search_limit(r, v, i);

	p += p < lim && s[p] == '/';
	name = p;
	while (p < lim && ascii_is_alnum(s[p]))
		p++;
	if (p > name && !ascii_is_alpha(s[name]))
		return NONE;
	if (p < lim && (p == name || (!ascii_is_space(s[p]) && s[p] != '/' && s[p] != '>')))
		return NONE;
	*block = is_block(s + name, p - name);
	while (p < lim && s[p] != '>' && s[p] != '<')
		p++;
	if (p == lim)
		return p < i + READING_AHEAD && !v->end ? MORE : NONE;
	return s[p] == '>' ? p + 1 - i : NONE;
}

/* A hyphen that cuts a word at the end of a line, with the line's end and the next one's indent. */
static size_t word_cut(const struct text_reading *r, const struct scan_view *v, size_t i)
{
	const char *s = v->s;
	char prev = i > 0 ? s[i - 1] : r->prev;
	size_t p = i + 1, indent;

	if (!ascii_is_word(prev) || ascii_is_digit(prev))
		return NONE;
	while (p < v->len && p - i < 4 && (s[p] == ' ' || s[p] == '\t' || s[p] == '\r'))
		p++;
	if (p < v->len && s[p] != '\n')
		return NONE;
	indent = ++p;
	while (p < v->len && p - indent < 8 && (s[p] == ' ' || s[p] == '\t' || s[p] == '>'))
		p++;
	if (p >= v->len)
		return v->end ? NONE : MORE;
	return ascii_is_word(s[p]) && !ascii_is_digit(s[p]) && !ascii_is_upper(s[p]) ? p - i : NONE;
}

/*
 * The end of what the override at s[i) turns round: its own end, or the line's; embeddings and
 * isolates inside go along.
 */
static size_t turned_end(const struct text_reading *r, const struct scan_view *v, size_t i)
{
	const unsigned char *s = (const unsigned char *)v->s;
	unsigned embedded = 0, isolated = 0;
	size_t p = i + OVERRIDE_LEN;

	for (; p < v->len && s[p] != '\n'; p++) {
		if (p - i >= READING_AHEAD && !r->whole)
			return NONE;
		if (s[p] != 0xe2 || p + 3 > v->len)
			continue;
		if (s[p + 1] == 0x80 && s[p + 2] == 0xac && embedded-- == 0)
			return p;
		if (s[p + 1] == 0x81 && s[p + 2] == 0xa9 && isolated-- == 0)
			return p;
		embedded += s[p + 1] == 0x80 && s[p + 2] >= 0xaa && s[p + 2] <= 0xae &&
			    s[p + 2] != 0xac;
		isolated += s[p + 1] == 0x81 && s[p + 2] >= 0xa6 && s[p + 2] <= 0xa8;
	}
	return p == v->len && !v->end ? MORE : p;
}

/*
 * Characters of the run s[a..b) from the last to the first; which of them came from where is lost.
 */
static void put_reversed(struct text_reading *r, const char *s, size_t a, size_t b)
{
	uint32_t start = r->fed + (uint32_t)a - OVERRIDE_LEN, end = r->fed + (uint32_t)b, cp;
	size_t p = b;

	while (p > a) {
		size_t q = p - 1;

		while (q > a && p - q < 4 && ((unsigned char)s[q] & 0xc0) == 0x80)
			q--;
		if (utf8_next(s + q, p - q, &cp) != p - q) {
			q = p - 1;
			cp = 0xfffd;
		}
		folded_add_char(&r->shown, (uint32_t)u_charMirror((UChar32)cp), start, end);
		p = q;
	}
}

/*
 * Room for n bytes that are not shown. Without a bound, a megabyte of "****" between two digits of
 * a card would have to be held back until the number is whole: holdback is promised to callers as a
 * number of bytes.
 */
static bool may_omit(struct text_reading *r, size_t n)
{
	if (r->omitted + n > READING_OMIT && !r->whole)
		return false;
	r->omitted += r->whole ? 0 : (uint32_t)n;
	return true;
}

/* A character was shown, which earns room for what is left out around it. */
static void refund_omitted(struct text_reading *r)
{
	r->omitted -= MIN(r->omitted, READING_OMIT_PER);
}

/*
 * Read what stands at s[i) if it is no character of its own right: the bytes it takes, or NONE,
 * MORE.
 */
static size_t read_sign(struct text_reading *r, const struct scan_view *v, size_t i,
			struct spans *cuts)
{
	uint32_t at = r->fed + (uint32_t)i, cp = 0;
	bool block = false;
	size_t n, end;

	switch (v->s[i]) {
	case '*':
	case '`':
	case '~':
	case '_':
		n = read_mark(r, v, i);
		return n == MORE || (n != NONE && may_omit(r, n)) ? n : NONE;
	case '\\':
		n = read_escape(v, i);
		if (n != 2)
			return n;
		folded_put(&r->shown, v->s[i + 1], at, at + 2);
		refund_omitted(r);
		return n;
	case '&':
		n = read_entity(v, i, &cp);
		if (n == MORE || n == NONE || !may_omit(r, n))
			return n == MORE ? MORE : NONE;
		folded_add_char(&r->shown, cp, at, at + (uint32_t)n);
		refund_omitted(r);
		return n;
	case '<':
		n = read_comment(r, v, i);
		if (n == NONE)
			n = read_tag(r, v, i, &block);
		if (n == MORE || n == NONE || !may_omit(r, n))
			return n == MORE ? MORE : NONE;
		r->lost = true;
		if (r->tags != NULL)
			spans_add(r->tags, &(struct text_span){ .start = at, .end = at + n });
		if (block)
			folded_put(&r->shown, ' ', at, at + (uint32_t)n);
		return n;
	case '-':
		n = word_cut(r, v, i);
		if (n == MORE || n == NONE || !may_omit(r, n))
			return n == MORE ? MORE : NONE;
		r->lost = true; /* it may be a hyphen that belongs there */
		return n;
	case '>':
		return !r->in_line && may_omit(r, 1) ? 1 : NONE;
	case '\xe2':
		if (v->len - i < OVERRIDE_LEN || memcmp(v->s + i, OVERRIDE, OVERRIDE_LEN) != 0)
			return NONE;
		end = turned_end(r, v, i);
		if (end == MORE)
			return MORE;
		r->lost = true;
		if (end != NONE)
			put_reversed(r, v->s, i + OVERRIDE_LEN, end);
		else if (cuts != NULL)
			spans_add(cuts, &(struct text_span){ .start = at,
							     .end = at + OVERRIDE_LEN,
							     .kind = &turned,
							     .score = 1.0f });
		return end != NONE ? end - i : OVERRIDE_LEN;
	default:
		return NONE;
	}
}

/* So many bytes are looked at. False: stop. */
static bool go_on(const struct text_reading *r, size_t n)
{
	return r->stop == NULL || stop_check_step(r->stop, n);
}

void reading_add(struct text_reading *r, const char *raw, size_t len, bool end, struct folded *out,
		 struct spans *cuts)
{
	struct scan_view v = { raw, len, end };
	size_t i = 0, n, n_shown;
	uint32_t cp;

	while (i < len && go_on(r, 1)) {
		n_shown = r->shown.len;
		n = read_sign(r, &v, i, cuts);
		if (n == MORE)
			break;
		if (n == NONE) {
			n = utf8_next(raw + i, len - i, &cp);
			folded_add(&r->shown, raw + i, n, r->fed + (uint32_t)i);
			refund_omitted(r);
			r->literal = raw[i];
			r->in_line = raw[i] != '\n' && (r->in_line || !ascii_is_space(raw[i]));
		} else {
			r->in_line = raw[i + n - 1] != '\n' && (r->in_line || raw[i] != '>');
		}
		i += n;
		r->prev = raw[i - 1];
		if (r->shown.len > n_shown)
			r->last = r->shown.text[r->shown.len - 1];
	}
	r->fed += (uint32_t)i;
	spaced_join(r, end && i == len, out);
	out->failed = out->failed || r->shown.failed;
}

/* Whether the byte at s[i) stands first on its line. */
static bool begins_line(const struct text_reading *r, const char *s, size_t i)
{
	while (i > 0 && ascii_is_space(s[i - 1]) && s[i - 1] != '\n')
		i--;
	return i > 0 ? s[i - 1] == '\n' : !r->in_line;
}

enum looks {
	PLAIN,
	DIFFERENT,
	OPEN, /* it depends on the next byte */
};

/*
 * What is not a character of its own right, by its neighbours alone. It has to be a superset of
 * what read_sign() takes: a DIFFERENT too many costs time, since the second window opens for
 * nothing; a PLAIN too many lets a disguise through. Whoever adds a case there adds it here.
 */
static enum looks looks_at(const struct text_reading *r, const struct scan_view *v, size_t i)
{
	const char *s = v->s;
	char c = s[i], prev = i > 0 ? s[i - 1] : r->prev, next;
	uint32_t cp;

	if ((unsigned char)c >= 0x80)
		return folded_is_plain(s + i, utf8_next(s + i, v->len - i, &cp)) ? PLAIN
										 : DIFFERENT;
	if (c == '*' || c == '`')
		return DIFFERENT;
	if (c == '>')
		return begins_line(r, s, i) ? DIFFERENT : PLAIN;
	if (c == '-' && (!ascii_is_word(prev) || ascii_is_digit(prev)))
		return PLAIN;
	if (c != '~' && c != '_' && c != '\\' && c != '<' && c != '&' && c != '-')
		return folded_is_plain(&c, 1) ? PLAIN : DIFFERENT;
	if (i + 1 == v->len)
		return v->end ? PLAIN : OPEN;
	next = s[i + 1];
	switch (c) {
	case '~':
		return next == '~' ? DIFFERENT : PLAIN;
	case '_':
		return ascii_is_word(prev) && ascii_is_word(next) ? PLAIN : DIFFERENT;
	case '\\':
		return is_escape(next) ? DIFFERENT : PLAIN;
	case '<':
		return ascii_is_alpha(next) || next == '/' || next == '!' ? DIFFERENT : PLAIN;
	case '&':
		return ascii_is_alpha(next) || next == '#' ? DIFFERENT : PLAIN;
	default:
		return ascii_is_space(next) ? DIFFERENT : PLAIN;
	}
}

/* What looks_at need not be asked about: white space and the commonest punctuation. */
static bool is_ordinary(char c)
{
	return c == ' ' || c == '\n' || c == '.' || c == ',';
}

size_t reading_skip(struct text_reading *r, const char *raw, size_t len, bool end, bool *differs)
{
	struct scan_view v = { raw, len, end };
	struct spaced sp;
	size_t i = 0, n, tail;
	enum looks looks = PLAIN;
	uint32_t cp;

	spaced_init(&sp, r->before);
	while (i < len && looks == PLAIN && go_on(r, 1)) {
		for (n = 0; i + n < len && ascii_is_alnum(raw[i + n]); n++)
			;
		if (n > 0) {
			go_on(r, n);
			i += n;
			spaced_sees_word(&sp, raw[i - 1], i - 1, n);
			continue;
		}
		looks = is_ordinary(raw[i]) ? PLAIN : looks_at(r, &v, i);
		if (looks != PLAIN)
			break;
		if (!ascii_is_word(raw[i])) {
			looks = spaced_sees(&sp, raw[i], i) ? DIFFERENT : PLAIN;
			i++;
			continue;
		}
		n = utf8_next(raw + i, len - i, &cp);
		spaced_sees_word(&sp, raw[i], i, 1);
		i += n;
	}
	*differs = looks == DIFFERENT || (end && spaced_sees(&sp, '\n', len));
	if (*differs)
		return 0;
	tail = end ? len : spaced_tail(&sp, i);
	if (tail > 0) {
		r->in_line = !begins_line(r, raw, tail);
		r->prev = r->last = r->before = raw[tail - 1];
	}
	r->fed += (uint32_t)tail;
	return tail;
}
