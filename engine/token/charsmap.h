/*
 * How a SentencePiece vocabulary wants its text: a list of characters and sequences, each with what
 * is read in its place (compatibility forms, composed letters, controls that go). A file has it as
 * `precompiled_charsmap`: a double-array trie (Darts) of what is replaced, whose leaves are offsets
 * into the replacements, each ended by NUL.
 */
#ifndef ENGINE_TOKEN_CHARSMAP_H
#define ENGINE_TOKEN_CHARSMAP_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>
#include <ragd/plugin.h>

#include "base/arena.h"

/* Longer replacements are refused, and longer sequences not looked for: it bounds what a text can
 * cost. Those of Unicode's compatibility forms have 33 bytes and 10. */
#define CHARSMAP_TEXT_MAX     256
#define CHARSMAP_SEQUENCE_MAX 64

struct charsmap {
	const uint32_t *units; /* the trie; NULL: nothing is replaced */
	const char *texts;
};

/*
 * Read the bytes of a file; the map stands alone afterwards, in the arena. -EINVAL for one whose
 * offsets lead out of it, so that nothing is checked again when it is used; -ENOMEM.
 */
int charsmap_read(struct charsmap *m, struct arena *a, const uint8_t *data, size_t len,
		  struct ragd_err *err);

/*
 * The longest sequence at the beginning of s[0..len) that is replaced: returns its length and sets
 * *out to what is read instead, which may be empty; 0 if there is none.
 */
size_t charsmap_match(const struct charsmap *m, const char *s, size_t len, struct ragd_str *out);

#endif
