#include "base/hash.h"

#include <endian.h>
#include <string.h>

uint64_t hash_bytes(const char *s, size_t len)
{
	const uint64_t mul = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t h = len * mul, eight;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&eight, s, 8);
		h = (h ^ le64toh(eight)) * mul;
		h ^= h >> 32;
	}
	eight = 0;
	for (size_t i = 0; i < len; i++)
		eight |= (uint64_t)(unsigned char)s[i] << (8 * i);
	h = (h ^ eight) * mul;
	h ^= h >> 29;
	h *= UINT64_C(0xbf58476d1ce4e5b9);
	return h ^ h >> 32;
}
