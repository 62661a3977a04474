/*
 * HTML. There is no tree: what matters of the elements around a text are a few counters, so
 * that nothing depends on tags being closed, and no nesting is too deep.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"
#include "base/text/ascii.h"
#include "base/util.h"
#include "retrieval/formats/extract.h"
#include "retrieval/formats/html_entity.h"
#include "retrieval/formats/html_tokens.h"

struct html {
	struct extractor x;
	unsigned tables;  /* open ones, as for the next three */
	unsigned lists;   /* of definitions */
	unsigned pre;     /* 0 or 1 */
	unsigned dropped; /* elements of the name below that are open */
	const char *drop; /* no text until it ends; NULL: none */
	bool described;   /* a <dd> came after the last <dt> */
};

/* What a tag means. Tags that are not listed stand within a line and mean nothing here. */
enum role {
	ROLE_BLOCK,
	ROLE_HEADING,
	ROLE_ITEM,
	ROLE_BREAK,
	ROLE_TABLE,
	ROLE_ROW,
	ROLE_CELL,
	ROLE_PRE,
	ROLE_DL,
	ROLE_DT,
	ROLE_DD,
	ROLE_DROP,
};

/* In the order of their names, for bsearch. */
/* clang-format off */
static const struct tag {
	char name[HTML_NAME_MAX];
	enum role role;
} tags[] = {
	{ "address", ROLE_BLOCK }, { "article", ROLE_BLOCK }, { "aside", ROLE_BLOCK },
	{ "blockquote", ROLE_BLOCK }, { "body", ROLE_BLOCK }, { "br", ROLE_BREAK },
	{ "button", ROLE_DROP }, { "caption", ROLE_ROW }, { "center", ROLE_BLOCK },
	{ "dd", ROLE_DD }, { "details", ROLE_BLOCK }, { "div", ROLE_BLOCK }, { "dl", ROLE_DL },
	{ "dt", ROLE_DT }, { "fieldset", ROLE_BLOCK }, { "figcaption", ROLE_BLOCK },
	{ "figure", ROLE_BLOCK }, { "footer", ROLE_BLOCK }, { "form", ROLE_BLOCK },
	{ "h1", ROLE_HEADING }, { "h2", ROLE_HEADING }, { "h3", ROLE_HEADING },
	{ "h4", ROLE_HEADING }, { "h5", ROLE_HEADING }, { "h6", ROLE_HEADING },
	{ "head", ROLE_BLOCK }, { "header", ROLE_BLOCK }, { "hr", ROLE_BLOCK },
	{ "html", ROLE_BLOCK }, { "legend", ROLE_BLOCK }, { "li", ROLE_ITEM },
	{ "listing", ROLE_PRE }, { "main", ROLE_BLOCK }, { "menu", ROLE_BLOCK },
	{ "nav", ROLE_DROP }, { "noscript", ROLE_DROP }, { "ol", ROLE_BLOCK },
	{ "option", ROLE_BREAK }, { "p", ROLE_BLOCK }, { "pre", ROLE_PRE },
	{ "section", ROLE_BLOCK }, { "select", ROLE_DROP }, { "summary", ROLE_BLOCK },
	{ "svg", ROLE_DROP }, { "table", ROLE_TABLE }, { "tbody", ROLE_ROW }, { "td", ROLE_CELL },
	{ "template", ROLE_DROP }, { "tfoot", ROLE_ROW }, { "th", ROLE_CELL },
	{ "thead", ROLE_ROW }, { "title", ROLE_BLOCK }, { "tr", ROLE_ROW }, { "ul", ROLE_BLOCK },
};
/* clang-format on */

static int tag_compare(const void *name, const void *tag)
{
	return strcmp(name, ((const struct tag *)tag)->name);
}

/* The kind of the next block, as far as the elements around it tell. */
static enum format_block_kind kind_here(const struct html *h)
{
	if (h->pre > 0)
		return FORMAT_CODE;
	if (h->x.item) /* "<li><p>" */
		return FORMAT_LIST;
	if (h->tables > 0)
		return FORMAT_TABLE;
	return h->lists > 0 ? FORMAT_ENTRY : FORMAT_PARAGRAPH;
}

static void block_break(struct html *h)
{
	extract_break(&h->x, kind_here(h));
}

/* Tables and lists of definitions are one block each, in which an element makes a new line only. */
static void block_or_line(struct html *h)
{
	if ((h->tables > 0 || h->lists > 0) && h->x.kind != FORMAT_HEADING)
		extract_gap(&h->x, h->tables > 0 ? EXTRACT_SPACE : EXTRACT_LINE);
	else
		block_break(h);
}

static unsigned count_nesting(unsigned n, bool start)
{
	return start ? n + 1 : n - (n > 0);
}

static void on_heading(struct html *h, const struct html_token *t, bool start)
{
	if (start) {
		h->pre = 0; /* what is still open around a heading was never closed */
		h->tables = h->lists = 0;
		extract_break(&h->x, FORMAT_HEADING);
		h->x.level = (unsigned)(t->name[1] - '0');
		h->x.item = false;
	} else {
		block_break(h);
	}
}

static void on_definition(struct html *h, enum role role, bool start)
{
	if (!start || h->lists == 0) {
		block_or_line(h);
	} else if (role == ROLE_DT && h->described) {
		block_break(h);
		h->described = false;
	} else {
		extract_gap(&h->x, EXTRACT_LINE);
		h->described = h->described || role == ROLE_DD;
	}
}

static void on_tag(struct html *h, const struct html_token *t, enum role role)
{
	bool start = t->kind == HTML_START;

	switch (role) {
	case ROLE_BLOCK:
		block_or_line(h);
		break;
	case ROLE_HEADING:
		on_heading(h, t, start);
		break;
	case ROLE_ITEM:
		h->x.item = false;
		block_or_line(h);
		h->x.item = start && h->tables == 0 && h->lists == 0;
		if (h->x.item)
			h->x.kind = FORMAT_LIST;
		break;
	case ROLE_BREAK:
		extract_gap(&h->x, h->tables > 0 ? EXTRACT_SPACE : EXTRACT_LINE);
		break;
	case ROLE_TABLE:
		h->tables = count_nesting(h->tables, start);
		if (h->tables <= (start ? 1u : 0u))
			block_break(h);
		else
			extract_gap(&h->x, EXTRACT_LINE);
		break;
	case ROLE_ROW:
		extract_gap(&h->x, EXTRACT_LINE);
		break;
	case ROLE_CELL:
		if (start)
			extract_gap(&h->x, EXTRACT_CELL);
		break;
	case ROLE_PRE:
		if (h->tables == 0) {
			h->pre = start;
			block_break(h);
		} else {
			extract_gap(&h->x, EXTRACT_LINE);
		}
		break;
	case ROLE_DL:
		h->lists = count_nesting(h->lists, start);
		h->described = false;
		if (h->tables == 0 && h->lists <= (start ? 1u : 0u))
			block_break(h);
		else
			extract_gap(&h->x, EXTRACT_LINE);
		break;
	case ROLE_DT:
	case ROLE_DD:
		on_definition(h, role, start);
		break;
	case ROLE_DROP:
		break;
	}
}

/* Whether this tag never stands in an element that is left out. Navigation may have headings. */
static bool ends_drop(const char *drop, const struct tag *tag)
{
	return strcmp(tag->name, "main") == 0 || strcmp(tag->name, "article") == 0 ||
	       (tag->role == ROLE_HEADING && (tag->name[1] == '1' || strcmp(drop, "nav") != 0));
}

/* Navigation, drawings, scripts' stand-ins; true if the token is inside such an element. */
static bool track_dropped(struct html *h, const struct html_token *t, const struct tag *tag)
{
	bool start = t->kind == HTML_START;

	if (h->drop == NULL) {
		if (tag == NULL || tag->role != ROLE_DROP || !start)
			return false;
		h->drop = tag->name;
		h->dropped = 1;
	} else if (tag != NULL && tag->name == h->drop) {
		h->dropped = count_nesting(h->dropped, start);
	} else if (tag != NULL && start && ends_drop(h->drop, tag)) {
		h->dropped = 0; /* never closed; this is no part of it */
		h->drop = NULL;
		return false;
	}
	if (h->dropped == 0)
		h->drop = NULL;
	return true;
}

/* Preformatted text, a line at a time, as it stands there. */
static void pre_text(struct html *h, size_t start, size_t end)
{
	const char *s = h->x.out->content.s;

	if (!h->x.open) { /* blank lines before the first */
		for (size_t i = start; i < end && ascii_is_space(s[i]); i++)
			if (s[i] == '\n')
				start = i + 1;
		if (start == end)
			return;
	}
	extract_add(&h->x, s + start, end - start, start);
}

static void on_piece(struct html *h, size_t start, size_t end)
{
	if (start == end)
		return;
	if (h->x.kind == FORMAT_CODE)
		pre_text(h, start, end);
	else
		extract_words(&h->x, start, end);
}

static void on_text(struct html *h, size_t start, size_t end)
{
	const char *s = h->x.out->content.s, *amp;
	char utf8[HTML_ENTITY_UTF8_MAX];
	size_t from = start, used = 0, n;

	for (size_t at = start; at < end && format_goes_on(h->x.out, used); at += used) {
		amp = memchr(s + at, '&', end - at);
		if (amp == NULL)
			break;
		at = (size_t)(amp - s);
		used = html_entity(amp, end - at, utf8, &n);
		if (used == 0) {
			used = 1;
			continue;
		}
		on_piece(h, from, at);
		from = at + used;
		/* A no-break space separates words like any other; &#10; and its like too. */
		if ((n == 2 && memcmp(utf8, "\xc2\xa0", 2) == 0) ||
		    (n == 1 && ascii_is_space(utf8[0])))
			extract_gap(&h->x, EXTRACT_SPACE);
		else if (n > 1 || (unsigned char)utf8[0] >= ' ')
			extract_add(&h->x, utf8, n, at);
	}
	on_piece(h, from, end);
}

static void on_title(struct format_out *out, size_t start, size_t end)
{
	const char *s = out->content.s;
	char utf8[HTML_ENTITY_UTF8_MAX];
	struct buf raw = BUF_INIT;
	size_t used, n;

	if (out->title.len > 0) /* the first one counts; drawings have some too */
		return;
	for (size_t at = start; at < end && raw.len < 4 * FORMAT_LABEL_MAX; at += used) {
		used = s[at] == '&' ? html_entity(s + at, end - at, utf8, &n) : 0;
		if (used == 0)
			buf_add(&raw, s + at, used = 1);
		else if (n > 1 || (unsigned char)utf8[0] >= ' ')
			buf_add(&raw, utf8, n);
	}
	if (raw.len > 0 && buf_failed(&raw) == false)
		format_one_line(&out->title, raw.data, utf8_whole(raw.data, raw.len));
	buf_fini(&raw);
}

int format_html(struct format_out *out, struct ragd_err *err)
{
	struct html h = { .x = { .out = out, .kind = FORMAT_PARAGRAPH } };
	const struct tag *tag;
	struct html_tokens tokens;
	struct html_token t;

	(void)err;
	html_tokens_start(&tokens, out->content, out->skip);
	while (html_tokens_next(&tokens, &t) && format_goes_on(out, t.end - t.start + 1)) {
		if (t.kind == HTML_RAW) {
			if (h.drop == NULL && strcmp(t.name, "title") == 0)
				on_title(out, t.start, t.end);
			continue;
		}
		if (t.kind == HTML_TEXT) {
			if (h.drop == NULL)
				on_text(&h, t.start, t.end);
			continue;
		}
		tag = bsearch(t.name, tags, ARRAY_LEN(tags), sizeof(tags[0]), tag_compare);
		if (!track_dropped(&h, &t, tag) && tag != NULL)
			on_tag(&h, &t, tag->role);
	}
	extract_break(&h.x, FORMAT_PARAGRAPH);
	return 0;
}
