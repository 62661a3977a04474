/*
 * Markdown: md4c says what is a heading, paragraph, item, table or code, and the pointers it
 * hands out say where each stands. Blocks are whole lines of the source, so that markers, fences
 * and underlines stay with what they mark.
 */
#include <md4c.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/text/ascii.h"
#include "base/util.h"
#include "retrieval/formats/markdown_plain.h"
#include "retrieval/formats/markdown_tame.h"
#include "retrieval/formats/format_out.h"

#define NOWHERE SIZE_MAX

/* A leaf block while md4c walks through it. */
struct leaf {
	MD_BLOCKTYPE type;
	size_t first; /* content[first .. last) spans the text seen so far; NOWHERE: none yet */
	size_t last;
	unsigned level; /* of a heading */
	bool fenced;
	bool tight; /* the text of an item in a tight list, for which md4c announces no paragraph */
};

struct markdown {
	struct format_out *out;
	const char *tame; /* what md4c reads, byte for byte as long as the content */
	size_t base;      /* tame[0] stands for content[base] */
	struct leaf leaf;
	bool in_leaf;
	unsigned in_items;    /* list items around the leaf */
	size_t done;          /* content before it belongs to earlier blocks */
	struct leaf previous; /* what it belongs to; type DOC: nothing */
};

static bool ends_line(char c)
{
	return c == '\n' || c == '\r';
}

static size_t line_begin(const struct markdown *m, size_t at, size_t floor)
{
	while (at > floor && !ends_line(m->out->content.s[at - 1]))
		at--;
	return at;
}

static size_t line_end(const struct markdown *m, size_t at)
{
	while (at < m->out->content.len && !ends_line(m->out->content.s[at]))
		at++;
	return at;
}

/*
 * The first line in content[from .. to) that is not blank, without the markers of quotes and lists.
 */
static bool next_line(const struct markdown *m, size_t from, size_t to, size_t *start, size_t *end)
{
	const char *s = m->out->content.s;

	for (*start = from; *start < to; *start = *end + 1) {
		*end = MIN(line_end(m, *start), to);
		while (*start < *end && (ascii_is_space(s[*start]) || s[*start] == '>'))
			(*start)++;
		if (*start < *end)
			return true;
	}
	return false;
}

static bool has_only(const char *s, size_t start, size_t end, const char *chars)
{
	while (start < end && strchr(chars, s[start]) != NULL)
		start++;
	return start == end;
}

/* Whether the line that follows a block belongs to it: a fence, an underline, a row of dashes. */
static bool closes_leaf(const struct markdown *m, const struct leaf *leaf, size_t start, size_t end)
{
	const char *s = m->out->content.s;

	switch (leaf->type) {
	case MD_BLOCK_CODE:
		return leaf->fenced && has_only(s, start, end, "`~ \t");
	case MD_BLOCK_H:
		return has_only(s, start, end, "=- \t");
	case MD_BLOCK_TABLE:
		return has_only(s, start, end, "|:- \t");
	default:
		return false;
	}
}

/* Extend the previous block over the line that closes it, if there is one before `to`. */
static void close_previous(struct markdown *m, size_t to)
{
	struct format_out *out = m->out;
	size_t start, end;

	if (m->previous.type == MD_BLOCK_DOC || out->n_blocks == 0 || out->failed)
		return;
	if (next_line(m, m->done, to, &start, &end) && closes_leaf(m, &m->previous, start, end)) {
		while (end > start && ascii_is_space(out->content.s[end - 1]))
			end--;
		out->blocks[out->n_blocks - 1].end = (uint32_t)end;
		m->done = end;
	}
}

/* The line of the fence above the first line of code, or where the code starts if there is none. */
static size_t fence_begin(const struct markdown *m, size_t first)
{
	size_t at = first, begin;
	const char *s = m->out->content.s;

	while (at > m->done && ascii_is_space(s[at - 1]))
		at--; /* blank lines of the code itself */
	begin = line_begin(m, at, m->done);
	return begin < at && (memmem(s + begin, at - begin, "```", 3) != NULL ||
			      memmem(s + begin, at - begin, "~~~", 3) != NULL)
		       ? begin
		       : first;
}

static enum format_block_kind kind_of(const struct markdown *m)
{
	switch (m->leaf.type) {
	case MD_BLOCK_CODE:
		return FORMAT_CODE;
	case MD_BLOCK_TABLE:
		return FORMAT_TABLE;
	default:
		return m->in_items > 0 ? FORMAT_LIST : FORMAT_PARAGRAPH;
	}
}

static bool is_comment(const struct markdown *m, size_t start, size_t end)
{
	const char *s = m->out->content.s;

	while (start < end && ascii_is_space(s[start]))
		start++;
	while (end > start && ascii_is_space(s[end - 1]))
		end--;
	return end - start >= 7 && memcmp(s + start, "<!--", 4) == 0 &&
	       memcmp(s + end - 3, "-->", 3) == 0;
}

static void emit_heading(struct markdown *m, size_t start, size_t end)
{
	size_t first = m->leaf.first, last = m->leaf.last;
	const char *s = m->out->content.s, *brace;
	struct buf label = BUF_INIT;

	/* "Heading {#anchor}": the anchor is no text. */
	brace = s[last - 1] == '}' ? memrchr(s + first, '{', last - first) : NULL;
	if (brace != NULL && brace > s + first && brace[1] == '#')
		last = (size_t)(brace - s);
	markdown_plain(&label, s + first, last - first);
	if (label.len == 0) /* nothing but markup: better that than no label */
		buf_add(&label, s + first,
			utf8_whole(s + first, MIN(last - first, (size_t)FORMAT_LABEL_MAX)));
	if (buf_failed(&label))
		m->out->failed = true;
	else
		format_out_heading(m->out, m->leaf.level, start, end, label.data, label.len);
	buf_fini(&label);
}

static void leaf_end(struct markdown *m)
{
	struct leaf *leaf = &m->leaf;
	size_t start, end;

	if (leaf->first == NOWHERE || leaf->first < m->done)
		return;
	start = line_begin(m, leaf->first, m->done);
	end = line_end(m, leaf->last);
	close_previous(m, start);
	start = MAX(start, m->done);
	if (leaf->fenced)
		start = fence_begin(m, start);
	if (leaf->type == MD_BLOCK_H) {
		emit_heading(m, start, end);
	} else if (leaf->type != MD_BLOCK_HTML || !is_comment(m, start, end)) {
		format_out_block(m->out, kind_of(m), start, end);
	} else {
		leaf->type = MD_BLOCK_DOC;
	}
	m->done = end;
	m->previous = *leaf;
}

static void tight_end(struct markdown *m)
{
	if (m->in_leaf && m->leaf.tight) {
		m->in_leaf = false;
		leaf_end(m);
	}
}

/* ---- what md4c calls ------------------------------------------------------------------------ */

static int on_enter(MD_BLOCKTYPE type, void *detail, void *userdata)
{
	struct markdown *m = userdata;

	tight_end(m);
	if (type == MD_BLOCK_LI)
		m->in_items++;
	if (type != MD_BLOCK_H && type != MD_BLOCK_P && type != MD_BLOCK_CODE &&
	    type != MD_BLOCK_HTML && type != MD_BLOCK_TABLE)
		return 0;
	m->in_leaf = true;
	m->leaf = (struct leaf){ .type = type, .first = NOWHERE };
	if (type == MD_BLOCK_H)
		m->leaf.level = ((MD_BLOCK_H_DETAIL *)detail)->level;
	if (type == MD_BLOCK_CODE)
		m->leaf.fenced = ((MD_BLOCK_CODE_DETAIL *)detail)->fence_char != '\0';
	return 0;
}

static int on_leave(MD_BLOCKTYPE type, void *detail, void *userdata)
{
	struct markdown *m = userdata;

	(void)detail;
	tight_end(m);
	if (type == MD_BLOCK_LI)
		m->in_items--;
	if (m->in_leaf && type == m->leaf.type) {
		m->in_leaf = false;
		leaf_end(m);
	}
	return m->out->failed ? -1 : 0;
}

static int on_span(MD_SPANTYPE type, void *detail, void *userdata)
{
	(void)type;
	(void)detail;
	(void)userdata;
	return 0;
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE len, void *userdata)
{
	struct markdown *m = userdata;
	uintptr_t p = (uintptr_t)text, tame = (uintptr_t)m->tame;
	size_t at;

	(void)type;
	/* Line breaks and indentation come from md4c's own constants. */
	if (p < tame || p + len > tame + (m->out->content.len - m->base))
		return 0;
	at = m->base + (size_t)(p - tame);
	if (!m->in_leaf) {
		m->in_leaf = true;
		m->leaf = (struct leaf){ .type = MD_BLOCK_P, .first = NOWHERE, .tight = true };
	}
	if (len > 0) {
		m->leaf.first = MIN(m->leaf.first, at);
		m->leaf.last = MAX(m->leaf.last, at + len);
	}
	return format_goes_on(m->out, len) ? 0 : -1;
}

/* ---- front matter --------------------------------------------------------------------------- */

/* title: "Of the document" (YAML), title = "…" (TOML). */
static void front_matter_title(struct format_out *out, const struct format_line *line)
{
	const char *s = out->content.s + line->start, *end = out->content.s + line->end;

	if (end - s < 7 || memcmp(s, "title", 5) != 0)
		return;
	for (s += 5; s < end && (*s == ' ' || *s == '\t'); s++)
		;
	if (s == end || (*s != ':' && *s != '='))
		return;
	for (s++; s < end && (*s == ' ' || *s == '\t'); s++)
		;
	if (end - s >= 2 && (*s == '"' || *s == '\'') && end[-1] == *s) {
		s++;
		end--;
	} else if (s < end && (*s == '|' || *s == '>')) {
		return; /* over several lines, which no title is */
	}
	buf_clear(&out->title);
	format_one_line(&out->title, s, (size_t)(end - s));
}

/* Where the text begins behind a front matter, out->skip if there is none. */
static size_t front_matter(struct format_out *out)
{
	const char *s = out->content.s;
	struct format_line line;
	const char *mark;
	size_t at;

	if (!format_line_at(out, out->skip, &line) || line.end - line.start != 3)
		return out->skip;
	mark = memcmp(s + line.start, "+++", 3) == 0 ? "+++" : "---";
	if (memcmp(s + line.start, mark, 3) != 0)
		return out->skip;
	for (at = line.next; format_line_at(out, at, &line); at = line.next) {
		if (line.end - line.start == 3 &&
		    (memcmp(s + line.start, mark, 3) == 0 || memcmp(s + line.start, "...", 3) == 0))
			return line.next;
		front_matter_title(out, &line);
	}
	buf_clear(&out->title); /* it never ended, so it was none */
	return out->skip;
}

int format_markdown(struct format_out *out, struct ragd_err *err)
{
	static const MD_PARSER parser = {
		.flags = MD_FLAG_TABLES,
		.enter_block = on_enter,
		.leave_block = on_leave,
		.enter_span = on_span,
		.leave_span = on_span,
		.text = on_text,
	};
	struct markdown m = { .out = out, .previous = { .type = MD_BLOCK_DOC } };
	size_t len;
	char *tame;
	int rc;

	m.base = m.done = front_matter(out);
	len = out->content.len - m.base;
	if (len == 0)
		return 0;
	tame = markdown_tame(out->content.s + m.base, len, out->wanted);
	if (tame == NULL)
		return ragd_err_set(err, -ENOMEM, "read Markdown: out of memory");
	m.tame = tame;
	rc = format_goes_on(out, 0) ? md_parse(tame, (MD_SIZE)len, &parser, &m) : -1;
	close_previous(&m, out->content.len);
	free(tame);
	if (rc != 0) /* or no longer wanted, which the caller looks at first */
		return ragd_err_set(err, -ENOMEM, "read Markdown: out of memory");
	return 0;
}
