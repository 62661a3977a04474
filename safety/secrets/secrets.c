/* The kinds of secrets, and what only looks like one. */
#include "safety/secrets/secrets.h"

#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"

/* clang-format off */
const struct span_kind secret_token    = { "secret.token", "[secret removed]", 0, RAGD_ALLOW };
const struct span_kind secret_key      = { "secret.key", "[private key removed]", 0, RAGD_ALLOW };
const struct span_kind secret_password = { "secret.password", "[password removed]", 0, RAGD_ALLOW };
/* clang-format on */

static bool has_word(const char *s, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++) {
		size_t j = 0;

		while (j < n && ascii_to_lower(s[i + j]) == word[j])
			j++;
		if (j == n)
			return true;
	}
	return false;
}

bool secrets_is_placeholder(const char *s, size_t len)
{
	static const char *const words[] = { "example",     "your",  "redacted", "changeme",
					     "placeholder", "dummy", "xxxx",     "****",
					     "....",        "####",  "insert",   "replace",
					     "<",           "${",    "{{",       "$(",
					     "[",           "_here", "sample",   "todo" };
	size_t steps = 0, same = 0;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (has_word(s, len, words[i]))
			return true;
	/* 0123456789, abcdef, aaaaa */
	for (size_t i = 1; i < len; i++) {
		steps += s[i] == s[i - 1] + 1;
		same += s[i] == s[i - 1];
	}
	return len >= 6 && (steps * 2 > len || same * 2 > len);
}
