/* A hash of bytes for tables in memory and on disk. No defence against chosen keys. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* 64 bits, the same on every machine: the tables of an index are kept by them. */
uint64_t hash_bytes(const char *s, size_t len);

#endif
