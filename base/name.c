#include "base/name.h"

#include <string.h>

#define IDENTIFIER_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_"
#define COLLECTION_CHARS IDENTIFIER_CHARS ".-"

/* All of s[0..len) is of `chars`; it need not be NUL-terminated. */
static bool is_of(const char *s, size_t len, const char *chars)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] == '\0' || strchr(chars, s[i]) == NULL)
			return false;
	return len > 0 && len <= NAME_LEN_MAX;
}

bool name_is_identifier(const char *s, size_t len)
{
	return is_of(s, len, IDENTIFIER_CHARS) && s[0] >= 'a' && s[0] <= 'z';
}

bool name_is_collection(const char *s, size_t len)
{
	return is_of(s, len, COLLECTION_CHARS) && strchr("._-", s[0]) == NULL;
}
