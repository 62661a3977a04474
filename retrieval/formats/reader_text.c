/*
 * Readers of text without markup: prose (paragraphs between blank lines), source code (top-level
 * pieces: what a blank line and then an unindented line separates) and rows (CSV, JSON lines).
 */
#include "retrieval/formats/reader_out.h"

int reader_text(struct reader_out *out, struct ragd_err *err)
{
	struct reader_line line;
	size_t start = 0, end = 0; /* of the paragraph so far; empty: none */

	(void)err;
	for (size_t at = out->skip; reader_line_at(out, at, &line); at = line.next) {
		if (!reader_line_blank(&line)) {
			if (start == end)
				start = line.start;
			end = line.end;
			continue;
		}
		reader_out_block(out, READER_PARAGRAPH, start, end);
		start = end;
	}
	reader_out_block(out, READER_PARAGRAPH, start, end);
	return 0;
}

int reader_source(struct reader_out *out, struct ragd_err *err)
{
	const char *s = out->content.s;
	struct reader_line line;
	size_t start = 0, end = 0;
	bool blank = false;

	(void)err;
	for (size_t at = out->skip; reader_line_at(out, at, &line); at = line.next) {
		if (reader_line_blank(&line)) {
			blank = true;
			continue;
		}
		/* A closing bracket belongs to what stands before it. */
		if (blank && line.indent == 0 && s[line.text] != '}' && s[line.text] != ')') {
			reader_out_block(out, READER_CODE, start, end);
			start = end;
		}
		if (start == end)
			start = line.start;
		end = line.end;
		blank = false;
	}
	reader_out_block(out, READER_CODE, start, end);
	return 0;
}

int reader_rows(struct reader_out *out, struct ragd_err *err)
{
	(void)err;
	reader_out_block(out, READER_TABLE, out->skip, out->content.len);
	return 0;
}
