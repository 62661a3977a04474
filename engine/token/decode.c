/* Tokens to text, and what a caller may ask of a vocabulary. */
#include "base/text/utf8.h"
#include "base/util.h"
#include "engine/token/letters.h"
#include "engine/token/vocab_private.h"

static bool is_token(const struct vocab *v, int32_t id)
{
	return id >= 0 && (uint32_t)id < v->n;
}

uint32_t vocab_size(const struct vocab *v)
{
	return v->n;
}

const char *vocab_kind(const struct vocab *v)
{
	static const char *const names[] = { "llama", "gpt2", "bert", "t5" };

	return names[v->kind];
}

int32_t vocab_bos(const struct vocab *v)
{
	return v->bos;
}

int32_t vocab_eos(const struct vocab *v)
{
	return v->eos;
}

int32_t vocab_sep(const struct vocab *v)
{
	return v->sep;
}

int32_t vocab_cls(const struct vocab *v)
{
	return v->cls;
}

int32_t vocab_unknown(const struct vocab *v)
{
	return v->unknown;
}

int32_t vocab_find(const struct vocab *v, struct ragd_str text)
{
	return text.len <= v->max_len ? text_table_find(&v->texts, text.s, text.len) : TOKEN_NONE;
}

bool vocab_is_end(const struct vocab *v, int32_t id)
{
	return is_token(v, id) && (v->flags[id] & TOKEN_IS_END) != 0;
}

enum token_type vocab_type(const struct vocab *v, int32_t id)
{
	return is_token(v, id) ? (enum token_type)v->type[id] : TOKEN_UNKNOWN;
}

struct ragd_str vocab_text(const struct vocab *v, int32_t id)
{
	return is_token(v, id) ? token_text(v, id) : (struct ragd_str){ "", 0 };
}

/* With spaces for the marks. */
static void add_unmarked(struct ragd_str text, struct buf *out)
{
	while (text.len > 0) {
		const char *mark = memmem(text.s, text.len, SPACE_MARK, SPACE_MARK_LEN);
		size_t n = mark != NULL ? (size_t)(mark - text.s) : text.len;

		buf_add(out, text.s, n);
		if (mark == NULL)
			break;
		buf_addc(out, ' ');
		text.s += n + SPACE_MARK_LEN;
		text.len -= n + SPACE_MARK_LEN;
	}
}

/* The bytes that letters stand for; what is no such letter stays as it is. */
static void add_unlettered(struct ragd_str text, struct buf *out)
{
	for (size_t i = 0; i < text.len;) {
		uint32_t cp;
		size_t len = utf8_next(text.s + i, text.len - i, &cp);
		int byte = byte_of_letter(cp);

		if (byte >= 0)
			buf_addc(out, (char)byte);
		else
			buf_add(out, text.s + i, len);
		i += len;
	}
}

static int byte_of_token(struct ragd_str text)
{
	int byte = 0;

	if (text.len != 6)
		return -1;
	for (size_t i = 3; i < 5; i++) {
		char c = text.s[i];

		if (c >= '0' && c <= '9')
			byte = 16 * byte + (c - '0');
		else if (c >= 'A' && c <= 'F')
			byte = 16 * byte + (c - 'A' + 10);
		else
			return -1;
	}
	return byte;
}

void vocab_piece(const struct vocab *v, int32_t id, bool special, struct buf *out)
{
	struct ragd_str text = vocab_text(v, id);
	int byte;

	switch (vocab_type(v, id)) {
	case TOKEN_CONTROL:
	case TOKEN_UNKNOWN:
		if (special)
			buf_add(out, text.s, text.len);
		break;
	case TOKEN_BYTE:
		byte = byte_of_token(text);
		if (byte >= 0)
			buf_addc(out, (char)byte);
		break;
	case TOKEN_USER:
	case TOKEN_NORMAL:
	case TOKEN_UNUSED:
		if (v->kind != VOCAB_BPE)
			add_unmarked(text, out);
		else if (v->type[id] == TOKEN_USER)
			buf_add(out, text.s, text.len);
		else
			add_unlettered(text, out);
		break;
	}
}

/* In English no space stands before these; WordPiece does not say where one stood. */
static void bert_tidy(struct buf *out, size_t from)
{
	size_t to = from;

	for (size_t i = from; i < out->len; i++)
		if (out->data[i] != ' ' || i + 1 == out->len ||
		    strchr(".,!?", out->data[i + 1]) == NULL || out->data[i + 1] == '\0')
			out->data[to++] = out->data[i];
	out->len = to;
	if (out->data != NULL)
		out->data[to] = '\0';
}

/* What comes behind it is encoded as a text of its own. */
static bool begins_text(const struct vocab *v, int32_t id)
{
	enum token_type type = vocab_type(v, id);

	if (v->kind == VOCAB_UNIGRAM)
		return type == TOKEN_CONTROL;
	return type == TOKEN_CONTROL || type == TOKEN_USER || type == TOKEN_UNKNOWN;
}

void vocab_decode(const struct vocab *v, const int32_t *ids, size_t n, bool special,
		  struct buf *out)
{
	size_t start = out->len;
	bool first = true; /* the next piece follows the beginning or a special token */

	for (size_t i = 0; i < n; i++) {
		size_t from = out->len;

		vocab_piece(v, ids[i], special, out);
		if (v->kind != VOCAB_BPE && first &&
		    (v->space_prefix || v->space_single || v->kind == VOCAB_WORDPIECE) &&
		    out->len > from && out->data[from] == ' ' && !begins_text(v, ids[i])) {
			memmove(out->data + from, out->data + from + 1, out->len - from);
			out->len--;
		}
		first = begins_text(v, ids[i]) || (first && v->space_single && out->len == from);
	}
	if (v->kind == VOCAB_WORDPIECE)
		bert_tidy(out, start);
}
