/*
 * The text that rules are matched against: folded, in lower case, with one blank for white space,
 * hyphens and underscores, and without the quotes and asterisks that only decorate words. And what
 * such text says behind a disguise.
 */
#ifndef SAFETY_PLAIN_H
#define SAFETY_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "safety/folded.h"
#include "safety/work.h"

/* A run of raw bytes longer than this is not one blank any more, and phrases do not reach over it. */
#define PLAIN_GAP_MAX 16

/*
 * Append the plain form of in->text[from .. in->len) to out, whose raw offsets it keeps. Whether a
 * blank is written depends on the last byte of out alone, so it may be called piece by piece.
 */
void plain_add(struct folded *out, const struct folded *in, size_t from);

/*
 * What a reader sees behind l-e-t-t-e-r-s set apart and d1g1ts for letters. False if there is no such
 * disguise in it; then out is left empty. Work that is stopped leaves out short.
 */
bool plain_undo(struct folded *out, const struct folded *in, struct work *work);

/*
 * What runs of base64 decode to, if that is text; with ROT13 named in the text, also the text rotated.
 * False if there is neither.
 */
bool plain_decode(struct folded *out, const struct folded *in, struct work *work);

#endif
