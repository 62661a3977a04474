#include "base/text/sentences.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>

#include "base/text/ascii.h"
#include "base/text/blocks.h"
#include "base/text/stop.h"
#include "base/text/utf8.h"
#include "base/util.h"

#define ABBREV_MAX 12  /* bytes that are looked at before a full stop */
#define WORD_PEEK  48  /* bytes that are looked at of the word after it */
#define FENCE_MAX  32  /* backquotes of a fence; more make no difference */
#define LINE_PEEK  200 /* bytes of a line that are looked at for announcing code */
#define TAIL_MAX   96  /* bytes of further terminators, closing marks and citations */

struct sentences {
	struct peek p;
	size_t pos;
	size_t line;          /* where the line begins that pos stands in */
	bool line_first;      /* only white space stands before the sentence in its line */
	enum block_kind kind; /* of the block that the sentence at pos belongs to */
	/* Code that is being given in pieces: */
	int fence; /* the character of its fence, 0: none */
	size_t fence_len;
	bool literal;          /* an indented block after "::" */
	size_t literal_indent; /* its lines have at least this many columns before them */
};

struct sentences *sentences_new(void)
{
	return calloc(1, sizeof(struct sentences));
}

void sentences_free(struct sentences *s)
{
	free(s);
}

void sentences_start(struct sentences *s, const char *text, size_t len)
{
	*s = (struct sentences){ .p = { .text = text, .len = len, .last = true },
				 .line_first = true };
}

/* ---- abbreviations ------------------------------------------------------------------------- */

enum abbrev {
	ABBREV_NONE,
	ABBREV_NEVER,   /* never ends a sentence */
	ABBREV_NUMBER,  /* does not before a number */
	ABBREV_SELDOM,  /* only before a word that begins sentences */
	ABBREV_CAPITAL, /* before any capital letter */
};

/* Sorted within a row does not matter: the rows are short and looked at after full stops only. */
static const struct {
	enum abbrev kind;
	const char *words; /* each between spaces */
} abbrevs[] = {
	{ ABBREV_NEVER,
	  " e.g i.e eg ie vs cf mr mrs ms dr prof gen col lt sgt capt cmdr rev hon gov sen "
	  "messrs mt viz approx incl esp resp fig figs eq eqs pp " },
	{ ABBREV_NUMBER,
	  " no nos vol vols ch sec sect art para p v ver ed jan feb mar apr jun jul aug sep "
	  "sept oct nov dec ca c " },
	{ ABBREV_SELDOM,
	  " inc ltd co corp llc al jr sr st dept univ bros ave blvd rd ph.d u.s.a " },
	{ ABBREV_CAPITAL, " etc a.m p.m " },
};

/* The letters and dots before the full stop at `dot`, not before `from`, lower-cased. */
static size_t word_before(const struct sentences *s, size_t from, size_t dot, char *out)
{
	size_t at = dot;

	while (at > from && dot - at < ABBREV_MAX) {
		int c = (unsigned char)s->p.text[at - 1];

		if (!ascii_is_alnum(c) && c != '.')
			break;
		at--;
	}
	if (at > from && dot - at == ABBREV_MAX)
		return 0;
	for (size_t i = at; i < dot; i++)
		out[i - at] = (char)(ascii_is_alnum(s->p.text[i]) && !ascii_is_digit(s->p.text[i])
					     ? s->p.text[i] | 32
					     : s->p.text[i]);
	return dot - at;
}

static enum abbrev abbrev_at(const struct sentences *s, size_t from, size_t dot)
{
	char key[ABBREV_MAX + 3];
	size_t n = word_before(s, from, dot, key + 1);
	bool dotted = n > 0;

	if (n == 0)
		return ABBREV_NONE;
	key[0] = key[n + 1] = ' ';
	key[n + 2] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(abbrevs); i++)
		if (strstr(abbrevs[i].words, key) != NULL)
			return abbrevs[i].kind;
	/* Initials and the like: J. K., U.S., but not 4. */
	for (size_t i = 0; i < n && dotted; i++)
		dotted = i % 2 == 0 ? !ascii_is_digit(key[i + 1]) && key[i + 1] != '.'
				    : key[i + 1] == '.';
	if (dotted && n % 2 == 1 && (n > 1 || u_isupper((unsigned char)s->p.text[dot - 1])))
		return ABBREV_SELDOM;
	return ABBREV_NONE;
}

/* ---- ends inside prose --------------------------------------------------------------------- */

/* Bytes of a terminator at i, 0 if there is none; *wide: one that needs no space after it. */
static size_t terminator_len(struct peek *p, size_t i, bool *wide)
{
	uint32_t cp;
	size_t n = peek_char(p, i, &cp);

	*wide = false;
	if (n == 0)
		return 0;
	if (cp < 0x80)
		return cp == '.' || cp == '!' || cp == '?' ? 1 : 0;
	if (cp == 0x2026)
		return n;
	switch (u_getIntPropertyValue((UChar32)cp, UCHAR_SENTENCE_BREAK)) {
	case U_SB_STERM:
		*wide = true;
		return n;
	case U_SB_ATERM: /* a wide full stop also stands in numbers */
		*wide = !ascii_is_digit(peek_at(p, i + n));
		return n;
	default:
		return 0;
	}
}

static size_t closer_len(struct peek *p, size_t i)
{
	uint32_t cp;
	size_t n = peek_char(p, i, &cp);

	if (n == 0)
		return 0;
	if (cp < 0x80)
		return cp != 0 && strchr("\"')]}*_`", (int)cp) != NULL ? 1 : 0;
	switch (u_charType((UChar32)cp)) {
	case U_END_PUNCTUATION:
	case U_FINAL_PUNCTUATION:
		return n;
	default:
		return 0;
	}
}

/* Bytes of "[1]" or "[1, 2]" at i. */
static size_t citation_len(struct peek *p, size_t i)
{
	size_t at = i + 1;
	int c;

	if (peek_at(p, i) != '[' || !ascii_is_digit(peek_at(p, at)))
		return 0;
	while (at - i < 32) {
		c = peek_at(p, at++);
		if (c == ']')
			return at - i;
		if (!ascii_is_digit(c) && c != ',' && c != ' ' && c != '-')
			break;
	}
	return 0;
}

/* Whether a word in lower case begins a sentence all the same: uv_run(), getaddrinfo4, `x`. */
static bool is_identifier(struct peek *p, size_t i)
{
	for (size_t n = 0; n < WORD_PEEK; n++) {
		int c = peek_at(p, i + n);

		if (c == '_' || c == '(' || (n > 0 && (ascii_is_digit(c) || ascii_is_upper(c))))
			return true;
		if (!ascii_is_alnum(c))
			return false;
	}
	return false;
}

/* Whether the capitalised word at i is one that often begins sentences: "The", "It". */
static bool is_starter(struct peek *p, size_t i)
{
	char word[WORD_PEEK];
	size_t n = 0;

	for (; n < WORD_PEEK; n++) {
		int c = peek_at(p, i + n);

		if (!ascii_is_alnum(c) || ascii_is_digit(c))
			break;
		word[n] = (char)(c | 32);
	}
	return n > 1 && n < WORD_PEEK && stop_is(word, n);
}

/* What the text after a full stop and white space says: may a sentence begin at i? */
static bool may_begin(struct sentences *s, size_t i, enum abbrev ab, bool quoted)
{
	struct peek *p = &s->p;
	bool code = false, upper, lower;
	uint32_t cp;
	size_t n;

	while ((n = peek_char(p, i, &cp)) > 0) {
		bool opens = cp < 0x80 ? strchr("\"'([{*_`", (int)cp) != NULL
				       : u_charType((UChar32)cp) == U_START_PUNCTUATION ||
						 u_charType((UChar32)cp) == U_INITIAL_PUNCTUATION;

		if (!opens || cp == 0)
			break;
		code |= cp == '`' || cp == '*';
		i += n;
	}
	if (n == 0)
		return true;
	upper = u_isupper((UChar32)cp);
	lower = u_islower((UChar32)cp);
	switch (ab) {
	case ABBREV_NEVER:
		return false;
	case ABBREV_NUMBER:
		if (u_isdigit((UChar32)cp))
			return false;
		break;
	case ABBREV_SELDOM:
		return upper && is_starter(p, i);
	case ABBREV_CAPITAL:
		return upper;
	case ABBREV_NONE:
		break;
	}
	return !lower || (!quoted && (code || is_identifier(p, i)));
}

/* ---- lines --------------------------------------------------------------------------------- */

/* Where the line of text[at] begins, at not before pos. */
static size_t line_start(const struct sentences *s, size_t at)
{
	const char *nl = memrchr(s->p.text + s->pos, '\n', at - s->pos);

	return nl != NULL ? (size_t)(nl - s->p.text) + 1 : s->line;
}

/*
 * Whether what the newline at nl interrupts is over. *end moves behind the line under a title,
 * which is part of it.
 */
static bool line_ends_block(struct sentences *s, size_t nl, size_t *end)
{
	struct block here, next;
	size_t column;

	block_read(&s->p, line_start(s, nl), &here);
	block_read(&s->p, nl + 1, &next);
	if (s->p.starved)
		return false;
	switch (next.kind) {
	case BLOCK_FENCE: /* ~~~ is also how a title is underlined */
		if (s->p.text[next.first] != '~' || here.kind != BLOCK_TEXT)
			return true;
		/* fall through */
	case BLOCK_RULE:
		*end = block_line_end(&s->p, next.first, SENTENCE_MAX);
		return true;
	case BLOCK_NUMBER: /* not where a wrapped line happens to begin with "1998." */
		return next.number <= 1 || s->kind == BLOCK_NUMBER || s->kind == BLOCK_BULLET ||
		       (nl > 0 && s->p.text[nl - 1] == ':');
	case BLOCK_TEXT:
		break;
	default:
		return true;
	}
	if (here.kind == BLOCK_FIELD || here.kind == BLOCK_DIRECTIVE)
		return false;
	/* What stands to the right of the line before is a definition, or the text of a man page.
	 */
	column = here.indent + here.marker;
	return next.indent >= column + 2 && next.indent >= here.indent + 2;
}

/*
 * Whether the terminator at `at` (n bytes) ends the sentence that began at `from`; *end is then
 * behind all that belongs to it.
 */
static bool ends_at(struct sentences *s, size_t from, size_t at, size_t n, bool wide, size_t *end)
{
	struct peek *p = &s->p;
	size_t j = at + n, next, title;
	bool dot = p->text[at] == '.', quoted = false, more;
	enum abbrev ab = ABBREV_NONE;

	while (j - at < TAIL_MAX && (n = terminator_len(p, j, &more)) > 0) {
		dot = false;
		wide |= more;
		j += n;
	}
	if (dot && ascii_is_space(peek_at(p, j)))
		ab = abbrev_at(s, from, at);
	while (j - at < TAIL_MAX && ((n = closer_len(p, j)) > 0 || (n = citation_len(p, j)) > 0)) {
		quoted |= p->text[j] != ')' && p->text[j] != ']' && p->text[j] != '[';
		j += n;
	}
	if (!wide && peek_at(p, j) >= 0 && !ascii_is_space(peek_at(p, j)))
		return false;
	*end = j;
	for (next = j; peek_at(p, next) == ' '; next++)
		;
	while (next - at < TAIL_MAX && (n = citation_len(p, next)) > 0) {
		ab = ABBREV_NONE; /* nobody cites in the middle of an abbreviation */
		*end = next += n;
		while (peek_at(p, next) == ' ')
			next++;
	}
	for (; ascii_is_space(peek_at(p, next)); next++)
		if (p->text[next] == '\n' && line_ends_block(s, next, &title))
			return !p->starved;
	if (p->starved)
		return false;
	/* ! and ? and their like end a sentence, but for "What?" he asked. */
	if (!dot && p->text[at] != '.' && !quoted)
		return true;
	return may_begin(s, next, ab, quoted) && !p->starved;
}

/* ---- code ---------------------------------------------------------------------------------- */

/* Whether the line at `at` closes the fence. */
static bool closes_fence(struct sentences *s, size_t at)
{
	struct block b;
	size_t n = 0;

	block_read(&s->p, at, &b);
	at = b.first;
	while (n < FENCE_MAX && peek_at(&s->p, at) == s->fence)
		at++, n++;
	if (n < s->fence_len)
		return false;
	while (peek_at(&s->p, at) == ' ' || peek_at(&s->p, at) == '\r')
		at++;
	return peek_at(&s->p, at) == '\n' || peek_at(&s->p, at) < 0;
}

/* Whether the line at `at` is no longer part of the literal block. */
static bool ends_literal(struct sentences *s, size_t at)
{
	struct block b;

	block_read(&s->p, at, &b);
	return b.kind != BLOCK_BLANK && b.indent < s->literal_indent;
}

/* The end of the code that goes on at `from`, whose first line is part of it whatever it is. */
static size_t code_end(struct sentences *s, size_t from)
{
	size_t end = block_line_end(&s->p, from, SENTENCE_MAX), line;

	while (!s->p.starved && end < s->p.len && end - from < SENTENCE_MAX) {
		line = end + 1;
		if (s->literal && ends_literal(s, line)) {
			s->literal = false;
			return end;
		}
		if (s->fence != 0 && closes_fence(s, line)) {
			s->fence = 0;
			return block_line_end(&s->p, line, SENTENCE_MAX);
		}
		line = block_line_end(&s->p, line, SENTENCE_MAX);
		if (line - from > SENTENCE_MAX) /* the rest is another piece */
			return end;
		end = line;
	}
	return end;
}

/* Whether a block that begins after a blank line at `at` is code because of the line before that.
 */
static bool announced_as_code(const struct sentences *s, size_t at)
{
	size_t end = at, from;
	unsigned newlines = 0;

	while (end > 0 && ascii_is_space(s->p.text[end - 1]))
		newlines += s->p.text[--end] == '\n';
	if (newlines < 2 || end < 2)
		return false;
	for (from = end; from > 0 && end - from < LINE_PEEK && s->p.text[from - 1] != '\n';)
		from--;
	while (from < end && s->p.text[from] == ' ')
		from++;
	if (end - from > 3 && memcmp(s->p.text + from, ".. ", 3) == 0) /* ".. note::" holds prose */
		return end - from > 7 && memcmp(s->p.text + from + 3, "code", 4) == 0;
	return memcmp(s->p.text + end - 2, "::", 2) == 0;
}

/* ---- sentences ----------------------------------------------------------------------------- */

/* Where a sentence that will not end is cut. */
static size_t cut_at(const struct sentences *s, size_t from, size_t white)
{
	if (white > from)
		return white;
	return from + utf8_whole(s->p.text + from, SENTENCE_MAX);
}

static size_t prose_end(struct sentences *s, size_t from, size_t skip)
{
	struct peek *p = &s->p;
	size_t white = 0, end, n;
	bool wide;

	for (size_t i = from + skip; !p->starved; i += n) {
		int c = peek_at(p, i);

		if (c < 0)
			return i;
		if (i - from >= SENTENCE_MAX)
			return cut_at(s, from, white);
		n = 1;
		if (c == '\n') {
			end = i;
			if (line_ends_block(s, i, &end))
				return end;
		}
		if (ascii_is_space(c)) {
			white = i;
		} else if (c == '.' || c == '!' || c == '?' || c >= 0x80) {
			size_t t = terminator_len(p, i, &wide);
			uint32_t cp;

			if (t > 0 && ends_at(s, from, i, t, wide, &end))
				return end;
			n = peek_char(p, i, &cp);
			n += n == 0; /* cut at the end of the text: starved, or invalid */
		}
	}
	return from;
}

/* The end of the sentence at `from`, its first character. */
static size_t sentence_end(struct sentences *s, size_t from)
{
	struct block b;
	size_t end;

	if (s->fence != 0 && s->line_first && closes_fence(s, s->line)) {
		s->fence = 0;
		return block_line_end(&s->p, from, SENTENCE_MAX);
	}
	if (s->literal && s->line_first && ends_literal(s, s->line))
		s->literal = false;
	if (s->fence != 0 || s->literal)
		return code_end(s, from);
	if (!s->line_first)
		return prose_end(s, from, 0);
	block_read(&s->p, s->line, &b);
	s->kind = b.kind;
	if (b.indent > 0 && announced_as_code(s, from)) {
		s->literal = true;
		s->literal_indent = b.indent;
		return code_end(s, from);
	}
	switch (b.kind) {
	case BLOCK_FENCE:
		s->fence = (unsigned char)s->p.text[b.first];
		for (s->fence_len = 0; s->fence_len < FENCE_MAX; s->fence_len++)
			if (peek_at(&s->p, b.first + s->fence_len) != s->fence)
				break;
		return code_end(s, from);
	case BLOCK_HEADING:
	case BLOCK_ROW:
	case BLOCK_RULE:
		end = block_line_end(&s->p, from, SENTENCE_MAX + 1);
		return end - from > SENTENCE_MAX ? prose_end(s, from, 0) : end;
	case BLOCK_BLANK: /* a quotation's marks alone */
		return MAX(b.first, from + 1);
	default:
		return prose_end(s, from, b.first - from + b.marker);
	}
}

/* Over the white space before a sentence. */
static void skip_white(struct sentences *s)
{
	int c;

	while (ascii_is_space(c = peek_at(&s->p, s->pos))) {
		s->pos++;
		if (c == '\n') {
			s->line = s->pos;
			s->line_first = true;
		}
	}
}

bool sentences_next(struct sentences *s, size_t *first, size_t *end)
{
	size_t from, to, whole;

	skip_white(s);
	from = s->pos;
	if (peek_at(&s->p, from) < 0)
		return false;
	to = sentence_end(s, from);
	if (s->p.starved)
		return false;
	to = MIN(to, from + SENTENCE_MAX);
	whole = to < s->p.len ? utf8_whole(s->p.text + from, to - from) : 0;
	if (whole > 0) /* a line that is too long may have been cut anywhere */
		to = from + whole;
	s->line = line_start(s, to);
	s->line_first = false;
	s->pos = to;
	while (to > from + 1 && ascii_is_space(s->p.text[to - 1]))
		to--;
	*first = from;
	*end = to;
	return true;
}

bool sentences_more(struct sentences *s, const char *text, size_t len, bool last, size_t *first,
		    size_t *end)
{
	struct sentences before;

	s->p = (struct peek){ .text = text, .len = len, .last = last };
	skip_white(s);
	s->p.starved = false;
	before = *s;
	if (sentences_next(s, first, end))
		return true;
	*s = before;
	return false;
}
