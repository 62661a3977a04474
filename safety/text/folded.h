/*
 * Folding: text as the eye reads it. Each character is decomposed (NFKD), loses its accent, becomes
 * the ASCII letter it looks like, or goes altogether if it cannot be seen (format characters,
 * fillers, controls; tag characters become the ASCII they spell); the digits of every script become
 * ASCII's. Character by character and without look-ahead, so that a stream folds as its pieces do;
 * case and white space stay.
 */
#ifndef SAFETY_FOLDED_H
#define SAFETY_FOLDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

/* Raw bytes that a folded byte came from. */
struct folded_at {
	uint32_t start;
	uint32_t end;
};

/* Folded text with the way back; zero-initialise, folded_fini. */
struct folded {
	char *text;
	struct folded_at *at;
	size_t len;
	size_t cap;
	bool failed; /* memory ran out */
};

void folded_fini(struct folded *f);
/* Forget the text, keep the memory. */
void folded_clear(struct folded *f);
/* Drop the first n folded bytes. */
void folded_consume(struct folded *f, size_t n);
/* Room for more bytes; false, and failed set, when memory is out. */
bool folded_room(struct folded *f, size_t more);

/* One byte as it is. */
static inline void folded_put(struct folded *f, char c, uint32_t start, uint32_t end)
{
	if (f->len == f->cap && !folded_room(f, 1))
		return;
	f->text[f->len] = c;
	f->at[f->len++] = (struct folded_at){ start, end };
}

/* Append all of another. */
void folded_append(struct folded *f, const struct folded *more);

/*
 * Append raw[0..len), which stands at raw offset `at` and is not cut inside a character unless that
 * is how it ends. Bytes that are not UTF-8 stay as they are.
 */
void folded_add(struct folded *f, const char *raw, size_t len, uint32_t at);

/* Append what one character folds to, all of it with these raw bytes. */
void folded_add_char(struct folded *f, uint32_t cp, uint32_t start, uint32_t end);

/* Whether raw folds to itself, byte for byte. Fast for ASCII. */
bool folded_is_plain(const char *raw, size_t len);

/* Whether the character is not seen, or only as an accent of the one before. */
bool folded_is_unseen(uint32_t cp);

#endif
