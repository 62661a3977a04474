/* SHA-256 (FIPS 180-4) as hexadecimal text. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#define DIGEST_HEX 64

/* Writes 64 lower-case hexadecimal digits and a NUL. */
void digest_hex(const void *data, size_t len, char out[DIGEST_HEX + 1]);

#endif
