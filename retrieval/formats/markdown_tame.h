/*
 * A copy of Markdown that md4c reads safely and in time and memory linear in its length, whatever
 * it holds.
 *
 * What md4c makes of blocks is right and linear, but for lists nested thousands deep. Its reading
 * of what is inside them is neither safe nor linear on everything: 0.4.8 reads beyond the end of
 * the text after "[x](y", takes quadratic time where the titles or addresses of link definitions
 * never end, and keeps 24 bytes for each character that might be markup. Our parser needs none of
 * that. So in the copy, which has the same length, inline markup is plain, no link is defined and
 * nesting is bounded. Only structure is read off the copy; text is always taken from the original.
 */
#ifndef RETRIEVAL_MARKDOWN_TAME_H
#define RETRIEVAL_MARKDOWN_TAME_H

#include <stddef.h>

#include "retrieval/wanted.h"

/*
 * The copy, len bytes and line breaks beyond them, for free(); NULL when out of memory. Not to be
 * read if it was no longer `wanted`.
 */
char *markdown_tame(const char *s, size_t len, struct wanted *wanted);

#endif
