#include "safety/stream/scan.h"

#include <math.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"

/* The next '|' or the end: too near for strchrnul to be worth its call. */
static const char *next_bar(const char *w)
{
	while (*w != '|' && *w != '\0')
		w++;
	return w;
}

/* Whether s[0..len) begins with one of the words, which '|' separates. */
static bool begins_with(const char *s, size_t len, const char *words)
{
	for (const char *w = words;; w++) {
		size_t n = 0;

		while (n < len && w[n] == ascii_to_lower(s[n]) && w[n] != '\0')
			n++;
		if (w[n] == '|' || w[n] == '\0')
			return true;
		w = next_bar(w + n);
		if (*w == '\0')
			return false;
	}
}

/* The first letters of the words, a bit each. */
static uint32_t initials_of(const char *words)
{
	uint32_t set = 0;

	for (const char *w = words;; w++) {
		set |= 1u << (*w & 31);
		w = next_bar(w);
		if (*w == '\0')
			return set;
	}
}

bool scan_near(const char *s, size_t i, size_t back, const char *words)
{
	uint32_t first = initials_of(words);

	for (size_t p = i > back ? i - back : 0; p < i; p++)
		if ((first >> (s[p] & 31) & 1) != 0 && ascii_is_alpha(s[p]) &&
		    (p == 0 || !ascii_is_alnum(s[p - 1])) && begins_with(s + p, i - p, words))
			return true;
	return false;
}

float scan_entropy(const char *s, size_t len)
{
	unsigned short count[256] = { 0 };
	float bits = 0;

	if (len == 0)
		return 0;
	for (size_t i = 0; i < len; i++)
		count[(unsigned char)s[i]]++;
	for (size_t i = 0; i < ARRAY_LEN(count); i++)
		if (count[i] > 0)
			bits -= (float)count[i] / (float)len * log2f((float)count[i] / (float)len);
	return bits;
}
