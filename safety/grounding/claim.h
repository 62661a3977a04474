/* A sentence as the grounding check sees it: what it claims, word by word. */
#ifndef SAFETY_CLAIM_H
#define SAFETY_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text/words.h"
#include "safety/grounding/claim_lexicon.h"

enum claim_token_kind {
	TOKEN_WORD,
	TOKEN_NAME,   /* written with a capital inside a sentence, or an identifier */
	TOKEN_NUMBER, /* digits, in a form that 1,024 and 1024 share */
};

struct claim_token {
	uint64_t hash; /* of the stem; of the number's value */
	enum claim_token_kind kind;
};

/* What a run of text has, besides its tokens. */
struct claim_marks {
	unsigned n_negations; /* not, never, without, ... */
	unsigned n_asking;    /* document, passage, answer: words about the asking itself */
	unsigned n_holding;   /* know, find, say, mention */
	bool denies;          /* or says in one word what is not: unclear */
	uint64_t sides;       /* of opposites, as claim_lexicon_sides() has them */
};

/*
 * Take text[0..len) apart: cb for each token that carries meaning, in order; a negative return of
 * it stops. [x removed], which stands for what a filter took out, is passed over.
 */
int claim_read(struct words *w, const struct claim_lexicon *x, const char *text, size_t len,
	       struct claim_marks *marks, int (*cb)(void *arg, const struct claim_token *t),
	       void *arg);

/* What the lexicon knows about a word, also by how it ends: claim_lexicon_bit, and a number's. */
uint64_t claim_word_bits(const struct claim_lexicon *x, const struct word *w);
/*
 * The token that a word with these bits is, but for names, which its place in the text tells; false
 * for one that carries no meaning of its own.
 */
bool claim_word_token(const struct claim_lexicon *x, const struct word *w, uint64_t bits,
		      struct claim_token *t);

#endif
