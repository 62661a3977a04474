#include "retrieval/formats/format_out.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"

void format_out_fini(struct format_out *out)
{
	free(out->blocks);
	free(out->labels);
	free(out->runs);
	buf_fini(&out->label_text);
	buf_fini(&out->title);
	buf_fini(&out->text);
}

bool format_goes_on(struct format_out *out, size_t bytes)
{
	if (!wanted_still(out->wanted, bytes))
		out->failed = true;
	return !out->failed;
}

/* array_reserve(), which fails for good once anything did. */
static bool out_reserve(struct format_out *out, void *array, size_t *cap, size_t n, size_t size)
{
	if (!out->failed && !array_reserve(array, cap, n, size))
		out->failed = true;
	return !out->failed;
}

void format_out_block(struct format_out *out, enum format_block_kind kind, size_t start, size_t end)
{
	const char *s = out->text.data != NULL ? out->text.data : out->content.s;

	while (end > start && ascii_is_space(s[end - 1]))
		end--;
	while (start < end && kind != FORMAT_CODE && ascii_is_space(s[start]))
		start++; /* the indentation of code means something */
	if (end == start)
		return;
	if (!out_reserve(out, &out->blocks, &out->cap_blocks, out->n_blocks + 1,
			 sizeof(*out->blocks)))
		return;
	out->blocks[out->n_blocks++] = (struct format_block){
		.start = (uint32_t)start,
		.end = (uint32_t)end,
		.kind = (uint8_t)kind,
	};
}

void format_one_line(struct buf *line, const char *s, size_t len)
{
	size_t word;

	for (size_t i = 0; i < len && line->len < FORMAT_LABEL_MAX; i += word) {
		while (i < len && ascii_is_space(s[i]))
			i++;
		for (word = 0; i + word < len && !ascii_is_space(s[i + word]); word++)
			;
		if (word > 0 && line->len > 0)
			buf_addc(line, ' ');
		buf_add(line, s + i, MIN(word, (size_t)FORMAT_LABEL_MAX));
	}
	if (line->len >= FORMAT_LABEL_MAX && !buf_failed(line)) {
		line->len = utf8_whole(line->data, FORMAT_LABEL_MAX);
		line->data[line->len] = '\0';
	}
}

void format_out_heading(struct format_out *out, unsigned level, size_t start, size_t end,
			const char *label, size_t label_len)
{
	struct buf line = BUF_INIT;
	size_t n = out->n_blocks;

	format_one_line(&line, label, label_len);
	format_out_block(out, line.len > 0 ? FORMAT_HEADING : FORMAT_PARAGRAPH, start, end);
	if (buf_failed(&line))
		out->failed = true;
	if (!out->failed && out->n_blocks > n && line.len > 0) {
		out->blocks[n].level = (uint8_t)MIN(MAX(level, 1u), (unsigned)FORMAT_MAX_LEVEL);
		if (!out_reserve(out, &out->labels, &out->cap_labels, out->n_labels + 1,
				 sizeof(*out->labels)))
			goto out;
		out->labels[out->n_labels].block = (uint32_t)n;
		out->labels[out->n_labels].start = (uint32_t)out->label_text.len;
		buf_add(&out->label_text, line.data, line.len);
		out->labels[out->n_labels++].end = (uint32_t)out->label_text.len;
	}
out:
	buf_fini(&line);
}

void format_out_run(struct format_out *out, size_t to)
{
	struct ragd_run *last = out->n_runs > 0 ? &out->runs[out->n_runs - 1] : NULL;
	uint32_t from = (uint32_t)out->text.len;

	if (last != NULL && last->to + (from - last->from) == to)
		return;
	if (last != NULL && last->from == from) {
		last->to = (uint32_t)to;
		return;
	}
	if (out_reserve(out, &out->runs, &out->cap_runs, out->n_runs + 1, sizeof(*out->runs)))
		out->runs[out->n_runs++] = (struct ragd_run){ from, (uint32_t)to };
}

bool format_line_at(const struct format_out *out, size_t at, struct format_line *line)
{
	const char *s = out->content.s, *nl;
	size_t len = out->content.len;

	if (at >= len)
		return false;
	nl = memchr(s + at, '\n', len - at);
	line->start = at;
	line->end = nl != NULL ? (size_t)(nl - s) : len;
	line->next = nl != NULL ? line->end + 1 : len;
	if (!wanted_still(out->wanted, line->next - at))
		return false;
	while (line->end > at && ascii_is_space(s[line->end - 1]))
		line->end--;
	line->indent = 0;
	for (line->text = at; line->text < line->end; line->text++) {
		if (s[line->text] == '\t')
			line->indent = (line->indent | 7) + 1;
		else if (s[line->text] == ' ')
			line->indent++;
		else
			break;
	}
	return true;
}
