/*
 * Bytes as text: hexadecimal, the percent-encoding of URLs (RFC 3986, section 2) and base64
 * (RFC 4648, section 4: the standard alphabet, with padding).
 */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

#include "base/buf.h"

/* Two lower-case digits for each byte, and a NUL: out has 2 * len + 1 bytes. */
void hex_encode(const void *data, size_t len, char *out);

/* Append s as one segment of a URL: all but the unreserved characters as %XX. */
void percent_encode(struct buf *b, struct ragd_str s);

/* 0 to 63 for a digit of the alphabet, -1 for anything else, '=' included. */
int base64_digit_value(char c);
void base64_encode(struct buf *b, const void *data, size_t len);
/*
 * Decode s[0..len) to out[0..*n), which has at least len / 4 * 3 bytes. False, with nothing written
 * to *n, if it is not base64: a line break or a blank, padding missing or too much, or bits left
 * over that are not 0 (so that each content has only one encoding).
 */
bool base64_decode(const char *s, size_t len, unsigned char *out, size_t *n);

#endif
