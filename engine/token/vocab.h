/*
 * Vocabularies: text to token ids and back, for the four kinds of a GGUF file: "llama"
 * (SentencePiece BPE with byte fallback), "gpt2" (byte-level BPE behind a pre-tokenizer: llama-bpe,
 * qwen2, gpt-2, default, deepseek-coder …), "bert" (WordPiece) and "t5" (SentencePiece Unigram: T5,
 * XLM-R). Text is bytes: whatever comes in has tokens, and what is no UTF-8 goes through the bytes'
 * own tokens where there are such.
 */
#ifndef ENGINE_TOKEN_VOCAB_H
#define ENGINE_TOKEN_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>
#include <ragd/plugin.h>

#include "base/buf.h"

struct gguf;
struct vocab;

/* As tokenizer.ggml.token_type has them. */
enum token_type {
	TOKEN_NORMAL = 1,
	TOKEN_UNKNOWN = 2,
	TOKEN_CONTROL = 3, /* <|eot_id|>: never comes from plain text, prints as nothing */
	TOKEN_USER = 4,    /* user-defined: matched in plain text, printed */
	TOKEN_UNUSED = 5,
	TOKEN_BYTE = 6,
};

#define TOKEN_NONE (-1)

/*
 * Read the vocabulary of an open file; it stands alone afterwards (g may be closed). -EINVAL for
 * one that contradicts itself, -ENOTSUP for a kind or pre-tokenizer that is not known, named.
 * Shared between threads without locks once open. What can only be a control token by its text
 * (<|…|>, <end_of_turn> …), or ends a turn by the metadata, is one whatever type the file gives it.
 */
int vocab_open(const struct gguf *g, struct vocab **out, struct ragd_err *err);
void vocab_close(struct vocab *v);

uint32_t vocab_size(const struct vocab *v);
/* "llama", "gpt2", "bert" or "t5". */
const char *vocab_kind(const struct vocab *v);

/* Token ids; TOKEN_NONE where the vocabulary has none. */
int32_t vocab_bos(const struct vocab *v);
int32_t vocab_eos(const struct vocab *v);
int32_t vocab_sep(const struct vocab *v);
int32_t vocab_cls(const struct vocab *v);
/*
 * None also where the file names a token that ends a turn: a document must not come to hold that.
 */
int32_t vocab_unknown(const struct vocab *v);
/* By its exact text ("<|eot_id|>"), of any type: for tests and fuzzers. */
int32_t vocab_find(const struct vocab *v, struct ragd_str text);
/* Whether generation ends with it: eos, eot, eom, <|im_end|>, <end_of_turn>, <|end|> and the like,
 * from the metadata where it says so, else by their texts. */
bool vocab_is_end(const struct vocab *v, int32_t id);
enum token_type vocab_type(const struct vocab *v, int32_t id);
/* The token's text as the file has it (SentencePiece's ▁ and byte-level letters included). */
struct ragd_str vocab_text(const struct vocab *v, int32_t id);

/* A growing list of ids. */
struct tokens {
	int32_t *ids;
	size_t n;
	size_t cap;
	bool failed; /* out of memory: remembered, as struct buf does */
};
void tokens_fini(struct tokens *t);
void tokens_add(struct tokens *t, int32_t id);

enum {
	VOCAB_SPECIAL =
		1,      /* control tokens named in the text become those tokens: only for text that
			      the engine itself wrote, never a user's or a document's */
	VOCAB_ENDS = 2, /* add what the model wants at the ends: BOS, EOS, [CLS] … [SEP] */
};

/*
 * Append the tokens of text to out. 0, or -ENOMEM. Time is near linear in the text, whatever the
 * text.
 */
int vocab_encode(const struct vocab *v, struct ragd_str text, unsigned flags, struct tokens *out,
		 struct ragd_err *err);
/* The same as long as the call is wanted: -ECANCELED, -ETIMEDOUT. */
int vocab_encode_for(const struct vocab *v, const struct ragd_call *call, struct ragd_str text,
		     unsigned flags, struct tokens *out, struct ragd_err *err);

/*
 * A conversation rendered for a model is pieces of two kinds: what the template wrote (control
 * tokens are meant) and what people wrote (they are text). `own` tells which.
 */
struct vocab_piece {
	struct ragd_str text;
	bool own; /* the template's: VOCAB_SPECIAL holds for this piece */
	/* Of a piece that is not: bytes in front that are the administrator's, whoever asks. */
	size_t n_configured;
};
/*
 * Append the tokens of the pieces as one text: words across a border between pieces tokenize as if
 * no border were there; but no control token ever comes from a piece that is not `own`, nor from
 * one that begins in an own piece and ends in one that is not; own pieces side by side count as
 * one. VOCAB_SPECIAL in flags is not looked at.
 */
int vocab_encode_pieces(const struct vocab *v, const struct vocab_piece *pieces, size_t n,
			unsigned flags, struct tokens *out, struct ragd_err *err);
/* The same as long as the call is wanted. */
int vocab_encode_pieces_for(const struct vocab *v, const struct ragd_call *call,
			    const struct vocab_piece *pieces, size_t n, unsigned flags,
			    struct tokens *out, struct ragd_err *err);

/*
 * Append the bytes that a token stands for: none for control tokens unless `special`. Bytes may be
 * part of a character (byte tokens): the caller holds back what utf8_whole() does not count. The
 * space that SentencePiece puts before a text is the caller's to drop: see vocab_decode.
 */
void vocab_piece(const struct vocab *v, int32_t id, bool special, struct buf *out);
/*
 * Append the text of n tokens, without the space that encoding puts in front of a text and behind
 * special tokens: encoding turned round, for tests and fuzzers. An answer is decoded piece by
 * piece.
 */
void vocab_decode(const struct vocab *v, const int32_t *ids, size_t n, bool special,
		  struct buf *out);

#endif
