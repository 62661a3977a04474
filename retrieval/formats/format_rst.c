/*
 * reStructuredText, by lines and their indentation: sections, directives with their bodies,
 * literal blocks, lists, tables. No directive is carried out; what describes an object (a function,
 * a type, an option) stays together with its description.
 */
#include <string.h>

#include "base/text/utf8.h"
#include "base/text/ascii.h"
#include "base/util.h"
#include "retrieval/formats/format_out.h"

#define STYLES_MAX FORMAT_MAX_LEVEL

struct rst {
	struct format_out *out;
	const char *s;
	char styles
		[STYLES_MAX]; /* adornments in the order of their levels; with bit 7: also above */
	unsigned n_styles;
	size_t target;  /* where link targets directly before the next block begin */
	bool targeted;  /* there are some */
	size_t literal; /* "::" ended a paragraph of this indentation + 1: code follows; 0: none */
};

/* What a directive's body is. */
enum body { BODY_TEXT, BODY_ENTRY, BODY_CODE, BODY_TABLE, BODY_NONE, BODY_INSIDE };

static const struct {
	const char *names;
	enum body body;
} directives[] = {
	{ " code-block code sourcecode parsed-literal math prompt doctest testcode ipython "
	  "productionlist ",
	  BODY_CODE },
	{ " csv-table list-table table flat-table ", BODY_TABLE },
	/* Instructions to the formatter, no text. */
	{ " toctree contents highlight default-role raw include index sectnum meta role "
	  "default-domain "
	  "currentmodule tabularcolumns autosummary ",
	  BODY_NONE },
	{ " only container if ifconfig rst-class compound ", BODY_INSIDE },
	{ " function class method classmethod staticmethod attribute property data exception "
	  "decorator "
	  "module describe object option envvar confval setting program type macro member struct "
	  "glossary automodule autoclass autofunction automethod ",
	  BODY_ENTRY },
};

/* A line of one punctuation character repeated, with nothing else. */
static bool is_adornment(const struct rst *r, const struct format_line *line)
{
	if (format_line_blank(line) || line->indent > 0 || !ascii_is_punct(r->s[line->start]))
		return false;
	for (size_t i = line->start; i < line->end; i++)
		if (r->s[i] != r->s[line->start])
			return false;
	return true;
}

static bool is_underline(const struct format_line *under, const struct format_line *title)
{
	return under->end - under->start >= MIN(title->end - title->text, (size_t)4);
}

/* ---- sections ------------------------------------------------------------------------------- */

static unsigned style_level(struct rst *r, char style)
{
	for (unsigned i = 0; i < r->n_styles; i++)
		if (r->styles[i] == style)
			return i + 1;
	if (r->n_styles < STYLES_MAX)
		r->styles[r->n_styles++] = style;
	return r->n_styles;
}

/* :role:`text <target>` to text, ``code`` to code, *emphasis* to emphasis. */
static void title_plain(struct buf *label, const char *s, size_t len)
{
	size_t i = 0, role;

	while (i < len) {
		role = i + 1;
		while (s[i] == ':' && role < len && s[role] != ':' && s[role] != ' ' &&
		       s[role] != '`')
			role++;
		/* A role may have a domain: ":c:type:`x`". */
		while (s[i] == ':' && role + 1 < len && s[role] == ':' && s[role + 1] != '`' &&
		       s[role + 1] != ' ' && s[role + 1] != ':')
			for (role++;
			     role < len && s[role] != ':' && s[role] != ' ' && s[role] != '`';
			     role++)
				;
		if (s[i] == ':' && role + 1 < len && s[role] == ':' && s[role + 1] == '`')
			i = role + 1;
		else if (s[i] == '`' || s[i] == '*' || s[i] == '|')
			i++;
		else if (s[i] == ' ' && i + 1 < len && s[i + 1] == '<' &&
			 memchr(s + i, '>', len - i))
			i = (size_t)((const char *)memchr(s + i, '>', len - i) - s) + 1;
		else if (s[i] == '\\' && i + 1 < len)
			i++;
		else
			buf_addc(label, s[i++]);
	}
}

static void emit_section(struct rst *r, size_t start, size_t end, const struct format_line *title,
			 char style)
{
	struct buf label = BUF_INIT;
	size_t len = utf8_whole(r->s + title->text,
				MIN(title->end - title->text, (size_t)4 * FORMAT_LABEL_MAX));

	title_plain(&label, r->s + title->text, len);
	if (label.len == 0)
		buf_add(&label, r->s + title->text, len);
	if (buf_failed(&label))
		r->out->failed = true;
	else
		format_out_heading(r->out, style_level(r, style), start, end, label.data,
				   label.len);
	buf_fini(&label);
	r->targeted = false; /* targets before a section are left out */
}

/* A title with its lines at `line`; returns where what follows begins, or 0 if there is none. */
static size_t try_section(struct rst *r, const struct format_line *line)
{
	struct format_line a, b;

	if (!format_line_at(r->out, line->next, &a) || format_line_blank(&a))
		return 0;
	if (is_adornment(r, line)) {
		if (!format_line_at(r->out, a.next, &b) || !is_adornment(r, &b) ||
		    r->s[b.start] != r->s[line->start] || !is_underline(&b, &a))
			return 0;
		emit_section(r, line->start, b.end, &a, (char)(r->s[b.start] | (char)0x80));
		return b.next;
	}
	if (line->indent > 0 || !is_adornment(r, &a) || !is_underline(&a, line))
		return 0;
	emit_section(r, line->start, a.end, line, r->s[a.start]);
	return a.next;
}

/* ---- blocks --------------------------------------------------------------------------------- */

/* A block that begins where the targets before it do. */
static void emit_block(struct rst *r, enum format_block_kind kind, size_t start, size_t end)
{
	format_out_block(r->out, kind, r->targeted ? r->target : start, end);
	r->targeted = false;
}

/* ".. name::" at the line's text: its name's length, 0 if it is no directive. */
static size_t directive_name(const struct rst *r, const struct format_line *line)
{
	size_t i = line->text + 3, start = i;

	if (line->end - line->text < 5 || memcmp(r->s + line->text, ".. ", 3) != 0)
		return 0;
	while (i < line->end && r->s[i] != ' ' &&
	       !(r->s[i] == ':' && i + 1 < line->end && r->s[i + 1] == ':'))
		i++;
	return i + 1 < line->end && r->s[i] == ':' ? i - start : 0;
}

static enum body directive_body(const char *name, size_t len)
{
	char find[64];

	if (memchr(name, ':', len) != NULL) /* "c:function" */
		return BODY_ENTRY;
	if (len > sizeof(find) - 3)
		return BODY_TEXT;
	snprintf(find, sizeof(find), " %.*s ", (int)len, name);
	for (size_t i = 0; i < ARRAY_LEN(directives); i++)
		if (strstr(directives[i].names, find) != NULL)
			return directives[i].body;
	return BODY_TEXT;
}

static bool begins_entry(const struct rst *r, const struct format_line *line)
{
	size_t len = directive_name(r, line);

	return len > 0 && directive_body(r->s + line->text + 3, len) == BODY_ENTRY;
}

/*
 * Behind the lines from `at` on that are indented by more than `indent`, blank ones between them
 * included; *end is the end of the last that is not blank. With `to_entry`, it ends before an
 * object's description that stands inside.
 */
static size_t body_end(const struct rst *r, size_t at, size_t indent, bool to_entry, size_t *end)
{
	struct format_line line;
	size_t behind = at;

	for (; format_line_at(r->out, at, &line); at = line.next) {
		if (format_line_blank(&line))
			continue;
		if (line.indent <= indent || (to_entry && begins_entry(r, &line)))
			break;
		*end = line.end;
		behind = line.next;
	}
	return behind;
}

static size_t read_directive(struct rst *r, const struct format_line *line, size_t name_len)
{
	static const enum format_block_kind kinds[] = {
		[BODY_TEXT] = FORMAT_PARAGRAPH,
		[BODY_ENTRY] = FORMAT_ENTRY,
		[BODY_CODE] = FORMAT_CODE,
		[BODY_TABLE] = FORMAT_TABLE,
	};
	enum body body = directive_body(r->s + line->text + 3, name_len);
	size_t end = line->end, next;

	if (body == BODY_INSIDE) /* its body is text like any other */
		return line->next;
	next = body_end(r, line->next, line->indent, body == BODY_ENTRY, &end);
	if (body != BODY_NONE)
		emit_block(r, kinds[body], line->start, end);
	return next;
}

/* ".. _name:", ".. [1] note", ".. |x| image:: y", ".. a comment", ".. directive::" */
static size_t explicit_markup(struct rst *r, const struct format_line *line)
{
	size_t name_len = directive_name(r, line), end = line->end, next;
	char c = line->end - line->text > 3 ? r->s[line->text + 3] : '\0';

	if (name_len > 0)
		return read_directive(r, line, name_len);
	next = body_end(r, line->next, line->indent, false, &end);
	if (c == '[' || c == '|') {
		emit_block(r, FORMAT_PARAGRAPH, line->start, end);
	} else if (c == '_') {
		if (!r->targeted)
			r->target = line->start;
		r->targeted = true;
	} /* else a comment */
	return next;
}

/* "* item", "12. item", "(a) item", "#. item" */
static bool is_item(const struct rst *r, const struct format_line *line)
{
	const char *s = r->s + line->text, *end = r->s + line->end, *p = s;

	if (end - s >= 2 && (*s == '*' || *s == '-' || *s == '+') && s[1] == ' ')
		return true;
	if (*p == '(')
		p++;
	if (p < end && (*p == '#' || ascii_is_alpha(*p)))
		p++;
	else
		while (p < end && p - s < 10 && ascii_is_digit(*p))
			p++;
	return p > s && end - p >= 2 && (*p == '.' || *p == ')') && p[1] == ' ';
}

/* "+---+---+" or "====  ====" */
static bool is_table(const struct rst *r, const struct format_line *line)
{
	const char *s = r->s + line->text;
	size_t len = line->end - line->text, i;
	bool space = false;

	if (len < 4 || (s[0] != '+' && s[0] != '='))
		return false;
	for (i = 0; i < len && (s[i] == '+' || s[i] == '-' || s[i] == '=' || s[i] == ' '); i++)
		space = space || s[i] == ' ' || s[i] == '+';
	return i == len && space && (s[0] == '+' ? s[1] == '-' || s[1] == '=' : s[1] == '=');
}

/*
 * The end of a table that begins at `line`: a simple one ends with its third border, before a
 * blank.
 */
static size_t read_table(struct rst *r, const struct format_line *first)
{
	bool grid = r->s[first->text] == '+';
	struct format_line line = *first, after;
	unsigned borders = 0;
	size_t end = first->end, at = first->start;

	for (; format_line_at(r->out, at, &line); at = line.next) {
		if (format_line_blank(&line) && (grid || borders >= 3))
			break;
		if (format_line_blank(&line))
			continue;
		if (line.indent < first->indent)
			break;
		end = line.end;
		if (!grid && is_table(r, &line) && ++borders >= 2 &&
		    (!format_line_at(r->out, line.next, &after) || format_line_blank(&after))) {
			at = line.next;
			break;
		}
	}
	emit_block(r, FORMAT_TABLE, first->start, end);
	return at;
}

/* A paragraph, up to a blank line; remembers whether it announces code. */
static size_t read_paragraph(struct rst *r, const struct format_line *first)
{
	struct format_line line = *first;
	size_t end = first->end, at = first->next;

	for (; format_line_at(r->out, at, &line) && !format_line_blank(&line); at = line.next)
		end = line.end;
	if (end - first->text >= 2 && memcmp(r->s + end - 2, "::", 2) == 0)
		r->literal = first->indent + 1;
	emit_block(r, FORMAT_PARAGRAPH, first->text, end);
	return at;
}

static size_t read_item(struct rst *r, const struct format_line *line)
{
	size_t end = line->end, next = body_end(r, line->next, line->indent, false, &end);

	if (end - line->text >= 2 && memcmp(r->s + line->end - 2, "::", 2) == 0 && end == line->end)
		r->literal = line->indent + 1;
	emit_block(r, FORMAT_LIST, line->start, end);
	return next;
}

int format_rst(struct format_out *out, struct ragd_err *err)
{
	struct rst r = { .out = out, .s = out->content.s };
	struct format_line line;
	size_t at = out->skip, next, end;

	(void)err;
	while (format_line_at(out, at, &line) && !out->failed) {
		size_t literal = r.literal;

		if (format_line_blank(&line)) {
			at = line.next;
			continue;
		}
		r.literal = 0;
		if (literal > 0 && line.indent >= literal) {
			end = line.end;
			at = body_end(&r, line.next, literal - 1, false, &end);
			emit_block(&r, FORMAT_CODE, line.start, end);
		} else if ((next = try_section(&r, &line)) > 0) {
			at = next;
		} else if (line.end - line.text >= 2 && memcmp(r.s + line.text, "..", 2) == 0 &&
			   (line.end - line.text == 2 || r.s[line.text + 2] == ' ')) {
			at = explicit_markup(&r, &line);
		} else if (is_table(&r, &line)) {
			at = read_table(&r, &line);
		} else if (is_item(&r, &line)) {
			at = read_item(&r, &line);
		} else if (is_adornment(&r, &line) && line.end - line.start >= 4) {
			at = line.next; /* a rule between paragraphs */
		} else {
			at = read_paragraph(&r, &line);
		}
	}
	if (r.targeted)
		emit_block(&r, FORMAT_PARAGRAPH, out->content.len, out->content.len);
	return 0;
}
