/*
 * Passages as sentences and words: each word with the term of the question it stands for and the
 * cues it gives, each sentence with the heading and the entry it stands under.
 */
#ifndef ENGINE_SCAN_H
#define ENGINE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/text/sentences.h"
#include "base/text/words.h"
#include "engine/poll.h"
#include "engine/reader/lexicon.h"
#include "engine/reader/question.h"

#define NO_SENTENCE UINT32_MAX

enum scan_token_flag {
	SCAN_NAME = 1,   /* a capital letter that the start of a sentence does not explain */
	SCAN_NUMBER = 2, /* begins with a digit */
	SCAN_YEAR = 4,
	SCAN_STOP = 8,
	SCAN_PART = 16, /* of the identifier before it */
	SCAN_IDENTIFIER = 32,
	SCAN_CAPITAL = 64, /* begins with one, for whatever reason */
};

struct scan_token {
	uint64_t stem;
	uint32_t start; /* in the passage's text */
	uint32_t pos;   /* number of the word in the passage; parts share their identifier's */
	uint32_t cues;
	float match;
	int16_t term; /* of the question; -1: none */
	uint16_t flags;
};

enum sentence_kind {
	SENTENCE_PROSE,
	SENTENCE_ITEM,
	SENTENCE_ROW,
	SENTENCE_HEADING,
	SENTENCE_ENTRY, /* ".. c:function:: int uv_run(…)", a term before its definition */
	SENTENCE_CODE,
	SENTENCE_COMMENT, /* in code */
	SENTENCE_RULE,
};

struct sentence {
	uint32_t passage;
	uint32_t start, end; /* in its text */
	uint32_t token, n_tokens;
	uint32_t ordinal; /* in its passage */
	uint32_t heading; /* the last one before it in its passage, or NO_SENTENCE */
	uint32_t entry;   /* the same */
	enum sentence_kind kind;
	bool pronoun; /* "It", "This function": the sentence before it says what */
	bool question;
	bool follows; /* in one paragraph with the sentence before it */
};

struct passage_scan {
	struct poll poll; /* of the call that it is read for */
	const struct ragd_passage *passages;
	size_t n_passages;
	struct scan_token *tokens;
	size_t n_tokens, cap_tokens;
	struct sentence *sentences;
	size_t n_sentences, cap_sentences;
	float (*context)[TERMS_MAX]; /* [passage]: how well title and heading match each term */
};

void scan_fini(struct passage_scan *s);

/*
 * Read passages for q into s, which begins zeroed or was used before. The call is asked now
 * and then whether it is still wanted. 0, -ENOMEM, -ECANCELED, -ETIMEDOUT, -EFBIG.
 */
int scan_read(struct passage_scan *s, const struct reader_question *q, struct words *w,
	      struct sentences *cut, const struct lexicon *x, const struct ragd_passage *passages,
	      size_t n, const struct ragd_call *call);

#endif
