/*
 * Parsers of text without markup: prose (paragraphs between blank lines), source code (top-level
 * pieces: what a blank line and then an unindented line separates) and rows (CSV, JSON lines).
 */
#include "retrieval/formats/format_out.h"

int format_text(struct format_out *out, struct ragd_err *err)
{
	struct format_line line;
	size_t start = 0, end = 0; /* of the paragraph so far; empty: none */

	(void)err;
	for (size_t at = out->skip; format_line_at(out, at, &line); at = line.next) {
		if (!format_line_blank(&line)) {
			if (start == end)
				start = line.start;
			end = line.end;
			continue;
		}
		format_out_block(out, FORMAT_PARAGRAPH, start, end);
		start = end;
	}
	format_out_block(out, FORMAT_PARAGRAPH, start, end);
	return 0;
}

int format_source(struct format_out *out, struct ragd_err *err)
{
	const char *s = out->content.s;
	struct format_line line;
	size_t start = 0, end = 0;
	bool blank = false;

	(void)err;
	for (size_t at = out->skip; format_line_at(out, at, &line); at = line.next) {
		if (format_line_blank(&line)) {
			blank = true;
			continue;
		}
		/* A closing bracket belongs to what stands before it. */
		if (blank && line.indent == 0 && s[line.text] != '}' && s[line.text] != ')') {
			format_out_block(out, FORMAT_CODE, start, end);
			start = end;
		}
		if (start == end)
			start = line.start;
		end = line.end;
		blank = false;
	}
	format_out_block(out, FORMAT_CODE, start, end);
	return 0;
}

int format_rows(struct format_out *out, struct ragd_err *err)
{
	(void)err;
	format_out_block(out, FORMAT_TABLE, out->skip, out->content.len);
	return 0;
}
