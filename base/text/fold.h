/*
 * What Unicode says about characters beyond ASCII: which part of a word they belong to (UAX #29's
 * word break property) and how they fold (NFKC with case folding, digits of every script to ASCII).
 */
#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fold_class {
	FOLD_OTHER,      /* separates words */
	FOLD_LETTER,     /* of a script that puts spaces between words */
	FOLD_DIGIT,      /* also superscripts and subscripts: CO₂ is one word */
	FOLD_MARK,       /* belongs to the character before it */
	FOLD_APOSTROPHE, /* inside a word if letters stand on both sides */
	FOLD_PIECE,      /* of a script without spaces: Han, Kana, Hangul, Thai, … */
};

/* False if ICU's data is not there; call it before the others. Cheap after the first time. */
bool fold_ready(void);

enum fold_class fold_class(uint32_t cp);
bool fold_is_upper(uint32_t cp);

/* Fold s[0..len), valid UTF-8, into out; what does not fit is cut at a character. Returns bytes. */
size_t fold_text(const char *s, size_t len, char *out, size_t room);

#endif
