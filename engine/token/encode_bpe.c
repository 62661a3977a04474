/*
 * Text to tokens by merging: SentencePiece's BPE, where spaces are marks and what has no token
 * becomes its bytes, and byte-level BPE behind a pre-tokenizer.
 */
#include "base/text/utf8.h"
#include "engine/token/encode.h"
#include "engine/token/letters.h"

/*
 * Merge a piece and put its tokens out; unknowns join one put out at or after `from`. Returns
 * whether all was known.
 */
static bool merge_out(struct encoder *e, const char *s, size_t len, size_t from)
{
	bool known = true;

	if (merge_piece(&e->merge, e->v, s, len, &e->poll) < 0) {
		e->failed = true;
		return false;
	}
	for (uint32_t i = 0; i != MERGE_END; i = e->merge.symbols[i].next) {
		const struct merge_symbol *symbol = &e->merge.symbols[i];

		if (symbol->id != TOKEN_NONE)
			tokens_add(e->out, symbol->id);
		else if (!encode_unknown(e, s + symbol->pos, symbol->len, from))
			known = false;
	}
	return known;
}

static bool bpe_piece(void *arg, const char *s, size_t len)
{
	struct encoder *e = arg;
	struct encode_seen *seen;
	size_t from = e->out->n;
	bool again;

	if (!encode_goes_on(e, len))
		return false;
	seen = encode_again(e, s, len, &again);
	if (again)
		return true;
	if (e->v->ignore_merges && len <= e->v->max_len) {
		char letter[4];
		int32_t id;

		buf_clear(&e->room);
		for (size_t i = 0; i < len; i++)
			buf_add(&e->room, letter, utf8_put(letter_of_byte((uint8_t)s[i]), letter));
		e->failed = buf_failed(&e->room);
		id = e->failed ? TOKEN_NONE : token_find_plain(e->v, e->room.data, e->room.len);
		if (id != TOKEN_NONE && e->v->type[id] != TOKEN_USER) {
			tokens_add(e->out, id);
			encode_note(e, seen, s, len, from);
			return true;
		}
	}
	if (merge_out(e, s, len, from))
		encode_note(e, seen, s, len, from);
	return !e->failed;
}

void encode_bpe(struct encoder *e, struct ragd_str text)
{
	split_text(e->v->split, text, bpe_piece, e);
}

/* The end of the chunk that begins at s: no token reaches over it. */
static const char *chunk_end(const struct vocab *v, const char *s, const char *end)
{
	const char *p = s;

	if (!v->space_first)
		return end;
	while (p < end && *p == ' ')
		p++;
	for (;;) {
		p = memchr(p, ' ', (size_t)(end - p));
		if (p == NULL)
			return end;
		/* A mark written out is a space too, with which spaces may go together. */
		if (p - s < SPACE_MARK_LEN ||
		    memcmp(p - SPACE_MARK_LEN, SPACE_MARK, SPACE_MARK_LEN) != 0)
			return p;
		while (p < end && *p == ' ')
			p++;
	}
}

/* The chunk with marks for spaces, and one more before it if `space_before`. */
static struct ragd_str chunk_marked(struct encoder *e, const char *s, const char *end,
				    bool space_before)
{
	buf_clear(&e->room);
	if (space_before)
		buf_add(&e->room, SPACE_MARK, SPACE_MARK_LEN);
	while (s < end) {
		const char *space = memchr(s, ' ', (size_t)(end - s));
		const char *stop = space != NULL ? space : end;

		buf_add(&e->room, s, (size_t)(stop - s));
		if (space != NULL)
			buf_add(&e->room, SPACE_MARK, SPACE_MARK_LEN);
		s = space != NULL ? space + 1 : end;
	}
	e->failed = e->failed || buf_failed(&e->room);
	return buf_str(&e->room);
}

void encode_spm(struct encoder *e, struct ragd_str text, bool space_before)
{
	const char *end = text.s + text.len, *next;
	size_t start = e->out->n;

	for (const char *s = text.s; s < end && !e->failed; s = next) {
		struct encode_seen *seen = NULL;
		size_t from = e->out->n;
		struct ragd_str chunk;
		bool again = false;

		next = chunk_end(e->v, s, end);
		if (!encode_goes_on(e, (size_t)(next - s)))
			break;
		if (!space_before)
			seen = encode_again(e, s, (size_t)(next - s), &again);
		if (again)
			continue;
		chunk = chunk_marked(e, s, next, space_before);
		if (!e->failed && merge_out(e, chunk.s, chunk.len, start))
			encode_note(e, seen, s, (size_t)(next - s), from);
		space_before = false;
	}
}
