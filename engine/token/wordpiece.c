/*
 * WordPiece as BERT has it: text is cut at white space and around punctuation and Han characters,
 * accents go, letters become small; each word then is the longest token that begins it, the longest
 * that goes on from there, and so forth, or else unknown as a whole. GGUF writes a token that
 * begins a word with a space mark before it, and one that goes on (##ing) bare.
 */
#include "base/text/utf8.h"
#include "engine/token/chars.h"
#include "engine/token/encode.h"

/* Longer words are unknown, as in BERT's own tokenizer. */
#define WORD_CHARS_MAX 100

static bool is_han(uint32_t cp)
{
	return (cp >= 0x4E00 && cp <= 0x9FFF) || (cp >= 0x3400 && cp <= 0x4DBF) ||
	       (cp >= 0x20000 && cp <= 0x2A6DF) || (cp >= 0x2A700 && cp <= 0x2CEAF) ||
	       (cp >= 0xF900 && cp <= 0xFAFF) || (cp >= 0x2F800 && cp <= 0x2FA1F);
}

static bool is_sign(uint32_t cp)
{
	if (cp < 0x80) /* all that prints and is no letter or number, also $+<=>^`|~ */
		return cp > ' ' && cp < 0x7F && (char_bits(cp) & (U_GC_L_MASK | U_GC_N_MASK)) == 0;
	return (char_bits(cp) & U_GC_P_MASK) != 0;
}

/* A word in the making; its text is in the encoder's room, behind a space mark. */
struct open_word {
	struct encoder *e;
	size_t n_chars;
};

/* The end of the longest token at `at`, and its id; 0 if there is none. */
static size_t longest_token(struct encoder *e, struct ragd_str word, size_t at, int32_t *id)
{
	const struct vocab *v = e->v;
	size_t least = at == 0 ? SPACE_MARK_LEN : at;
	size_t end = word.len - at > v->max_len ? at + v->max_len : word.len;

	for (; end > least; end--) {
		encode_goes_on(e, 1);
		if (end < word.len && ((unsigned char)word.s[end] & 0xC0) == 0x80)
			continue; /* inside a character */
		*id = token_find_plain(v, word.s + at, end - at);
		if (*id != TOKEN_NONE)
			return end;
	}
	return 0;
}

static void pieces_out(struct encoder *e, struct ragd_str word)
{
	size_t from = e->out->n;
	int32_t id = TOKEN_NONE;

	for (size_t at = 0; at < word.len;) {
		at = longest_token(e, word, at, &id);
		if (at == 0) {
			e->out->n = from;
			if (e->v->unknown != TOKEN_NONE)
				tokens_add(e->out, e->v->unknown);
			return;
		}
		tokens_add(e->out, id);
	}
}

static void word_end(struct open_word *w)
{
	struct encoder *e = w->e;

	e->failed = e->failed || buf_failed(&e->room);
	if (w->n_chars > WORD_CHARS_MAX) {
		if (e->v->unknown != TOKEN_NONE)
			tokens_add(e->out, e->v->unknown);
	} else if (w->n_chars > 0 && !e->failed) {
		pieces_out(e, buf_str(&e->room));
	}
	w->n_chars = 0;
}

static void word_add(struct open_word *w, uint32_t cp)
{
	struct buf *room = &w->e->room;
	char text[4];

	if (w->n_chars++ == 0) {
		buf_clear(room);
		buf_add(room, SPACE_MARK, SPACE_MARK_LEN);
	}
	if (w->n_chars <= WORD_CHARS_MAX)
		buf_add(room, text, utf8_put(cp, text));
}

static void char_in(struct open_word *w, struct one_char c)
{
	uint32_t parts[CHAR_PARTS_MAX];
	size_t n = char_decompose(c.cp, parts);
	bool alone = is_han(c.cp);

	if (alone)
		word_end(w);
	for (size_t i = 0; i < n; i++) {
		bool sign = is_sign(parts[i]);

		if ((char_bits(parts[i]) & U_GC_MN_MASK) != 0)
			continue;
		if (sign)
			word_end(w);
		word_add(w, char_lower(parts[i]));
		if (sign)
			word_end(w);
	}
	if (alone)
		word_end(w);
}

void encode_wordpiece(struct encoder *e, struct ragd_str text)
{
	const uint32_t dropped = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK | U_GC_CS_MASK;
	const char *end = text.s + text.len;
	struct open_word w = { e, 0 };
	struct one_char c;

	for (const char *s = text.s; s < end && !e->failed; s += c.len) {
		c = char_at(s, end);
		encode_goes_on(e, 1);
		if ((c.bits & CHAR_SPACE) != 0)
			word_end(&w);
		else if (c.cp != 0xFFFD && (c.bits & dropped) == 0)
			char_in(&w, c);
	}
	word_end(&w);
}
