#include "safety/scan.h"

#include <math.h>
#include <string.h>

#include "base/util.h"
#include "safety/chars.h"

static bool begins_with(const char *s, size_t len, const char *word, size_t n)
{
	if (len < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (to_lower(s[i]) != word[i])
			return false;
	return true;
}

bool scan_near(const char *s, size_t i, size_t back, const char *words)
{
	size_t lo = i > back ? i - back : 0;

	for (size_t p = lo; p < i; p++) {
		const char *w = words;

		if (!is_alpha(s[p]) || (p > 0 && is_alnum(s[p - 1])))
			continue;
		for (;;) {
			size_t n = strcspn(w, "|");

			if (begins_with(s + p, i - p, w, n))
				return true;
			if (w[n] == '\0')
				break;
			w += n + 1;
		}
	}
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
