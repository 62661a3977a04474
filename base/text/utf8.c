#include "base/text/utf8.h"

#include <string.h>

/*
 * Bytes of the valid character at s[0..len), 0 if there is none. *cut is set if what is there could
 * become valid with more bytes.
 */
static size_t char_len(const unsigned char *s, size_t len, int *cut)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t need;

	*cut = 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	need = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	/* The second byte has a narrower range after these leads (table 3-7). */
	switch (s[0]) {
	case 0xe0:
		lo = 0xa0;
		break;
	case 0xed:
		hi = 0x9f;
		break;
	case 0xf0:
		lo = 0x90;
		break;
	case 0xf4:
		hi = 0x8f;
		break;
	default:
		break;
	}
	for (size_t i = 1; i < need; i++) {
		if (i == len) {
			*cut = 1;
			return 0;
		}
		if (s[i] < lo || s[i] > hi)
			return 0;
		lo = 0x80;
		hi = 0xbf;
	}
	return need;
}

ssize_t utf8_invalid_at(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0, n;
	uint64_t eight;
	int cut;

	while (i < len) {
		/* Most text is ASCII: take eight bytes at a time. */
		while (i + 8 <= len) {
			memcpy(&eight, p + i, 8);
			if (eight & UINT64_C(0x8080808080808080))
				break;
			i += 8;
		}
		if (i == len)
			break;
		n = char_len(p + i, len - i, &cut);
		if (n == 0)
			return (ssize_t)i;
		i += n;
	}
	return -1;
}

size_t utf8_whole(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	int cut;

	/* A cut character has at most three bytes. */
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		if (p[len - back] < 0x80)
			break;
		if (p[len - back] >= 0xc0) {
			char_len(p + len - back, back, &cut);
			return cut ? len - back : len;
		}
	}
	return len;
}

size_t utf8_next(const char *s, size_t len, uint32_t *cp)
{
	const unsigned char *p = (const unsigned char *)s;
	int cut;
	size_t n = char_len(p, len, &cut);

	switch (n) {
	case 1:
		*cp = p[0];
		return 1;
	case 2:
		*cp = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
		return 2;
	case 3:
		*cp = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
		return 3;
	case 4:
		*cp = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
		      (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
		return 4;
	default:
		*cp = 0xfffd;
		return 1;
	}
}

size_t utf8_put(uint32_t cp, char *out)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

size_t utf8_count(const char *s, size_t len)
{
	size_t n = 0;
	uint32_t cp;

	for (size_t i = 0; i < len; n++)
		i += utf8_next(s + i, len - i, &cp);
	return n;
}
