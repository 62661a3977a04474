/* One text on its way into tokens: what the kinds of vocabulary share while they work on it. */
#ifndef ENGINE_TOKEN_ENCODE_H
#define ENGINE_TOKEN_ENCODE_H

#include "base/buf.h"
#include "engine/poll.h"
#include "engine/token/merge.h"
#include "engine/token/vocab_private.h"

#define ENCODE_SEEN 1024 /* pieces of a text that are remembered; a power of two */

/* Words come again: where the tokens of one are in what was put out already. */
struct encode_seen {
	const char *s; /* in the text; NULL: free */
	uint32_t len;
	uint32_t n;  /* tokens */
	size_t from; /* the first of them */
};

struct encoder {
	const struct vocab *v;
	struct tokens *out;
	struct merge merge;
	struct buf room;          /* a piece as the vocabulary writes it */
	struct encode_seen *seen; /* [ENCODE_SEEN]; NULL: a short text, not worth it */
	struct poll poll;
	bool failed; /* out of memory, or nobody waits any more: poll.rc */
};

/* So much more was done; false: stop. */
static inline bool encode_goes_on(struct encoder *e, size_t work)
{
	e->failed = !poll_goes_on(&e->poll, work) || e->failed;
	return !e->failed;
}

/* The tokens of a stretch of text without special tokens. */
void encode_spm(struct encoder *e, struct ragd_str text, bool space_before);
void encode_bpe(struct encoder *e, struct ragd_str text);
void encode_unigram(struct encoder *e, struct ragd_str text);
void encode_wordpiece(struct encoder *e, struct ragd_str text);

/*
 * What no token stands for: its bytes where all of them have tokens, which returns true, or else
 * the unknown token, which joins one that was put out last at or after `from`.
 */
bool encode_unknown(struct encoder *e, const char *s, size_t len, size_t from);

/* Room for n more tokens; false, and t->failed, when out of memory. */
bool tokens_reserve(struct tokens *t, size_t n);

/*
 * If this piece of the text was encoded before, put its tokens out again; else return (perhaps)
 * where to note it with encode_note(), once its tokens are out from `from` on. s must stay as it is
 * until the whole text is encoded.
 */
struct encode_seen *encode_again(struct encoder *e, const char *s, size_t len, bool *again);
void encode_note(const struct encoder *e, struct encode_seen *seen, const char *s, size_t len,
		 size_t from);

#endif
