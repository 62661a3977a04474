#include "retrieval/formats/extract.h"

#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"

/*
 * What is inserted before the text at content[at] stands for the markup or white space directly
 * before it. Where that is shorter, as a line break is that ends a block, the end of s is inserted.
 */
static void insert_before(struct extractor *x, const char *s, size_t at)
{
	size_t len = strlen(s), room = at - MIN(x->source_end, at);

	s += len - MIN(len, room);
	len = MIN(len, room);
	if (len == 0)
		return;
	format_out_run(x->out, at - len);
	buf_add(&x->out->text, s, len);
}

static void block_open(struct extractor *x, size_t at)
{
	struct buf *text = &x->out->text;
	bool list = x->item && x->after_item;

	x->block_start = text->len;
	if (text->len > 0)
		insert_before(x, list ? "\n- " : x->item ? "\n\n- " : "\n\n", at);
	else if (x->item)
		insert_before(x, "- ", at);
	while (x->block_start < text->len && text->data[x->block_start] == '\n')
		x->block_start++; /* an item's mark is part of it */
	x->open = true;
	x->after_item = x->item;
	x->item = false;
	x->gap = EXTRACT_NONE;
}

void extract_add(struct extractor *x, const char *s, size_t len, size_t at)
{
	static const char *const gaps[] = {
		[EXTRACT_NONE] = "",
		[EXTRACT_SPACE] = " ",
		[EXTRACT_CELL] = " | ",
		[EXTRACT_LINE] = "\n",
	};

	if (!x->open)
		block_open(x, at);
	else if (x->gap != EXTRACT_NONE)
		insert_before(x, gaps[x->gap], at);
	x->gap = EXTRACT_NONE;
	format_out_run(x->out, at);
	buf_add(&x->out->text, s, len);
	x->source_end = at + len;
}

void extract_words(struct extractor *x, size_t start, size_t end)
{
	const char *s = x->out->content.s;
	size_t word;

	while (start < end && !x->out->failed) {
		if (ascii_is_space(s[start])) {
			extract_gap(x, EXTRACT_SPACE);
			while (start < end && ascii_is_space(s[start]))
				start++;
		}
		for (word = start; word < end && !ascii_is_space(s[word]); word++)
			;
		if (word > start && format_goes_on(x->out, word - start + 1))
			extract_add(x, s + start, word - start, start);
		start = word;
	}
}

void extract_gap(struct extractor *x, enum extract_gap gap)
{
	if (x->open && gap > x->gap)
		x->gap = gap;
}

void extract_break(struct extractor *x, enum format_block_kind next)
{
	struct format_out *out = x->out;

	if (x->open && x->kind == FORMAT_HEADING)
		format_out_heading(out, x->level, x->block_start, out->text.len,
				   out->text.data + x->block_start, out->text.len - x->block_start);
	else if (x->open)
		format_out_block(out, x->kind, x->block_start, out->text.len);
	x->open = false;
	x->gap = EXTRACT_NONE;
	x->kind = next;
}
