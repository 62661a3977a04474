/*
 * Manual pages (troff with the man or mdoc macros): extracted text with sections, paragraphs,
 * tagged items and examples. Requests that only lay out the page are passed over; no macro is
 * defined, no condition evaluated, and mdoc's .Nm without a name stays empty.
 */
#include <string.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "retrieval/formats/extract.h"
#include "retrieval/formats/roff_escape.h"

enum request {
	REQ_NONE, /* nothing to read */
	REQ_SECTION,
	REQ_SUBSECTION,
	REQ_PARAGRAPH,
	REQ_ITEM,      /* its first argument is the tag */
	REQ_TAGGED,    /* the next line is */
	REQ_LIST_ITEM, /* mdoc: all arguments are */
	REQ_CODE,
	REQ_CODE_END,
	REQ_LINE,
	REQ_TITLE,
	REQ_SKIP, /* a definition, up to ".." */
	REQ_TEXT, /* arguments are text */
	REQ_JOIN, /* the same, without a space between them */
};

static const struct {
	const char *names;
	enum request request;
} requests[] = {
	{ " SH Sh ", REQ_SECTION },
	{ " SS Ss ", REQ_SUBSECTION },
	{ " PP P LP HP Pp sp ", REQ_PARAGRAPH },
	{ " IP ", REQ_ITEM },
	{ " TP TQ ", REQ_TAGGED },
	{ " It ", REQ_LIST_ITEM },
	{ " nf EX Bd ", REQ_CODE },
	{ " fi EE Ed ", REQ_CODE_END },
	{ " br Bl El RS RE ", REQ_LINE },
	{ " TH Dt ", REQ_TITLE },
	{ " de ig am ", REQ_SKIP },
	{ " Dd Os PD UE ME DT AT UC TS TE EQ EN ", REQ_NONE },
	{ " BR BI IB IR RB RI UR MT SY OP MR ", REQ_JOIN },
};

/* Macros of mdoc that also stand among the arguments of others, where they are no text. */
static const char callable[] = " Ac Ad Ao Ap Aq Ar Bc Bo Bq Brc Bro Brq Bx Bsx Cd Cm Dc Do Dq Dv "
			       "Ec Em Eo Er Ev Fa Fc Fl Fn Fo Ft "
			       "Fx Ic In Li Lk Ms Mt Nd Nm No Ns Nx Oc Oo Op Ot Ox Pa Pc Pf Po Pq "
			       "Qc Ql Qo Qq Sc So Sq Sx Sy Tn Ux "
			       "Va Vt Xc Xo Xr ";

struct man {
	struct extractor x;
	const char *s;
	bool code;       /* lines stay lines */
	bool tag;        /* the next line is the tag of a .TP */
	bool heading;    /* the next line is the text of a .SH */
	bool skip;       /* a definition */
	bool joined;     /* no space before the next argument */
	unsigned dashes; /* before it: mdoc's Fl */
};

static bool is_listed(const char *list, const char *name, size_t len)
{
	char find[8];

	if (len == 0 || len > sizeof(find) - 3)
		return false;
	find[0] = ' ';
	memcpy(find + 1, name, len);
	find[len + 1] = ' ';
	find[len + 2] = '\0';
	return strstr(list, find) != NULL;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void add_plain(struct man *m, size_t start, size_t end)
{
	if (start < end && m->code)
		extract_add(&m->x, m->s + start, end - start, start);
	else if (start < end)
		extract_words(&m->x, start, end);
}

/* content[start .. end), within one line, with its escapes. */
static void add_text(struct man *m, size_t start, size_t end)
{
	char utf8[ROFF_ESCAPE_UTF8_MAX];
	size_t from = start, used = 0, n;
	const char *backslash;

	for (size_t at = start; at < end && format_goes_on(m->x.out, used); at += used) {
		backslash = memchr(m->s + at, '\\', end - at);
		if (backslash == NULL)
			break;
		at = (size_t)(backslash - m->s);
		add_plain(m, from, at);
		used = roff_escape(backslash, end - at, utf8, &n);
		from = at + used;
		if (n == 1 && utf8[0] == ' ' && !m->code)
			extract_gap(&m->x, EXTRACT_SPACE);
		else if (n > 0)
			extract_add(&m->x, utf8, n, at);
	}
	add_plain(m, from, end);
}

/* The next argument of a macro from *at on; false if there is none. Quotes group, "" is a quote. */
static bool argument_next(const struct man *m, size_t *at, size_t end, size_t *from, size_t *to)
{
	const char *s = m->s;
	bool quoted;

	while (*at < end && (s[*at] == ' ' || s[*at] == '\t'))
		(*at)++;
	if (*at >= end || (end - *at >= 2 && memcmp(s + *at, "\\\"", 2) == 0))
		return false;
	quoted = s[*at] == '"';
	*from = *at += quoted;
	while (*at < end && (quoted ? s[*at] != '"' : s[*at] != ' ' && s[*at] != '\t'))
		*at += s[*at] == '\\' && end - *at >= 2 && (unsigned char)s[*at + 1] < 0x80 ? 2 : 1;
	*to = *at;
	*at += quoted && *at < end;
	return true;
}

static bool closes_phrase(char c)
{
	return strchr(".,:;)]?!", c) != NULL;
}

/* One argument as text, after a space unless something forbids it. */
static void add_argument(struct man *m, size_t from, size_t to)
{
	if (!m->joined && !(to - from == 1 && closes_phrase(m->s[from])))
		extract_gap(&m->x, EXTRACT_SPACE);
	m->joined = false;
	for (; m->dashes > 0; m->dashes--) /* there is a macro's name before it */
		extract_add(&m->x, "-", 1, from - m->dashes);
	add_text(m, from, to);
}

static void add_arguments(struct man *m, size_t at, size_t end, bool join)
{
	size_t from, to;

	while (argument_next(m, &at, end, &from, &to) && format_goes_on(m->x.out, to - from + 1)) {
		if (is_listed(callable, m->s + from, to - from)) {
			m->dashes = memcmp(m->s + from, "Fl", 2) == 0 ? MIN(m->dashes + 1, 2u) : 0;
			m->joined = memcmp(m->s + from, "Ns", 2) == 0;
			continue;
		}
		add_argument(m, from, to);
		m->joined = join;
	}
	m->joined = false;
	m->dashes = 0;
}

/* ---- requests ------------------------------------------------------------------------------- */

static void next_block(struct man *m, enum format_block_kind kind)
{
	extract_break(&m->x, m->code ? FORMAT_CODE : kind);
	m->tag = m->heading = false;
}

static void begin_section(struct man *m, size_t at, size_t end, unsigned level)
{
	size_t from, to, begin = at;

	m->code = false;
	next_block(m, FORMAT_HEADING);
	m->x.level = level;
	m->heading = !argument_next(m, &begin, end, &from, &to);
	add_arguments(m, at, end, false);
	if (!m->heading)
		next_block(m, FORMAT_PARAGRAPH);
}

/* .TH NAME 3: the title is NAME(3). */
static void set_title(struct man *m, size_t at, size_t end)
{
	struct buf *out = &m->x.out->title;
	char utf8[ROFF_ESCAPE_UTF8_MAX];
	size_t from, to, used, n;

	for (unsigned i = 0; i < 2 && out->len < FORMAT_LABEL_MAX; i++) {
		if (!argument_next(m, &at, end, &from, &to))
			break;
		if (i == 1)
			buf_addc(out, '(');
		for (; from < to && out->len < FORMAT_LABEL_MAX - 8; from += used) {
			used = n = 1;
			if (m->s[from] == '\\')
				used = roff_escape(m->s + from, to - from, utf8, &n);
			else
				utf8[0] = m->s[from];
			buf_add(out, utf8, n);
		}
		if (out->len > 0 && !buf_failed(out))
			out->len = utf8_whole(out->data, out->len);
		if (i == 1)
			buf_addc(out, ')');
	}
}

static void begin_tagged(struct man *m, size_t at, size_t end, bool all)
{
	size_t from, to;

	next_block(m, FORMAT_ENTRY);
	if (all)
		add_arguments(m, at, end, false);
	else if (argument_next(m, &at, end, &from, &to))
		add_argument(m, from, to);
	extract_gap(&m->x, EXTRACT_LINE);
}

static enum request request_find(const char *s, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		if (is_listed(requests[i].names, s, len))
			return requests[i].request;
	/* troff's own requests are in small letters; the rest are macros around text. */
	return len > 0 && s[0] >= 'A' && s[0] <= 'Z' ? REQ_TEXT : REQ_NONE;
}

static void on_request(struct man *m, const struct format_line *line)
{
	size_t start = line->start + 1, end = line->end, at;
	enum request request;

	while (start < end && (m->s[start] == ' ' || m->s[start] == '\t'))
		start++;
	for (at = start; at < end && m->s[at] != ' ' && m->s[at] != '\t'; at++)
		;
	request = request_find(m->s + start, at - start);
	switch (request) {
	case REQ_SECTION:
	case REQ_SUBSECTION:
		begin_section(m, at, end, request == REQ_SECTION ? 1 : 2);
		break;
	case REQ_PARAGRAPH:
		next_block(m, FORMAT_PARAGRAPH);
		break;
	case REQ_ITEM:
	case REQ_LIST_ITEM:
		begin_tagged(m, at, end, request == REQ_LIST_ITEM);
		break;
	case REQ_TAGGED:
		next_block(m, FORMAT_ENTRY);
		m->tag = true;
		break;
	case REQ_CODE:
		m->code = true;
		next_block(m, FORMAT_CODE);
		break;
	case REQ_CODE_END:
		m->code = false;
		next_block(m, FORMAT_PARAGRAPH);
		break;
	case REQ_LINE:
		extract_gap(&m->x, EXTRACT_LINE);
		break;
	case REQ_TITLE:
		set_title(m, at, end);
		break;
	case REQ_SKIP:
		m->skip = true;
		break;
	case REQ_TEXT:
	case REQ_JOIN:
		extract_gap(&m->x, m->code ? EXTRACT_LINE : EXTRACT_SPACE);
		m->dashes = at - start == 2 && memcmp(m->s + start, "Fl", 2) == 0;
		add_arguments(m, at, end, request == REQ_JOIN);
		break;
	case REQ_NONE:
		break;
	}
}

static void on_line(struct man *m, const struct format_line *line)
{
	bool tag = m->tag, heading = m->heading;
	char c = line->end > line->start ? m->s[line->start] : '\n';

	if (m->skip) {
		m->skip =
			!(line->end - line->start == 2 && memcmp(m->s + line->start, "..", 2) == 0);
		return;
	}
	if (format_line_blank(line)) {
		if (!m->code)
			next_block(m, FORMAT_PARAGRAPH);
		return;
	}
	if (c == '.' || c == '\'') {
		on_request(m, line);
	} else {
		extract_gap(&m->x, m->code ? EXTRACT_LINE : EXTRACT_SPACE);
		add_text(m, line->start, line->end);
	}
	if (tag && m->tag && m->x.open) {
		extract_gap(&m->x, EXTRACT_LINE);
		m->tag = false;
	}
	if (heading && m->heading && m->x.open)
		next_block(m, FORMAT_PARAGRAPH);
}

int format_man(struct format_out *out, struct ragd_err *err)
{
	struct man m = { .x = { .out = out, .kind = FORMAT_PARAGRAPH }, .s = out->content.s };
	struct format_line line;

	(void)err;
	for (size_t at = out->skip; format_line_at(out, at, &line) && !out->failed; at = line.next)
		on_line(&m, &line);
	extract_break(&m.x, FORMAT_PARAGRAPH);
	return 0;
}
