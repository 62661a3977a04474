#include "retrieval/extract.h"

/* What is inserted stands for the markup at content[at ..], which is at least as long. */
static void insert(struct extract *x, const char *s, size_t at)
{
	reader_out_run(x->out, at);
	buf_adds(&x->out->text, s);
}

static void block_open(struct extract *x)
{
	struct buf *text = &x->out->text;

	if (text->len > 0)
		insert(x, x->item && x->after_item ? "\n" : "\n\n", x->break_at);
	x->block_start = text->len;
	if (x->item)
		insert(x, "- ", x->item_at + (x->item_at == x->break_at ? 2 : 0));
	x->open = true;
	x->after_item = x->item;
	x->item = false;
	x->broken = false;
	x->gap = EXTRACT_NONE;
}

void extract_add(struct extract *x, const char *s, size_t len, size_t at)
{
	static const char *const gaps[] = {
		[EXTRACT_NONE] = "",
		[EXTRACT_SPACE] = " ",
		[EXTRACT_CELL] = " | ",
		[EXTRACT_LINE] = "\n",
	};

	if (!x->open)
		block_open(x);
	else if (x->gap != EXTRACT_NONE)
		insert(x, gaps[x->gap], x->gap_at);
	x->gap = EXTRACT_NONE;
	reader_out_run(x->out, at);
	buf_add(&x->out->text, s, len);
}

void extract_words(struct extract *x, size_t start, size_t end)
{
	const char *s = x->out->content.s;
	size_t word;

	while (start < end) {
		if (reader_is_space(s[start])) {
			extract_gap(x, EXTRACT_SPACE, start);
			while (start < end && reader_is_space(s[start]))
				start++;
		}
		for (word = start; word < end && !reader_is_space(s[word]); word++)
			;
		if (word > start)
			extract_add(x, s + start, word - start, start);
		start = word;
	}
}

void extract_gap(struct extract *x, enum extract_gap gap, size_t at)
{
	if (!x->open || gap <= x->gap)
		return;
	x->gap = gap;
	x->gap_at = at;
}

void extract_break(struct extract *x, size_t at, enum reader_block_kind next)
{
	struct reader_out *out = x->out;

	if (x->open && x->kind == READER_HEADING)
		reader_out_heading(out, x->level, x->block_start, out->text.len,
				   out->text.data + x->block_start, out->text.len - x->block_start);
	else if (x->open)
		reader_out_block(out, x->kind, x->block_start, out->text.len);
	if (!x->broken)
		x->break_at = at;
	x->broken = true;
	x->open = false;
	x->gap = EXTRACT_NONE;
	x->kind = next;
}
