/*
 * What the parser of a format writes into: blocks, labels and, for those that extract, text with
 * its runs. Grows on the heap; format_read moves it into the caller's arena. Out of memory is
 * remembered: add freely.
 */
#ifndef RETRIEVAL_FORMAT_OUT_H
#define RETRIEVAL_FORMAT_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "retrieval/formats/format.h"

#define FORMAT_LABEL_MAX 300 /* bytes of a title or label; longer ones are cut at a character */

struct format_out {
	struct ragd_str
		content; /* of the document, valid UTF-8 without NUL; a mark (BOM) still there */
	size_t skip;     /* bytes of that mark */
	struct format_block *blocks;
	size_t n_blocks;
	size_t cap_blocks;
	struct {
		uint32_t block;
		uint32_t start; /* label_text[start .. end) */
		uint32_t end;
	} * labels;
	size_t n_labels;
	size_t cap_labels;
	struct buf label_text;
	struct buf title; /* what the document calls itself; empty: its first label */
	struct buf text;  /* formats that extract only */
	struct ragd_run *runs;
	size_t n_runs;
	size_t cap_runs;
	struct wanted *wanted;
	bool failed; /* out of memory, or no longer wanted */
};

/* One row for each kind of document. */
struct format_kind {
	const char *media_type;
	const char *aliases;    /* further media types, " a/b c/d " */
	const char *extensions; /* " md markdown " */
	bool extracts;          /* text is made; else the blocks lie in the content */
	int (*read)(struct format_out *out, struct ragd_err *err);
};

int format_text(struct format_out *out, struct ragd_err *err);
int format_source(struct format_out *out, struct ragd_err *err);
int format_rows(struct format_out *out, struct ragd_err *err);
int format_markdown(struct format_out *out, struct ragd_err *err);
int format_rst(struct format_out *out, struct ragd_err *err);
int format_html(struct format_out *out, struct ragd_err *err);
int format_man(struct format_out *out, struct ragd_err *err);

void format_out_fini(struct format_out *out);
/* For loops of a parser: false, if so many bytes more are not to be looked at. */
bool format_goes_on(struct format_out *out, size_t bytes);

/*
 * A block; white space around it is left out (but not before code), and nothing is added if nothing
 * else is there.
 */
void format_out_block(struct format_out *out, enum format_block_kind kind, size_t start,
		      size_t end);
/*
 * A heading with its label, which is brought into one line: white space collapsed, cut to
 * FORMAT_LABEL_MAX. level is 1 and up.
 */
void format_out_heading(struct format_out *out, unsigned level, size_t start, size_t end,
			const char *label, size_t label_len);
/* From here on, text stands at content[to ..]. No-op if it does already. */
void format_out_run(struct format_out *out, size_t to);
/* Append s to *line as one line: white space collapsed, at most FORMAT_LABEL_MAX bytes in all. */
void format_one_line(struct buf *line, const char *s, size_t len);

/* ---- lines, for the parsers that go by them ---- */

struct format_line {
	size_t start; /* content[start .. end) without the line break */
	size_t end;
	size_t next;   /* where the next line starts */
	size_t text;   /* the first byte that is no space or tab; == end: a blank line */
	size_t indent; /* columns before it, tabs to multiples of 8 */
};

/* The line at `at`; false at the end of the content, or when the document is no longer wanted. */
bool format_line_at(const struct format_out *out, size_t at, struct format_line *line);

static inline bool format_line_blank(const struct format_line *line)
{
	return line->text == line->end;
}

#endif
