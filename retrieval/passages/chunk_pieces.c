#include "retrieval/passages/chunk_pieces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text/ascii.h"
#include "base/text/sentences.h"
#include "base/text/utf8.h"
#include "base/util.h"
#include "retrieval/formats/format_out.h"

struct cutter {
	struct pieces *p;
	const struct format_document *doc;
	const struct chunk_options *o;
	struct sentences *sentences; /* made when first needed */
	uint32_t section;
	uint32_t covered; /* text before it is in blocks */
	bool failed;
};

void pieces_fini(struct pieces *p)
{
	free(p->v);
	free(p->sections);
}

/* Whether text[from .. to) holds more than white space. */
static bool holds_text(const struct cutter *c, uint32_t from, uint32_t to)
{
	while (from < to && ascii_is_space(c->doc->text.s[from]))
		from++;
	return from < to;
}

static void piece_add(struct cutter *c, const struct format_block *b, size_t start, size_t end)
{
	const char *s = c->doc->text.s;
	struct pieces *p = c->p;
	size_t first;
	bool apart;

	while (end > start && ascii_is_space(s[end - 1]))
		end--;
	for (first = start; start != b->start && first < end && ascii_is_space(s[first]); first++)
		if (b->kind != FORMAT_CODE || s[first] == '\n') /* whose indentation is kept */
			start = first + 1;
	if (start == end)
		return;
	if (!wanted_still(c->doc->wanted, end - start)) {
		c->failed = true;
		return;
	}
	apart = holds_text(c, c->covered, b->start);
	c->covered = b->end;
	if (!array_reserve(&p->v, &p->cap, p->n + 1, sizeof(*p->v))) {
		c->failed = true;
		return;
	}
	p->v[p->n++] = (struct chunk_piece){
		.start = (uint32_t)start,
		.end = (uint32_t)end,
		.section = c->section,
		.kind = b->kind,
		.apart = apart,
		.whole = start == b->start && end == b->end,
		.announces = b->kind == FORMAT_HEADING || s[end - 1] == ':',
	};
}

/*
 * How good a place it is behind text[at]: 3 behind a full stop, 2 a comma, 1 a word, 0 inside one.
 */
static int break_rank(const char *s, size_t at)
{
	if (!ascii_is_space(s[at + 1]))
		return 0;
	if (s[at] == '.' || s[at] == '!' || s[at] == '?')
		return 3;
	return s[at] == ',' || s[at] == ';' || s[at] == ':' || s[at] == ')' ? 2 : 1;
}

/* Where to end a part of text[start .. end), a sentence that is longer than the target. */
static size_t words_fit(const struct cutter *c, size_t start, size_t end)
{
	const char *s = c->doc->text.s;
	size_t target = start + c->o->target_bytes, max = MIN(start + c->o->max_bytes, end),
	       best = 0;
	int rank = 0, r;

	/* The best place in the second half, the last one if there are several. */
	for (size_t at = target - 1; at > start + c->o->target_bytes / 2 && rank < 3; at--) {
		r = break_rank(s, at);
		if (r > rank) {
			rank = r;
			best = at + 1;
		}
	}
	for (size_t at = target; rank == 0 && at < max; at++)
		if (ascii_is_space(s[at]))
			return at;
	if (rank > 0)
		return best;
	return max == end ? end : start + utf8_whole(s + start, c->o->max_bytes);
}

/* A sentence, or what takes its place: cut between words where it is longer than the target. */
static void cut_words(struct cutter *c, const struct format_block *b, size_t start, size_t end)
{
	size_t at;

	while (end - start > c->o->target_bytes && !c->failed) {
		at = words_fit(c, start, end);
		piece_add(c, b, start, at);
		start = at;
	}
	piece_add(c, b, start, end);
}

static void cut_sentences(struct cutter *c, const struct format_block *b, size_t start, size_t end)
{
	size_t from, to, at = start;

	if (c->sentences == NULL)
		c->sentences = sentences_new();
	if (c->sentences == NULL) {
		c->failed = true;
		return;
	}
	sentences_start(c->sentences, c->doc->text.s + start, end - start);
	/* What stands between two sentences goes with the one before. */
	while (sentences_next(c->sentences, &from, &to) && !c->failed) {
		if (start + from > at)
			cut_words(c, b, at, start + from);
		at = start + from;
	}
	if (at < end)
		cut_words(c, b, at, end);
}

/*
 * Behind the last line break in text[start .. end), or behind the last blank line. 0 if there is
 * none.
 */
static size_t last_break(const struct cutter *c, size_t start, size_t end, bool blank)
{
	const char *s = c->doc->text.s, *nl;
	size_t before;

	while (end > start && (nl = memrchr(s + start, '\n', end - start)) != NULL) {
		end = (size_t)(nl - s);
		for (before = end;
		     before > start && (s[before - 1] == ' ' || s[before - 1] == '\r');)
			before--;
		if (!blank || (before > start && s[before - 1] == '\n'))
			return end + 1;
	}
	return 0;
}

/* Where to end a part of text[start .. end), which is longer than the target. */
static size_t lines_fit(const struct cutter *c, size_t start, size_t end, bool blank)
{
	const char *s = c->doc->text.s, *nl;
	size_t target = start + c->o->target_bytes, max = MIN(start + c->o->max_bytes, end), at = 0;

	if (blank)
		at = last_break(c, start + c->o->target_bytes / 2, target, true);
	if (at == 0)
		at = last_break(c, start, target, false);
	if (at > start)
		return at;
	nl = memchr(s + target, '\n', max - target); /* a line longer than the target */
	if (nl != NULL)
		return (size_t)(nl - s) + 1;
	return max == end ? end : start + utf8_whole(s + start, c->o->max_bytes);
}

/* Tables and code: whole lines, as many as fit; code and descriptions better at blank lines. */
static void cut_lines(struct cutter *c, const struct format_block *b)
{
	size_t start = b->start, at;

	while (b->end - start > c->o->target_bytes && !c->failed) {
		at = lines_fit(c, start, b->end, b->kind != FORMAT_TABLE);
		piece_add(c, b, start, at);
		start = at;
	}
	piece_add(c, b, start, b->end);
}

static void block_cut(struct cutter *c, const struct format_block *b)
{
	uint32_t len = b->end - b->start;
	bool prose = b->kind == FORMAT_PARAGRAPH || b->kind == FORMAT_LIST;

	if (len <= c->o->target_bytes || (len <= c->o->max_bytes - c->o->min_bytes && !prose))
		piece_add(c, b, b->start, b->end);
	else if (prose || b->kind == FORMAT_HEADING)
		cut_sentences(c, b, b->start, b->end);
	else
		cut_lines(c, b);
}

/* The section that a heading of this level begins. */
static void section_begin(struct cutter *c, unsigned level, uint32_t label)
{
	struct pieces *p = c->p;
	uint32_t parent = c->section;

	while (parent != p->sections[parent].parent && p->sections[parent].level >= level)
		parent = p->sections[parent].parent;
	if (!array_reserve(&p->sections, &p->cap_sections, p->n_sections + 1,
			   sizeof(*p->sections))) {
		c->failed = true;
		return;
	}
	c->section = (uint32_t)p->n_sections;
	p->sections[p->n_sections++] =
		(struct section){ .parent = parent, .label = label, .level = (uint8_t)level };
}

int pieces_cut(struct pieces *p, const struct format_document *doc, const struct chunk_options *o)
{
	struct cutter c = { .p = p, .doc = doc, .o = o };
	uint32_t label = 0;

	*p = (struct pieces){ 0 };
	if (!array_reserve(&p->sections, &p->cap_sections, 1, sizeof(*p->sections)))
		return -ENOMEM;
	p->sections[p->n_sections++] = (struct section){ 0 };
	/* A mark (BOM) or front matter before the first block is nothing to be kept apart from. */
	if (doc->n_blocks > 0)
		c.covered = doc->blocks[0].start;
	for (size_t i = 0; i < doc->n_blocks && !c.failed; i++) {
		if (doc->blocks[i].kind == FORMAT_HEADING)
			section_begin(&c, doc->blocks[i].level, ++label);
		if (!c.failed)
			block_cut(&c, &doc->blocks[i]);
	}
	sentences_free(c.sentences);
	return c.failed ? -ENOMEM : 0;
}
