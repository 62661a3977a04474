/*
 * What single tokens are for: the ends of a text, the ends of a turn, the unknown. Files differ in
 * what they say of it, and some call control tokens ordinary; since a document must never hold one,
 * texts that can only be control tokens are taken for such whatever the file says.
 */
#include "base/util.h"
#include "engine/gguf/gguf.h"
#include "engine/token/vocab_private.h"

/* U+FF5C, with which DeepSeek's control tokens are written. */
#define WIDE_BAR "\xef\xbd\x9c"

static const char *const end_texts[] = {
	"<|eot_id|>",
	"<|eom_id|>",
	"<|end_of_text|>",
	"<|im_end|>",
	"<|endoftext|>",
	"<|end|>",
	"<|EOT|>",
	"<EOT>",
	"<eos>",
	"<end_of_turn>",
	"<end_of_utterance>",
	("<" WIDE_BAR "end" SPACE_MARK "of" SPACE_MARK "sentence" WIDE_BAR ">"),
};

static const char *const control_texts[] = {
	"<s>", "<bos>", "<start_of_turn>", "[INST]", "[/INST]",
};

static bool is_among(struct ragd_str text, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(text, texts[i]))
			return true;
	return false;
}

static bool is_enclosed(struct ragd_str text, const char *open, const char *close)
{
	size_t n_open = strlen(open), n_close = strlen(close);

	return text.len > n_open + n_close && memcmp(text.s, open, n_open) == 0 &&
	       memcmp(text.s + text.len - n_close, close, n_close) == 0;
}

/* <|…|>, the same with DeepSeek's wide bars, or one of the few that look otherwise. */
static bool looks_control(struct ragd_str text)
{
	if (text.len < 3 || (text.s[0] != '<' && text.s[0] != '['))
		return false;
	return is_enclosed(text, "<|", "|>") || is_enclosed(text, "<" WIDE_BAR, WIDE_BAR ">") ||
	       is_among(text, control_texts, ARRAY_LEN(control_texts)) ||
	       is_among(text, end_texts, ARRAY_LEN(end_texts));
}

/* The id under the key, which may be missing (TOKEN_NONE). */
static int role_read(const struct vocab *v, const struct gguf *g, const char *key, int32_t *out,
		     struct ragd_err *err)
{
	uint32_t id;

	if (!gguf_u32(g, key, &id))
		return 0;
	if (id >= v->n)
		return ragd_err_set(err, -EINVAL, "vocabulary: %s is %u, of %u tokens", key,
				    (unsigned)id, (unsigned)v->n);
	*out = (int32_t)id;
	return 0;
}

static int32_t find_text(const struct vocab *v, const char *text)
{
	for (int32_t i = 0; i < (int32_t)v->n; i++)
		if (str_is(token_text(v, i), text))
			return i;
	return TOKEN_NONE;
}

/* BERT's tokens go by their names where the file says nothing. */
static void bert_roles(struct vocab *v)
{
	if (v->cls == TOKEN_NONE)
		v->cls = v->bos != TOKEN_NONE ? v->bos : find_text(v, "[CLS]");
	if (v->sep == TOKEN_NONE)
		v->sep = v->eos != TOKEN_NONE ? v->eos : find_text(v, "[SEP]");
	if (v->unknown == TOKEN_NONE)
		v->unknown = find_text(v, "[UNK]");
}

static int32_t find_unknown(const struct vocab *v)
{
	for (int32_t i = 0; i < (int32_t)v->n; i++)
		if (v->type[i] == TOKEN_UNKNOWN)
			return i;
	return TOKEN_NONE;
}

/*
 * Encoders name the ends of their texts by BERT's words, too. And what fills up a text, or stands
 * for a word that was taken out, is none of a document, even in a file that calls it ordinary.
 */
static int unigram_roles(struct vocab *v, const struct gguf *g, struct ragd_err *err)
{
	static const char *const keys[] = { "tokenizer.ggml.padding_token_id",
					    "tokenizer.ggml.mask_token_id" };

	if (v->bos == TOKEN_NONE)
		v->bos = v->cls;
	if (v->eos == TOKEN_NONE)
		v->eos = v->sep != TOKEN_NONE ? v->sep : find_text(v, "</s>");
	if (v->unknown == TOKEN_NONE)
		v->unknown = find_unknown(v);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		int32_t id = TOKEN_NONE;
		int rc = role_read(v, g, keys[i], &id, err);

		if (rc < 0)
			return rc;
		if (id != TOKEN_NONE && id != v->unknown)
			v->type[id] = TOKEN_CONTROL;
	}
	return 0;
}

/* Phi-3's control tokens take in the white space behind them, but for these three. */
static void phi3_strip(struct vocab *v, const struct gguf *g)
{
	static const char *const not [] = { "<unk>", "<s>", "<|endoftext|>" };
	struct ragd_str arch = { 0 }, name = { 0 };

	gguf_str(g, "general.architecture", &arch);
	gguf_str(g, "general.name", &name);
	if (v->kind != VOCAB_SPM ||
	    (!str_is(arch, "phi3") &&
	     (name.len == 0 || (memmem(name.s, name.len, "hi-3", 4) == NULL &&
				memmem(name.s, name.len, "hi3", 3) == NULL))))
		return;
	for (int32_t i = 0; i < (int32_t)v->n; i++)
		if ((v->type[i] == TOKEN_CONTROL || v->type[i] == TOKEN_USER) &&
		    !is_among(token_text(v, i), not, ARRAY_LEN(not )))
			v->flags[i] |= TOKEN_RSTRIP;
}

static void types_correct(struct vocab *v, const int32_t *ends, size_t n_ends)
{
	for (int32_t i = 0; i < (int32_t)v->n; i++) {
		struct ragd_str text = token_text(v, i);

		if (v->type[i] == TOKEN_BYTE || !looks_control(text))
			continue;
		v->type[i] = TOKEN_CONTROL;
		if (is_among(text, end_texts, ARRAY_LEN(end_texts)))
			v->flags[i] |= TOKEN_IS_END;
	}
	for (size_t i = 0; i < n_ends; i++) {
		if (ends[i] == TOKEN_NONE)
			continue;
		v->type[ends[i]] = TOKEN_CONTROL;
		v->flags[ends[i]] |= TOKEN_IS_END;
	}
	if (v->bos != TOKEN_NONE)
		v->type[v->bos] = TOKEN_CONTROL;
	if (v->unknown == TOKEN_NONE)
		return;
	/* Some name the end of a text as the unknown too: a document must not come to hold it. */
	if (v->unknown == v->bos || (v->flags[v->unknown] & TOKEN_IS_END) != 0)
		v->unknown = TOKEN_NONE;
	else if (token_is_plain(v, v->unknown))
		v->type[v->unknown] = TOKEN_UNKNOWN;
}

/* What is added to a text, and which of its spaces count: by the kind, unless the file says. */
static void ends_read(struct vocab *v, const struct gguf *g)
{
	bool unigram = v->kind == VOCAB_UNIGRAM;

	v->add_bos = v->kind == VOCAB_BPE ? v->split->add_bos : !unigram;
	v->add_eos = unigram;
	v->add_sep = v->kind == VOCAB_WORDPIECE;
	v->space_prefix = v->kind == VOCAB_SPM || unigram;
	v->space_single = unigram;
	gguf_bool(g, "tokenizer.ggml.add_bos_token", &v->add_bos);
	gguf_bool(g, "tokenizer.ggml.add_eos_token", &v->add_eos);
	gguf_bool(g, "tokenizer.ggml.add_sep_token", &v->add_sep);
	if (v->space_prefix)
		gguf_bool(g, "tokenizer.ggml.add_space_prefix", &v->space_prefix);
	if (unigram)
		gguf_bool(g, "tokenizer.ggml.remove_extra_whitespaces", &v->space_single);
}

int vocab_roles_read(struct vocab *v, const struct gguf *g, struct ragd_err *err)
{
	static const char *const end_keys[] = { "tokenizer.ggml.eos_token_id",
						"tokenizer.ggml.eot_token_id",
						"tokenizer.ggml.eom_token_id" };
	int32_t ends[ARRAY_LEN(end_keys)] = { TOKEN_NONE, TOKEN_NONE, TOKEN_NONE };
	struct {
		const char *key;
		int32_t *out;
	} rows[] = {
		{ "tokenizer.ggml.bos_token_id", &v->bos },
		{ "tokenizer.ggml.unknown_token_id", &v->unknown },
		{ "tokenizer.ggml.cls_token_id", &v->cls },
		{ "tokenizer.ggml.separator_token_id", &v->sep },
		{ "tokenizer.ggml.seperator_token_id", &v->sep }, /* so files spell it */
	};
	int rc = 0;

	v->bos = v->eos = v->sep = v->cls = v->unknown = TOKEN_NONE;
	for (size_t i = 0; i < ARRAY_LEN(rows) && rc == 0; i++)
		rc = role_read(v, g, rows[i].key, rows[i].out, err);
	for (size_t i = 0; i < ARRAY_LEN(ends) && rc == 0; i++)
		rc = role_read(v, g, end_keys[i], &ends[i], err);
	if (rc < 0)
		return rc;
	v->eos = ends[0];
	if (v->kind == VOCAB_WORDPIECE)
		bert_roles(v);
	if (v->kind == VOCAB_UNIGRAM)
		rc = unigram_roles(v, g, err);
	if (rc < 0)
		return rc;
	ends[0] = v->eos;
	types_correct(v, ends, ARRAY_LEN(ends));
	phi3_strip(v, g);
	ends_read(v, g);
	return 0;
}
