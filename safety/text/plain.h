/*
 * The text that rules are matched against: folded, in lower case, with one blank for white space,
 * hyphens and underscores, and without the quotes and asterisks that only decorate words. And what
 * such text says behind a disguise.
 */
#ifndef SAFETY_PLAIN_H
#define SAFETY_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "safety/stream/stop_check.h"
#include "safety/text/folded.h"

/*
 * In answers white space of more raw bytes is not one blank any more; phrases do not reach over it.
 */
#define PLAIN_GAP_MAX 64

/*
 * Append the plain form of in to out, whose raw offsets it keeps; blanks over at most `gap` raw
 * bytes become one. Whether a blank is written depends on the last byte of out alone, so it may be
 * called piece by piece.
 */
void plain_add(struct folded *out, const struct folded *in, size_t gap);

/*
 * What a reader sees behind d1g1ts for letters. False if there are none; then out is left empty.
 * Work that is stopped leaves out short, here and below.
 */
bool plain_undo(struct folded *out, const struct folded *in, struct stop_check *stop);

/*
 * What runs of base64 and of hexadecimal numbers decode to, in one piece or in several, if that is
 * text; with ROT13 named in the text, also the text rotated. False if there is none of it.
 */
bool plain_decode(struct folded *out, const struct folded *in, struct stop_check *stop);

/* The text from its end to its start, if it has words that are written so; else false. */
bool plain_turn(struct folded *out, const struct folded *in, struct stop_check *stop);

#endif
