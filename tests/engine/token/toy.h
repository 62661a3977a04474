/* Vocabularies of a few tokens, built as the bytes of a GGUF file. */
#ifndef TESTS_ENGINE_TOKEN_TOY_H
#define TESTS_ENGINE_TOKEN_TOY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/text/utf8.h"
#include "engine/gguf/gguf.h"
#include "engine/token/letters.h"
#include "engine/token/vocab.h"
#include "tests/engine/gguf/build.h"

#define TOY_TOKENS_MAX 1200

struct toy_token {
	struct ragd_str text;
	int32_t type; /* enum token_type */
	float score;
};

struct toy {
	const char *model;
	const char *pre; /* NULL: not said */
	struct toy_token tokens[TOY_TOKENS_MAX];
	size_t n;
	struct ragd_str merges[TOY_TOKENS_MAX];
	size_t n_merges;
	bool no_types, no_scores;
	struct buf keys; /* more of them, already written */
	size_t n_keys;
	char room[TOY_TOKENS_MAX][8]; /* texts of byte tokens */
};

static inline int32_t toy_add(struct toy *t, const char *text, int32_t type, float score)
{
	t->tokens[t->n] = (struct toy_token){ { text, strlen(text) }, type, score };
	return (int32_t)t->n++;
}

static inline void toy_merge(struct toy *t, const char *line)
{
	t->merges[t->n_merges++] = (struct ragd_str){ line, strlen(line) };
}

static inline void toy_u32(struct toy *t, const char *key, uint32_t value)
{
	put_key_u32(&t->keys, key, value);
	t->n_keys++;
}

static inline void toy_bool(struct toy *t, const char *key, bool value)
{
	char byte = value;

	put_scalar(&t->keys, key, GGUF_BOOL, &byte, 1);
	t->n_keys++;
}

static inline void toy_str(struct toy *t, const char *key, const char *value)
{
	put_key_str(&t->keys, key, value);
	t->n_keys++;
}

static inline void toy_bytes(struct toy *t, const char *key, const void *bytes, size_t n)
{
	put_array(&t->keys, key, GGUF_U8, n);
	buf_add(&t->keys, bytes, n);
	t->n_keys++;
}

/* SentencePiece: <unk>, <s>, </s>, and the 256 bytes if wanted. */
static inline void toy_spm(struct toy *t, bool bytes)
{
	t->model = "llama";
	toy_add(t, "<unk>", TOKEN_UNKNOWN, 0);
	toy_add(t, "<s>", TOKEN_CONTROL, 0);
	toy_add(t, "</s>", TOKEN_CONTROL, 0);
	for (unsigned b = 0; b < 256 && bytes; b++) {
		snprintf(t->room[b], sizeof(t->room[b]), "<0x%02X>", b);
		toy_add(t, t->room[b], TOKEN_BYTE, 0);
	}
	toy_u32(t, "tokenizer.ggml.unknown_token_id", 0);
	toy_u32(t, "tokenizer.ggml.bos_token_id", 1);
	toy_u32(t, "tokenizer.ggml.eos_token_id", 2);
}

/* Byte-level BPE: the letters of all bytes, so that byte b is token b. */
static inline void toy_bpe(struct toy *t, const char *pre)
{
	t->model = "gpt2";
	t->pre = pre;
	for (unsigned b = 0; b < 256; b++) {
		t->room[b][utf8_put(letter_of_byte((uint8_t)b), t->room[b])] = '\0';
		toy_add(t, t->room[b], TOKEN_NORMAL, 0);
	}
}

static inline void toy_put_texts(struct buf *b, const char *key, const struct ragd_str *texts,
				 size_t stride, size_t n)
{
	put_array(b, key, GGUF_STRING, n);
	for (size_t i = 0; i < n; i++) {
		const struct ragd_str *s =
			(const struct ragd_str *)(const void *)((const char *)texts + i * stride);

		put_u64(b, s->len);
		buf_add(b, s->s, s->len);
	}
}

static inline void toy_write(const struct toy *t, struct buf *b)
{
	put_head(b, 3, 0,
		 2 + t->n_keys + (t->pre != NULL) + !t->no_types + !t->no_scores +
			 (t->n_merges > 0 || strcmp(t->model, "gpt2") == 0));
	put_key_str(b, "tokenizer.ggml.model", t->model);
	if (t->pre != NULL)
		put_key_str(b, "tokenizer.ggml.pre", t->pre);
	toy_put_texts(b, "tokenizer.ggml.tokens", &t->tokens[0].text, sizeof(t->tokens[0]), t->n);
	if (!t->no_types) {
		put_array(b, "tokenizer.ggml.token_type", GGUF_I32, t->n);
		for (size_t i = 0; i < t->n; i++)
			buf_add(b, &t->tokens[i].type, 4);
	}
	if (!t->no_scores) {
		put_array(b, "tokenizer.ggml.scores", GGUF_F32, t->n);
		for (size_t i = 0; i < t->n; i++)
			buf_add(b, &t->tokens[i].score, 4);
	}
	if (t->n_merges > 0 || strcmp(t->model, "gpt2") == 0)
		toy_put_texts(b, "tokenizer.ggml.merges", t->merges, sizeof(t->merges[0]),
			      t->n_merges);
	buf_add(b, t->keys.data, t->keys.len);
}

/* Open it as vocab_open() does. The toy's own memory goes with it. */
static inline int toy_open(struct toy *t, struct vocab **out, struct ragd_err *err)
{
	struct buf b = BUF_INIT;
	struct gguf *g = NULL;
	int rc;

	toy_write(t, &b);
	rc = buf_failed(&b) ? -ENOMEM : gguf_read(b.data, b.len, &g, err);
	if (rc == 0)
		rc = vocab_open(g, out, err);
	gguf_close(g);
	buf_fini(&b);
	buf_fini(&t->keys);
	return rc;
}

#endif
