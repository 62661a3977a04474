/*
 * L-e-t-t-e-r-s set apart: four and more characters in a row that stand alone between one and the
 * same sign. Where the sign is a blank, two or three of them stand between words.
 */
#ifndef SAFETY_SPACED_H
#define SAFETY_SPACED_H

#include <stdbool.h>
#include <stddef.h>

#include "safety/text/reading.h"

/*
 * Move what is decided of r->shown to out, letters that are set apart joined; all of it at the end.
 */
void spaced_join(struct text_reading *r, bool end, struct folded *out);

/*
 * The same question asked of text without other decoration, byte by byte, and rather too often
 * answered with yes: three characters that stand alone are enough.
 */
struct spaced {
	char prev;                  /* the character before */
	char sep;                   /* the one before the word that goes on */
	size_t last;                /* where the last character is */
	size_t n_token;             /* characters since the last blank */
	size_t n_word;              /* of a word, just before */
	unsigned n_blank;           /* blanks just before */
	unsigned by_blank, by_sign; /* characters in a row that stood alone between them */
	size_t blank_first, sign_first;
};

void spaced_init(struct spaced *sp, char before);
/* A blank, a sign or another character of no word, whose first byte is c, at offset i. */
bool spaced_sees(struct spaced *sp, char c, size_t i);
/* n characters of a word, the last of which is at offset i and begins with c. */
void spaced_sees_word(struct spaced *sp, char c, size_t i, size_t n);
/* How much of the first len bytes cannot be a part of letters set apart any more. */
size_t spaced_tail(const struct spaced *sp, size_t len);

#endif
