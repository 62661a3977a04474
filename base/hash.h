/* A hash of bytes for tables in memory and on disk. It does not resist maliciously chosen keys. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* 64 bits, the same on every machine: tables on disk depend on it. */
uint64_t hash_bytes(const char *s, size_t len);

#endif
