/* Escapes of troff: "\-", "\fB", "\(bu", "\[u20AC]". */
#ifndef RETRIEVAL_ROFF_ESCAPE_H
#define RETRIEVAL_ROFF_ESCAPE_H

#include <stddef.h>

#define ROFF_ESCAPE_UTF8_MAX 4

/*
 * Read the escape at s[0..len), s[0] == '\\', len > 0. Returns the bytes it takes, at least 1, and
 * sets utf8[0 .. *n) to the character that it prints; *n is 0 for those that print nothing.
 */
size_t roff_escape(const char *s, size_t len, char utf8[ROFF_ESCAPE_UTF8_MAX], size_t *n);

#endif
