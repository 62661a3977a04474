/* UTF-8 by the Unicode standard, table 3-7: no overlong forms, no surrogates, up to U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The offset of the first byte that is not valid UTF-8, or -1 if all is. */
ssize_t utf8_invalid_at(const char *s, size_t len);

/* Length of the longest prefix of s[0..len) that does not end inside a character. */
size_t utf8_whole(const char *s, size_t len);

/*
 * Decode one character at s[0..len), len > 0. Returns the bytes it takes and sets *cp; for an
 * invalid byte 1 and U+FFFD.
 */
size_t utf8_next(const char *s, size_t len, uint32_t *cp);

/* Write cp to out (room for 4); returns the bytes written. cp must be a scalar value. */
size_t utf8_put(uint32_t cp, char *out);

/* Characters in s[0..len): what clients count citations in. Invalid bytes count as one each. */
size_t utf8_count(const char *s, size_t len);

#endif
