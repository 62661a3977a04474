/*
 * A copy of Markdown that md4c reads in time and memory linear in its length, whatever it holds.
 *
 * md4c is linear on nearly everything, but not on (measured with 0.4.8) link definitions whose title
 * or address never ends, and lists nested thousands deep; and it keeps 24 bytes for each character
 * that might be markup. So in the copy, which has the same length, no link is defined, nesting is
 * bounded, and where a paragraph has thousands of such characters the rest of them are plain. Only
 * the structure is read off the copy; text is always taken from the original.
 */
#ifndef RETRIEVAL_MARKDOWN_TAME_H
#define RETRIEVAL_MARKDOWN_TAME_H

#include <stddef.h>

/* tame[0 .. len) is the caller's. */
void markdown_tame(const char *s, size_t len, char *tame);

#endif
