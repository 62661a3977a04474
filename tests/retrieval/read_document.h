/* What the tests of formats and chunker share: reading a text or file, and what holds for any. */
#ifndef TESTS_READ_DOCUMENT_H
#define TESTS_READ_DOCUMENT_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "retrieval/formats/format.h"
#include "retrieval/formats/format_out.h"
#include "retrieval/passages/chunk.h"

/* Whether text[from .. to) has more than white space. */
static inline bool has_text(struct ragd_str text, size_t from, size_t to)
{
	while (from < to && ascii_is_space(text.s[from]))
		from++;
	return from < to;
}

/* NULL if all holds that format.h promises, else what does not. */
static inline const char *document_broken(const struct format_document *d, struct ragd_str content)
{
	size_t end = 0, label = 0;

	if (d->title.len == 0 || d->title.len > FORMAT_LABEL_MAX ||
	    utf8_invalid_at(d->title.s, d->title.len) >= 0 ||
	    memchr(d->title.s, '\n', d->title.len))
		return "the title is no short line of text";
	if (d->runs == NULL && (d->text.s != content.s || d->text.len != content.len))
		return "text without runs is not the content";
	if (d->text.len > 0 && utf8_invalid_at(d->text.s, d->text.len) >= 0)
		return "the text is not UTF-8";
	for (size_t i = 0; i < d->n_blocks; i++) {
		const struct format_block *b = &d->blocks[i];

		if (b->start < end || b->end <= b->start || b->end > d->text.len)
			return "blocks overlap, are empty, out of order or of bounds";
		if (utf8_invalid_at(d->text.s + b->start, b->end - b->start) >= 0)
			return "a block begins or ends inside a character";
		if (ascii_is_space(d->text.s[b->end - 1]))
			return "a block ends with white space";
		if (b->kind > FORMAT_ENTRY || (b->kind == FORMAT_HEADING) != (b->level > 0) ||
		    b->level > FORMAT_MAX_LEVEL)
			return "a block has no kind, or a level that does not belong to it";
		if (b->kind == FORMAT_HEADING &&
		    (label == d->n_labels || d->labels[label++].block != i))
			return "labels do not go with the headings";
		if (d->runs != NULL && has_text(d->text, end, b->start))
			return "extracted text stands between blocks";
		end = b->end;
	}
	if (label != d->n_labels)
		return "there are more labels than headings";
	for (size_t i = 0; i < d->n_labels; i++)
		if (d->labels[i].text.len == 0 || d->labels[i].text.len > FORMAT_LABEL_MAX ||
		    utf8_invalid_at(d->labels[i].text.s, d->labels[i].text.len) >= 0 ||
		    memchr(d->labels[i].text.s, '\n', d->labels[i].text.len) != NULL)
			return "a label is no short line of text";
	for (size_t i = 0; i < d->n_runs; i++) {
		if (d->runs[i].from >= d->text.len || d->runs[i].to >= content.len)
			return "a run is out of bounds";
		if (i > 0 &&
		    (d->runs[i].from <= d->runs[i - 1].from ||
		     d->runs[i].to < d->runs[i - 1].to + (d->runs[i].from - d->runs[i - 1].from)))
			return "runs go backwards";
	}
	if (d->n_runs > 0 &&
	    (d->runs[0].from != 0 ||
	     d->runs[d->n_runs - 1].to + (d->text.len - d->runs[d->n_runs - 1].from) > content.len))
		return "runs do not span the text";
	if (d->runs != NULL && d->text.len > 0 && d->n_runs == 0)
		return "extracted text has no runs";
	return NULL;
}

/* The same for passages and chunk.h. */
static inline const char *chunks_broken(const struct format_document *d, const struct chunk *c,
					size_t n, size_t max_bytes)
{
	size_t at = 0, block = 0;
	uint64_t end = 0;

	for (size_t i = 0; i < n; i++) {
		size_t start = (size_t)(c[i].text.s - d->text.s);

		if (c[i].text.s < d->text.s || start < at || start + c[i].text.len > d->text.len)
			return "passages overlap, are out of order or of bounds";
		if (c[i].text.len == 0 || c[i].text.len > max_bytes)
			return "a passage is empty or too long";
		if (utf8_invalid_at(c[i].text.s, c[i].text.len) >= 0)
			return "a passage begins or ends inside a character";
		if (c[i].start < end || c[i].end <= c[i].start || c[i].end > d->content.len)
			return "places in the content overlap, are out of order or of bounds";
		if ((d->runs == NULL) != (c[i].runs == NULL))
			return "a passage has runs where its document has none, or none where it "
			       "has";
		if (d->runs == NULL && (c[i].start != start || c[i].end != start + c[i].text.len))
			return "a verbatim passage is not what stands at its place";
		for (size_t r = 0; r < c[i].n_runs; r++)
			if (c[i].runs[r].from >= c[i].text.len || c[i].runs[r].to < c[i].start ||
			    c[i].runs[r].to >= c[i].end || (r == 0 && c[i].runs[0].from != 0) ||
			    (r > 0 && c[i].runs[r].from <= c[i].runs[r - 1].from))
				return "a passage's runs are out of order or of bounds";
		if (c[i].heading.len > FORMAT_LABEL_MAX ||
		    (c[i].heading.len > 0 &&
		     (utf8_invalid_at(c[i].heading.s, c[i].heading.len) >= 0 ||
		      memchr(c[i].heading.s, '\n', c[i].heading.len) != NULL)))
			return "a heading path is no short line of text";
		/* Between two passages no block may have text. */
		for (; block < d->n_blocks && d->blocks[block].start < start; block++) {
			size_t from = d->blocks[block].start > at ? d->blocks[block].start : at;
			size_t to = d->blocks[block].end < start ? d->blocks[block].end : start;

			if (has_text(d->text, from, to))
				return "text of a block is in no passage";
			if (d->blocks[block].end > start)
				break;
		}
		at = start + c[i].text.len;
		end = c[i].end;
	}
	for (; block < d->n_blocks; block++)
		if (has_text(d->text, d->blocks[block].start > at ? d->blocks[block].start : at,
			     d->blocks[block].end))
			return "text of a block is in no passage";
	return NULL;
}

#endif
