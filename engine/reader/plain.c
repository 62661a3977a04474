#include "engine/reader/plain.h"

#include <stdbool.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/text/blocks.h"
#include "base/text/utf8.h"
#include "base/util.h"

#define DEPTH_MAX 6   /* emphasis in a link in emphasis … */
#define SPAN_MAX  600 /* bytes within which what opens must close */

/* The text that is left of s[at .. end); all functions work on one. */
struct plain {
	const char *s;
	size_t end;
	struct buf *out;
	size_t first; /* length of out before */
	int depth;
};

static void plain_span(struct plain *p, size_t from, size_t to);

static int byte_at(const struct plain *p, size_t i)
{
	return i < p->end ? (unsigned char)p->s[i] : -1;
}

static bool is_word(int c)
{
	return c >= 0 && ascii_is_word((char)c);
}

static bool is_name(int c)
{
	return ascii_is_digit(c) || ascii_is_lower(c) ||
	       (c != -1 && strchr("+-._", c) != NULL && c != 0);
}

static void put_space(struct plain *p)
{
	struct buf *b = p->out;

	if (b->len > p->first && b->data[b->len - 1] != ' ')
		buf_addc(b, ' ');
}

/*
 * Copy one character; white space, control characters and bytes that are no UTF-8 as befits them.
 */
static size_t put_char(struct plain *p, size_t i, size_t to)
{
	uint32_t cp;
	size_t n = utf8_next(p->s + i, to - i, &cp);

	if (cp < 0x80 && ascii_is_space((char)cp))
		put_space(p);
	else if (n > 1 || (cp >= ' ' && cp < 0x7f))
		buf_add(p->out, p->s + i, n);
	return n;
}

/* How many c's stand at i; none is counted beyond `most`. */
static size_t run_up_to(const struct plain *p, size_t i, int c, size_t most)
{
	size_t n = 0;

	while (n < most && byte_at(p, i + n) == c)
		n++;
	return n;
}

static size_t run_of(const struct plain *p, size_t i, int c)
{
	return run_up_to(p, i, c, SIZE_MAX);
}

/* The offset of a run of exactly n c's in s[from .. from + SPAN_MAX), or 0. */
static size_t closing_run(const struct plain *p, size_t from, size_t to, int c, size_t n)
{
	size_t run;

	for (size_t i = from; i < to && i - from < SPAN_MAX; i += run) {
		run = MAX(run_up_to(p, i, c, SPAN_MAX), (size_t)1);
		if (byte_at(p, i) == c && run == n)
			return i;
	}
	return 0;
}

/* ---- inline markup: each returns the offset behind what it took, or `i` for "not mine" ------ */

/* :c:func:`uv_run`: the role goes, what it marks comes next. */
static size_t take_role(const struct plain *p, size_t i)
{
	size_t j = i;

	if (i > 0 && is_word(byte_at(p, i - 1)))
		return i;
	while (byte_at(p, j) == ':' && is_name(byte_at(p, j + 1)) && j - i < SPAN_MAX) {
		for (j++; is_name(byte_at(p, j)) && j - i < SPAN_MAX; j++)
			;
	}
	return byte_at(p, j) == ':' && byte_at(p, j + 1) == '`' ? j + 1 : i;
}

/* `x`, ``x``, `text <target>`_ */
static size_t take_quoted(struct plain *p, size_t i, size_t to)
{
	size_t n = run_of(p, i, '`'), from = i + n, close = closing_run(p, from, to, '`', n), end;

	if (close == 0)
		return i + n; /* without its other half it says nothing */
	end = close;
	if (n == 1 && end > from + 1 && p->s[end - 1] == '>') { /* reStructuredText's link */
		size_t lt = end - 1;

		while (lt > from && p->s[lt] != '<')
			lt--;
		if (lt > from)
			end = lt;
	}
	/* :func:`~module.name` shortens a role's target; in plain code ~ is a home directory. */
	if (n == 1 && i > 0 && p->s[i - 1] == ':')
		from += byte_at(p, from) == '~' || byte_at(p, from) == '!';
	while (end > from && ascii_is_space(p->s[end - 1]))
		end--;
	while (from < end && ascii_is_space(p->s[from]))
		from++;
	for (size_t j = from; j < end;) /* code is not marked up */
		j += put_char(p, j, end);
	close += n;
	while (n == 1 && byte_at(p, close) == '_')
		close++;
	return close;
}

/* *x*, **x**, _x_ */
static size_t take_emphasis(struct plain *p, size_t i, size_t to)
{
	int c = byte_at(p, i), before = i > 0 ? (unsigned char)p->s[i - 1] : ' ';
	size_t n = run_up_to(p, i, c, 4), close;

	if (n > 3 || is_word(before) || ascii_is_space(byte_at(p, i + n)) || i + n >= to)
		return i;
	close = closing_run(p, i + n, to, c, n);
	if (close == 0 || ascii_is_space(p->s[close - 1]) || is_word(byte_at(p, close + n)))
		return i;
	plain_span(p, i + n, close);
	return close + n;
}

/* "[12]" and "[citation needed]" would pass for marks of ours. */
static size_t take_mark(const struct plain *p, size_t i)
{
	static const char needed[] = "[citation needed]";
	size_t j = i + 1;

	if (p->end - i >= sizeof(needed) - 1 && memcmp(p->s + i, needed, sizeof(needed) - 1) == 0)
		return i + sizeof(needed) - 1;
	if (i > 0 && (is_word((unsigned char)p->s[i - 1]) || p->s[i - 1] == '_') &&
	    i + 1 < p->end) /* a[3] */
		return i;
	j += byte_at(p, j) == '^' || byte_at(p, j) == '#';
	while ((byte_at(p, j) >= '0' && byte_at(p, j) <= '9') || byte_at(p, j) == ',' ||
	       byte_at(p, j) == '-' || (j > i + 1 && byte_at(p, j) == ' '))
		j++;
	if (j == i + 1 || byte_at(p, j) != ']' || byte_at(p, j + 1) == '(')
		return i;
	j++;
	return j + (byte_at(p, j) == '_');
}

/* [text](url), ![alt](url), [text][ref] */
static size_t take_link(struct plain *p, size_t i, size_t to)
{
	size_t open = i + (byte_at(p, i) == '!'), close, end, deep = 0;
	int c;

	for (close = open; close < to && close - open < SPAN_MAX; close++) {
		deep += p->s[close] == '[';
		if (p->s[close] == ']' && --deep == 0)
			break;
	}
	if (close >= to || p->s[close] != ']')
		return i;
	c = byte_at(p, close + 1);
	if (c != '(' && c != '[')
		return i;
	for (end = close + 2; end < to && end - close < SPAN_MAX; end++)
		if (p->s[end] == (c == '(' ? ')' : ']'))
			break;
	if (end >= to || p->s[end] != (c == '(' ? ')' : ']'))
		return i;
	plain_span(p, open + 1, close);
	return end + 1;
}

/* <b>, </p>, <br/>: only what HTML has, since <file> is a word of manual pages. */
static size_t take_tag(struct plain *p, size_t i, size_t to)
{
	static const char tags[] =
		" a b br code dd div dl dt em h1 h2 h3 h4 h5 h6 i kbd li ol p pre span strong "
		"sub sup table td th tr tt u ul var ";
	char key[12] = " ";
	size_t n = 1, j = i + 1 + (byte_at(p, i + 1) == '/');

	while (n < sizeof(key) - 2 && is_word(byte_at(p, j)) && byte_at(p, j) < 0x80)
		key[n++] = (char)(p->s[j] | ((p->s[j] & 64) >> 1)), j++;
	key[n++] = ' ';
	key[n] = '\0';
	if (n == 2 || strstr(tags, key) == NULL ||
	    (byte_at(p, j) != '>' && byte_at(p, j) != '/' && !ascii_is_space(byte_at(p, j))))
		return i;
	for (; j < to && j - i < SPAN_MAX; j++)
		if (p->s[j] == '>') {
			if (strstr(" br p li td th tr dd dt div ", key) != NULL)
				put_space(p);
			return j + 1;
		}
	return i;
}

/* The signs of a comment in C, and the star that its lines begin with. */
static size_t take_comment(const struct plain *p, size_t i)
{
	size_t line = i;

	if (byte_at(p, i) == '/' || byte_at(p, i + 1) == '/')
		return byte_at(p, i) != byte_at(p, i + 1) &&
				       (i == 0 || ascii_is_space(p->s[i - 1])) &&
				       (i + 2 == p->end || ascii_is_space(byte_at(p, i + 2)))
			       ? i + 2
			       : i;
	while (line > 0 && (p->s[line - 1] == ' ' || p->s[line - 1] == '\t'))
		line--;
	return line > 0 && p->s[line - 1] == '\n' && ascii_is_space(byte_at(p, i + 1)) ? i + 1 : i;
}

static size_t take_escape(struct plain *p, size_t i)
{
	int c = byte_at(p, i + 1);

	if (c == ' ') /* reStructuredText: nothing */
		return i + 2;
	if (c <= 0 || strchr("\\`*_{}[]()#+-.!|<>~:'\"", c) == NULL)
		return i;
	buf_addc(p->out, (char)c);
	return i + 2;
}

static size_t take_markup(struct plain *p, size_t i, size_t to)
{
	size_t j;

	switch (p->s[i]) {
	case ':':
		return take_role(p, i);
	case '`':
		return take_quoted(p, i, to);
	case '/':
		return byte_at(p, i + 1) == '*' ? take_comment(p, i) : i;
	case '*':
		j = take_comment(p, i);
		return j > i ? j : take_emphasis(p, i, to);
	case '_':
		return take_emphasis(p, i, to);
	case '[':
		j = take_mark(p, i);
		return j > i ? j : take_link(p, i, to);
	case '!':
		return byte_at(p, i + 1) == '[' ? take_link(p, i, to) : i;
	case '<':
		return take_tag(p, i, to);
	case '\\':
		return take_escape(p, i);
	default:
		return i;
	}
}

static void plain_span(struct plain *p, size_t from, size_t to)
{
	size_t next;

	if (p->depth >= DEPTH_MAX)
		return;
	p->depth++;
	for (size_t i = from; i < to; i = next) {
		next = take_markup(p, i, to);
		if (next == i)
			next += put_char(p, i, to);
	}
	p->depth--;
}

/* ---- sentences ----------------------------------------------------------------------------- */

/* Where the text begins behind a list item's, a quotation's or a directive's marker. */
static size_t skip_marker(struct plain *p)
{
	struct peek peek = { .text = p->s, .len = p->end, .last = true };
	struct block b;
	size_t i, name;

	block_read(&peek, 0, &b);
	i = b.first;
	switch (b.kind) {
	case BLOCK_BULLET:
	case BLOCK_NUMBER:
		return i + b.marker;
	case BLOCK_FIELD: /* ":param x: text" */
		return i + 1;
	case BLOCK_ROW:
		return i + 1;
	case BLOCK_HEADING:
		return i + run_of(p, i, '#');
	case BLOCK_RULE:
		return p->end;
	case BLOCK_FENCE:
		return block_line_end(&peek, i, p->end);
	case BLOCK_DIRECTIVE:
		name = i + 3;
		for (i = name; is_name(byte_at(p, i)) || byte_at(p, i) == ':'; i++)
			;
		if (i < name + 2 || p->s[i - 1] != ':' || p->s[i - 2] != ':')
			return name;
		/* Since when something is so is worth keeping: "versionadded 1.2.0:". */
		if (strncmp(p->s + name, "version", 7) != 0 &&
		    strncmp(p->s + name, "deprecated", 10) != 0)
			return i;
		buf_add(p->out, p->s + name, i - name - 2);
		put_space(p);
		while (ascii_is_space(byte_at(p, i)))
			i++;
		while (is_name(byte_at(p, i)))
			buf_addc(p->out, p->s[i++]);
		buf_addc(p->out, ':');
		put_space(p);
		return i;
	default:
		return i;
	}
}

/* Take off a line of punctuation under a title, the last fence, the end of a row. */
static void trim_end(struct plain *p, size_t from)
{
	const char *nl = memrchr(p->s + from, '\n', p->end - from);
	struct peek peek = { .text = p->s, .len = p->end, .last = true };
	struct block b;

	if (nl != NULL) {
		block_read(&peek, (size_t)(nl - p->s) + 1, &b);
		if (b.kind == BLOCK_RULE || b.kind == BLOCK_FENCE)
			p->end = (size_t)(nl - p->s);
	}
	while (p->end > from && (ascii_is_space(p->s[p->end - 1]) || p->s[p->end - 1] == '|'))
		p->end--;
}

/* One that a reader, and whoever splits sentences, sees the end of. */
static void close_sentence(struct plain *p)
{
	struct buf *b = p->out;
	size_t last;
	uint32_t cp = 0;

	while (b->len > p->first && strchr(" ,;:", b->data[b->len - 1]) != NULL)
		b->len--;
	if (b->len == p->first)
		return;
	last = b->len;
	while (last > p->first && strchr("\"')]}", b->data[last - 1]) != NULL)
		last--;
	while (last > p->first && ((unsigned char)b->data[last - 1] & 0xc0) == 0x80)
		last--;
	if (last > p->first && (unsigned char)b->data[last - 1] >= 0xc0)
		utf8_next(b->data + last - 1, b->len - last + 1, &cp);
	else if (last > p->first)
		cp = (unsigned char)b->data[last - 1];
	if (cp == '.' || cp == '!' || cp == '?' || cp == 0x2026 || cp == 0x3002 || cp == 0xff01 ||
	    cp == 0xff1f || cp == 0x0964 || cp == 0x061f || cp == 0x06d4)
		b->data[b->len] = '\0';
	else
		buf_addc(b, '.');
}

void plain_sentence(struct buf *out, const char *s, size_t len)
{
	struct plain p = { .s = s, .end = len, .out = out, .first = out->len };
	size_t from;

	if (len == 0)
		return;
	from = skip_marker(&p);
	if (from < p.end)
		trim_end(&p, from);
	if (from < p.end)
		plain_span(&p, from, p.end);
	if (!buf_failed(out))
		close_sentence(&p);
}
