/* What a vocabulary is inside: shared by the files of this folder. */
#ifndef ENGINE_TOKEN_VOCAB_PRIVATE_H
#define ENGINE_TOKEN_VOCAB_PRIVATE_H

#include <string.h>

#include "engine/token/charsmap.h"
#include "engine/token/special.h"
#include "engine/token/split.h"
#include "engine/token/table.h"
#include "engine/token/vocab.h"

/* SentencePiece's and GGUF's mark for a space, U+2581. */
#define SPACE_MARK     "\xe2\x96\x81"
#define SPACE_MARK_LEN 3

enum vocab_kind { VOCAB_SPM, VOCAB_BPE, VOCAB_WORDPIECE, VOCAB_UNIGRAM };

enum token_flag {
	TOKEN_IS_END = 1, /* generation ends with it */
	TOKEN_RSTRIP = 2, /* white space behind it belongs to it */
};

struct vocab {
	struct arena *arena; /* all that follows */
	enum vocab_kind kind;
	uint32_t n;
	const char *bytes;  /* token i's text is bytes[at[i]..at[i + 1]) */
	const uint32_t *at; /* n + 1 of them */
	uint8_t *type;      /* enum token_type */
	uint8_t *flags;     /* enum token_flag */
	size_t max_len;     /* of a token's text, in bytes */
	struct text_table texts;
	uint32_t *rank;          /* SPM: of tokens; the lowest is merged first */
	struct pair_table pairs; /* BPE */
	const struct split *split;
	float *score;        /* Unigram: of tokens */
	float score_unknown; /* of a character that is none */
	float score_user;    /* of a user-defined token, for each byte of it */
	size_t piece_max;    /* of the longest token that text may become, in bytes */
	struct charsmap charsmap;
	int32_t byte_id[256]; /* SPM, BPE, Unigram: what a byte alone becomes */
	/* What is matched in people's text; Unigram: what the map of characters leaves alone. */
	struct specials user;
	/* What is matched in the engine's: control tokens, and but for Unigram all of user. */
	struct specials own;
	int32_t bos, eos, sep, cls, unknown;
	bool add_bos, add_eos, add_sep;
	bool space_prefix;  /* SPM, Unigram: a space before each text */
	bool space_first;   /* SPM, Unigram: no token has a space after another character */
	bool space_single;  /* Unigram: spaces in a row are one, at the ends of a text none */
	bool ignore_merges; /* BPE: a piece that is a token is taken whole */
};

static inline struct ragd_str token_text(const struct vocab *v, int32_t id)
{
	return (struct ragd_str){ v->bytes + v->at[id], v->at[id + 1] - v->at[id] };
}

/* Tokens that text may become; the others have texts too, but those only name them. */
static inline bool token_is_plain(const struct vocab *v, int32_t id)
{
	return v->type[id] == TOKEN_NORMAL || v->type[id] == TOKEN_USER ||
	       v->type[id] == TOKEN_UNUSED;
}

/* The plain token of a text, or TOKEN_NONE. */
static inline int32_t token_find_plain(const struct vocab *v, const char *s, size_t len)
{
	int32_t id = len <= v->max_len ? text_table_find(&v->texts, s, len) : TOKEN_NONE;

	return id >= 0 && token_is_plain(v, id) ? id : TOKEN_NONE;
}

static inline bool str_is(struct ragd_str s, const char *text)
{
	return strlen(text) == s.len && (s.len == 0 || memcmp(text, s.s, s.len) == 0);
}

/* vocab_roles.c: find out what tokens are for, and correct their types accordingly. -EINVAL for ids
 * beyond the vocabulary. */
int vocab_roles_read(struct vocab *v, const struct gguf *g, struct ragd_err *err);

#endif
