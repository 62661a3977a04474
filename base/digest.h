/* SHA-256 (FIPS 180-4) as hexadecimal text. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>

#define DIGEST_HEX 64

/* Writes 64 lower-case hexadecimal digits and a NUL. */
void digest_hex(const void *data, size_t len, char out[DIGEST_HEX + 1]);

/* The same in pieces. */
struct digest;
struct digest *digest_new(void); /* NULL when out of memory */
void digest_add(struct digest *d, const void *data, size_t len);
/* The digest of what was added so far; more may be added only to a new one. */
void digest_end(struct digest *d, char out[DIGEST_HEX + 1]);
void digest_free(struct digest *d);

#endif
