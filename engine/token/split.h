/*
 * Pre-tokenizers: byte-level BPE never joins letters across the borders that these put into a text.
 * Each is one or more regular expressions, applied one after the other to the pieces that the ones
 * before left, a piece being a match or what lies between two; here they are scanners, with the
 * expression above each as its specification. \s is White_Space, and letters are those of ICU's
 * Unicode.
 */
#ifndef ENGINE_TOKEN_SPLIT_H
#define ENGINE_TOKEN_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

#define SPLIT_STAGES_MAX 5

/* Length of the match at s, 0 if there is none; end is behind s. */
typedef size_t (*split_match_fn)(const char *s, const char *end);

struct split {
	const char *name; /* tokenizer.ggml.pre */
	split_match_fn stages[SPLIT_STAGES_MAX];
	/* What files with it are taken for if they do not say. */
	bool ignore_merges;
	bool add_bos;
};

/* By its name in a file; NULL if it is not known. */
const struct split *split_find(struct ragd_str name);

/*
 * Calls piece for each piece of text from left to right, until that returns false; together they
 * are the text. chars_ready() must have been called.
 */
typedef bool (*split_piece_cb)(void *arg, const char *s, size_t len);
void split_text(const struct split *sp, struct ragd_str text, split_piece_cb piece, void *arg);

#endif
