#include "engine/token/vocab.h"

#include <math.h>
#include <stdlib.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "engine/gguf/gguf.h"
#include "engine/token/chars.h"
#include "engine/token/letters.h"
#include "engine/token/vocab_private.h"

/* All texts together; offsets have 32 bits. */
#define TEXTS_MAX (UINT32_C(1) << 30)

/* Longer tokens of a Unigram vocabulary are not looked for: it bounds the time that a text can
 * cost. Those of real ones have 16 characters at most. */
#define PIECE_MAX 256

/* An unknown character is so much less probable than the least probable token (SentencePiece). */
#define UNKNOWN_PENALTY 10

/* A text of the file for an error: what does not print, and what is too much, left out. */
static const char *text_shown(struct ragd_str s, char out[48])
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < 40; i++)
		if (s.s[i] > ' ' && s.s[i] < 0x7F)
			out[n++] = s.s[i];
	out[n] = '\0';
	return out;
}

static int kind_read(struct vocab *v, const struct gguf *g, struct ragd_err *err)
{
	static const char *const names[] = { "llama", "gpt2", "bert", "t5" };
	struct ragd_str model, pre = RAGD_STR("default");
	char name[48];
	size_t i = 0;

	if (!gguf_str(g, "tokenizer.ggml.model", &model))
		return ragd_err_set(err, -EINVAL,
				    "vocabulary: the file has none (no tokenizer.ggml.model)");
	while (i < ARRAY_LEN(names) && !str_is(model, names[i]))
		i++;
	if (i == ARRAY_LEN(names))
		return ragd_err_set(err, -ENOTSUP,
				    "vocabulary: tokenizers of kind '%s' are not known (llama, "
				    "gpt2, bert and t5 are)",
				    text_shown(model, name));
	v->kind = (enum vocab_kind)i;
	if (v->kind != VOCAB_BPE)
		return 0;
	gguf_str(g, "tokenizer.ggml.pre", &pre);
	v->split = split_find(pre);
	if (v->split == NULL)
		return ragd_err_set(err, -ENOTSUP,
				    "vocabulary: the pre-tokenizer '%s' is not known",
				    text_shown(pre, name));
	return 0;
}

static int texts_read(struct vocab *v, const struct gguf *g, struct ragd_err *err)
{
	struct gguf_array tokens;
	size_t total = 0;
	uint32_t *at;
	char *bytes;

	if (!gguf_array(g, "tokenizer.ggml.tokens", &tokens) || tokens.type != GGUF_STRING)
		return ragd_err_set(err, -EINVAL,
				    "vocabulary: the file has no list of tokens "
				    "(tokenizer.ggml.tokens)");
	if (tokens.n == 0 || tokens.n > INT32_MAX / 2)
		return ragd_err_set(err, -EINVAL, "vocabulary: a list of %llu tokens",
				    (unsigned long long)tokens.n);
	for (uint64_t i = 0; i < tokens.n; i++) {
		total += MIN(tokens.strings[i].len, (size_t)TEXTS_MAX + 1);
		if (total > TEXTS_MAX)
			return ragd_err_set(err, -EINVAL, "vocabulary: more than %u MiB of tokens",
					    (unsigned)(TEXTS_MAX >> 20));
	}
	v->n = (uint32_t)tokens.n;
	at = arena_alloc(v->arena, (size_t)v->n + 1, sizeof(*at));
	bytes = arena_alloc(v->arena, total + 1, 1);
	if (at == NULL || bytes == NULL)
		return ragd_err_set(err, -ENOMEM, "vocabulary: out of memory");
	total = 0;
	for (uint32_t i = 0; i < v->n; i++) {
		struct ragd_str text = tokens.strings[i];

		if (text.len > 0)
			memcpy(bytes + total, text.s, text.len);
		total += text.len;
		at[i + 1] = (uint32_t)total;
		v->max_len = MAX(v->max_len, text.len);
	}
	v->at = at;
	v->bytes = bytes;
	return 0;
}

/* A list of one number for each token; *found tells whether the file has it. */
static int per_token(const struct vocab *v, const struct gguf *g, const char *key,
		     struct gguf_array *out, bool *found, struct ragd_err *err)
{
	*found = gguf_array(g, key, out);
	if (!*found)
		return 0;
	if (out->type == GGUF_STRING || out->type == GGUF_ARRAY)
		return ragd_err_set(err, -EINVAL, "vocabulary: %s is no list of numbers", key);
	if (out->n != v->n)
		return ragd_err_set(err, -EINVAL, "vocabulary: %u tokens, but %llu in %s",
				    (unsigned)v->n, (unsigned long long)out->n, key);
	return 0;
}

/* The byte that a token such as <0x0A> stands for; -1 if it is none. */
static int byte_of_text(struct ragd_str text)
{
	static const char hex[] = "0123456789ABCDEF";
	const char *hi, *lo;

	if (text.len != 6 || memcmp(text.s, "<0x", 3) != 0 || text.s[5] != '>' ||
	    text.s[3] == '\0' || text.s[4] == '\0')
		return -1;
	hi = strchr(hex, text.s[3]);
	lo = strchr(hex, text.s[4]);
	return hi == NULL || lo == NULL ? -1 : (int)(16 * (hi - hex) + (lo - hex));
}

static int types_read(struct vocab *v, const struct gguf *g, struct ragd_err *err)
{
	struct gguf_array types;
	bool found;
	int rc = per_token(v, g, "tokenizer.ggml.token_type", &types, &found, err);

	if (rc < 0)
		return rc;
	v->type = arena_alloc(v->arena, v->n, 1);
	v->flags = arena_alloc(v->arena, v->n, 1);
	if (v->type == NULL || v->flags == NULL)
		return ragd_err_set(err, -ENOMEM, "vocabulary: out of memory");
	for (uint32_t i = 0; i < v->n; i++) {
		int64_t type = found ? gguf_array_int(&types, i) : 0;

		if (type < 0 || type > TOKEN_BYTE)
			return ragd_err_set(err, -EINVAL, "vocabulary: token %u is of type %lld",
					    (unsigned)i, (long long)type);
		if (type == 0) /* nothing was said */
			type = v->kind == VOCAB_SPM && byte_of_text(token_text(v, (int32_t)i)) >= 0
				       ? TOKEN_BYTE
				       : TOKEN_NORMAL;
		v->type[i] = (uint8_t)type;
	}
	return 0;
}

/*
 * Of several tokens with one text the last counts; but what names a control token never becomes an
 * ordinary one.
 */
static int texts_index(struct vocab *v)
{
	v->texts.bytes = v->bytes;
	v->texts.at = v->at;
	if (text_table_init(&v->texts, v->arena, v->n) < 0)
		return -ENOMEM;
	for (int32_t i = 0; i < (int32_t)v->n; i++) {
		int32_t there = text_table_add(&v->texts, i);

		if (there >= 0 && (token_is_plain(v, there) || !token_is_plain(v, i)))
			text_table_replace(&v->texts, i);
	}
	return 0;
}

/*
 * A rank that is lower for a higher score: the bits of a float order as it does, but for the sign.
 */
static uint32_t rank_of_score(float score)
{
	uint32_t bits;

	if (isnan(score))
		return UINT32_MAX;
	score += 0.0f; /* -0 is 0 */
	memcpy(&bits, &score, sizeof(bits));
	return (bits & UINT32_C(0x80000000)) != 0 ? bits : ~(bits | UINT32_C(0x80000000));
}

/* Whether the text has a space behind another character. */
static bool space_inside(struct ragd_str text)
{
	size_t i = 0;

	while (text.len - i >= SPACE_MARK_LEN &&
	       memcmp(text.s + i, SPACE_MARK, SPACE_MARK_LEN) == 0)
		i += SPACE_MARK_LEN;
	return memmem(text.s + i, text.len - i, SPACE_MARK, SPACE_MARK_LEN) != NULL;
}

/* A token that stands for a byte, or tells whether any has a space behind another character. */
static void token_note(struct vocab *v, int32_t id)
{
	struct ragd_str text = token_text(v, id);

	if (v->type[id] == TOKEN_BYTE && byte_of_text(text) >= 0)
		v->byte_id[byte_of_text(text)] = id;
	else if (token_is_plain(v, id) && v->space_first)
		v->space_first = !space_inside(text);
}

static int spm_read(struct vocab *v, const struct gguf *g, struct ragd_err *err)
{
	struct gguf_array scores;
	bool found;
	int rc = per_token(v, g, "tokenizer.ggml.scores", &scores, &found, err);

	if (rc < 0)
		return rc;
	v->rank = arena_alloc(v->arena, v->n, sizeof(*v->rank));
	if (v->rank == NULL)
		return ragd_err_set(err, -ENOMEM, "vocabulary: out of memory");
	v->space_first = true;
	for (int32_t i = 0; i < (int32_t)v->n; i++) {
		if (found)
			v->rank[i] = rank_of_score(gguf_array_float(&scores, (uint64_t)i));
		token_note(v, i);
	}
	return 0;
}

static int charsmap_open(struct vocab *v, const struct gguf *g, struct ragd_err *err)
{
	static const char key[] = "tokenizer.ggml.precompiled_charsmap";
	struct gguf_array map;

	if (!gguf_array(g, key, &map) || map.n == 0)
		return 0;
	if (map.type != GGUF_U8 && map.type != GGUF_I8)
		return ragd_err_set(err, -EINVAL, "vocabulary: %s is no list of bytes", key);
	return charsmap_read(&v->charsmap, v->arena, map.data, (size_t)map.n, err);
}

static int unigram_read(struct vocab *v, const struct gguf *g, struct ragd_err *err)
{
	float least = INFINITY, most = 0;
	struct gguf_array scores;
	bool found;
	int rc = per_token(v, g, "tokenizer.ggml.scores", &scores, &found, err);

	if (rc < 0)
		return rc;
	if (!found)
		return ragd_err_set(err, -EINVAL,
				    "vocabulary: the file has no scores (tokenizer.ggml.scores)");
	v->score = arena_alloc(v->arena, v->n, sizeof(*v->score));
	if (v->score == NULL)
		return ragd_err_set(err, -ENOMEM, "vocabulary: out of memory");
	v->space_first = true;
	for (int32_t i = 0; i < (int32_t)v->n; i++) {
		size_t len = token_text(v, i).len;

		v->score[i] = gguf_array_float(&scores, (uint64_t)i);
		if (v->type[i] == TOKEN_NORMAL && !isfinite(v->score[i]))
			return ragd_err_set(err, -EINVAL,
					    "vocabulary: the score of token %d is no number",
					    (int)i);
		if (v->type[i] == TOKEN_NORMAL) {
			least = MIN(least, v->score[i]);
			most = MAX(most, v->score[i]);
		}
		if (token_is_plain(v, i) && len <= PIECE_MAX)
			v->piece_max = MAX(v->piece_max, len);
		token_note(v, i);
	}
	v->score_unknown = isfinite(least) ? least - UNKNOWN_PENALTY : 0;
	v->score_user = most;
	return charsmap_open(v, g, err);
}

/* Lines of the list of merges that are looked up together. */
struct merge_lines {
	struct ragd_str texts[TABLE_MANY]; /* of each line: both sides, and the two as one */
	uint32_t ranks[TABLE_MANY / 3];
	size_t n;
	char *room; /* where they are made one */
	size_t used, cap;
};

/* A token that stands for bytes; a user's stands for its letters. */
static bool bytes_token(const struct vocab *v, int32_t id)
{
	return id >= 0 && token_is_plain(v, id) && v->type[id] != TOKEN_USER;
}

static void merges_flush(struct vocab *v, struct merge_lines *lines)
{
	struct pair_slot pairs[TABLE_MANY / 3];
	int32_t ids[TABLE_MANY];
	size_t n = 0;

	text_table_find_many(&v->texts, lines->texts, 3 * lines->n, ids);
	for (size_t i = 0; i < lines->n; i++)
		if (bytes_token(v, ids[3 * i]) && bytes_token(v, ids[3 * i + 1]) &&
		    bytes_token(v, ids[3 * i + 2]))
			pairs[n++] = (struct pair_slot){ ids[3 * i], ids[3 * i + 1], ids[3 * i + 2],
							 lines->ranks[i] };
	pair_table_add_many(&v->pairs, pairs, n);
	lines->n = 0;
	lines->used = 0;
}

/* One line of the list: two texts and a space between; the first may begin with one. */
static int merge_read(struct vocab *v, struct ragd_str line, uint32_t rank,
		      struct merge_lines *lines)
{
	const char *space = line.len > 1 ? memchr(line.s + 1, ' ', line.len - 1) : NULL;
	struct ragd_str left, right, *texts;
	char *both;

	if (space == NULL)
		return -EINVAL;
	left = (struct ragd_str){ line.s, (size_t)(space - line.s) };
	right = (struct ragd_str){ space + 1, line.len - left.len - 1 };
	if (left.len + right.len > v->max_len)
		return 0; /* no token is that long */
	if (lines->n == ARRAY_LEN(lines->ranks) || lines->cap - lines->used < left.len + right.len)
		merges_flush(v, lines);
	both = lines->room + lines->used;
	memcpy(both, left.s, left.len);
	memcpy(both + left.len, right.s, right.len);
	texts = &lines->texts[3 * lines->n];
	texts[0] = left;
	texts[1] = right;
	texts[2] = (struct ragd_str){ both, left.len + right.len };
	lines->used += left.len + right.len;
	lines->ranks[lines->n++] = rank;
	return 0;
}

static int merges_read(struct vocab *v, const struct gguf_array *merges, struct ragd_err *err)
{
	struct merge_lines lines = { .cap = MAX(v->max_len, (size_t)16 << 10) };
	int rc = 0;

	lines.room = malloc(lines.cap);
	if (lines.room == NULL || pair_table_init(&v->pairs, v->arena, (size_t)merges->n) < 0)
		rc = ragd_err_set(err, -ENOMEM, "vocabulary: out of memory");
	for (uint32_t i = 0; i < (uint32_t)merges->n && rc == 0; i++)
		if (merge_read(v, merges->strings[i], i, &lines) < 0)
			rc = ragd_err_set(err, -EINVAL, "vocabulary: merge %u names no two tokens",
					  (unsigned)i);
	if (rc == 0)
		merges_flush(v, &lines);
	free(lines.room);
	return rc;
}

static int bpe_read(struct vocab *v, const struct gguf *g, struct ragd_err *err)
{
	struct gguf_array merges;
	char letter[4];

	for (unsigned b = 0; b < 256; b++) {
		size_t len = utf8_put(letter_of_byte((uint8_t)b), letter);
		int32_t id = text_table_find(&v->texts, letter, len);

		v->byte_id[b] = bytes_token(v, id) ? id : TOKEN_NONE;
	}
	if (!gguf_array(g, "tokenizer.ggml.merges", &merges) ||
	    (merges.type != GGUF_STRING && merges.n > 0))
		return ragd_err_set(err, -EINVAL,
				    "vocabulary: the file has no list of merges "
				    "(tokenizer.ggml.merges)");
	if (merges.n >= UINT32_MAX / 2)
		return ragd_err_set(err, -EINVAL, "vocabulary: a list of %llu merges",
				    (unsigned long long)merges.n);
	v->ignore_merges = v->split->ignore_merges;
	gguf_bool(g, "tokenizer.ggml.ignore_merges", &v->ignore_merges);
	return merges_read(v, &merges, err);
}

static int specials_read(struct vocab *v)
{
	size_t n_user = 0, n_own = 0;

	for (int pass = 0; pass < 2; pass++) {
		if (pass == 1) {
			v->user.ids = arena_alloc(v->arena, MAX(n_user, 1u), sizeof(int32_t));
			v->own.ids = arena_alloc(v->arena, MAX(n_own, 1u), sizeof(int32_t));
			if (v->user.ids == NULL || v->own.ids == NULL)
				return -ENOMEM;
		}
		for (int32_t i = 0; i < (int32_t)v->n; i++) {
			size_t len = token_text(v, i).len;
			bool user = v->type[i] == TOKEN_USER;
			bool own = !user || v->kind != VOCAB_UNIGRAM;

			if (len == 0 || len > SPECIAL_LEN_MAX)
				continue;
			if (!user && v->type[i] != TOKEN_CONTROL && v->type[i] != TOKEN_UNKNOWN)
				continue;
			if (pass == 0) {
				n_user += user;
				n_own += own;
				continue;
			}
			if (user)
				v->user.ids[v->user.n++] = i;
			if (own)
				v->own.ids[v->own.n++] = i;
		}
	}
	return specials_sort(&v->user, v) < 0 || specials_sort(&v->own, v) < 0 ? -ENOMEM : 0;
}

static int vocab_read(struct vocab *v, const struct gguf *g, struct ragd_err *err)
{
	int rc;

	v->arena = arena_new(SIZE_MAX); /* what is taken is bounded by the file's own lists */
	if (v->arena == NULL)
		return ragd_err_set(err, -ENOMEM, "vocabulary: out of memory");
	for (size_t i = 0; i < ARRAY_LEN(v->byte_id); i++)
		v->byte_id[i] = TOKEN_NONE;
	rc = kind_read(v, g, err);
	if (rc == 0)
		rc = texts_read(v, g, err);
	if (rc == 0)
		rc = types_read(v, g, err);
	if (rc == 0)
		rc = vocab_roles_read(v, g, err);
	if (rc == 0 && texts_index(v) < 0)
		rc = ragd_err_set(err, -ENOMEM, "vocabulary: out of memory");
	if (rc == 0 && v->kind == VOCAB_SPM)
		rc = spm_read(v, g, err);
	if (rc == 0 && v->kind == VOCAB_BPE)
		rc = bpe_read(v, g, err);
	if (rc == 0 && v->kind == VOCAB_UNIGRAM)
		rc = unigram_read(v, g, err);
	if (rc == 0 && specials_read(v) < 0)
		rc = ragd_err_set(err, -ENOMEM, "vocabulary: out of memory");
	return rc;
}

int vocab_open(const struct gguf *g, struct vocab **out, struct ragd_err *err)
{
	struct vocab *v;
	int rc;

	if (!chars_ready())
		return ragd_err_set(err, -EIO, "vocabulary: ICU has no data");
	v = calloc(1, sizeof(*v));
	if (v == NULL)
		return ragd_err_set(err, -ENOMEM, "vocabulary: out of memory");
	rc = vocab_read(v, g, err);
	if (rc < 0) {
		vocab_close(v);
		return rc;
	}
	*out = v;
	return 0;
}

void vocab_close(struct vocab *v)
{
	if (v == NULL)
		return;
	arena_free(v->arena);
	free(v);
}
