#include "ipc/http_priv.h"

#include <string.h>

/* The characters of a method and of a header's name (RFC 9110, token). */
static bool is_token(const char *s, size_t len)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c >= '0' && c <= '9') || (c != '\0' && strchr(others, c) != NULL);

		if (!ok)
			return false;
	}
	return len > 0;
}

/* METHOD SP target SP HTTP/1.x */
static enum http_head line_judge(const char *s, size_t len)
{
	const char *end = s + len, *target = memchr(s, ' ', len), *version;

	if (target == NULL || !is_token(s, (size_t)(target - s)))
		return HTTP_HEAD_BAD;
	target++;
	version = memchr(target, ' ', (size_t)(end - target));
	if (version == NULL || version == target || memchr(s, '\0', len) != NULL)
		return HTTP_HEAD_BAD;
	version++;
	if (end - version != 8 || memcmp(version, "HTTP/", 5) != 0)
		return HTTP_HEAD_BAD;
	if (memcmp(version + 5, "1.1", 3) != 0 && memcmp(version + 5, "1.0", 3) != 0)
		return HTTP_HEAD_VERSION;
	return HTTP_HEAD_OK;
}

static bool name_is(const char *s, size_t len, const char *name)
{
	return len == strlen(name) && strncasecmp(s, name, len) == 0;
}

/* A number of bytes: nothing but digits, few enough not to overflow. */
static bool is_length(const char *s, size_t len)
{
	while (len > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	for (size_t i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return len > 0 && len <= 18;
}

/* name: value; folded lines were never sent by anyone who means well. */
static enum http_head header_judge(const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);

	if (colon == NULL || !is_token(s, (size_t)(colon - s)) || memchr(s, '\0', len) != NULL)
		return HTTP_HEAD_BAD;
	if (name_is(s, (size_t)(colon - s), "Content-Length") &&
	    !is_length(colon + 1, len - (size_t)(colon + 1 - s)))
		return HTTP_HEAD_BAD;
	return HTTP_HEAD_OK;
}

enum http_head http_head_judge(const char *buf, size_t len, size_t max)
{
	size_t at = 0, n_lines = 0;

	for (;;) {
		const char *s = buf + at, *nl = memchr(s, '\n', len - at);
		size_t n;
		enum http_head judged;

		if (nl == NULL)
			break;
		at += (size_t)(nl - s) + 1;
		n = (size_t)(nl - s);
		if (n > 0 && s[n - 1] == '\r')
			n--;
		if (n == 0 && n_lines == 0) /* an empty line before a request is to be ignored */
			continue;
		if (n == 0)
			return at <= max ? HTTP_HEAD_OK : HTTP_HEAD_LARGE;
		judged = n_lines == 0 ? line_judge(s, n) : header_judge(s, n);
		if (judged != HTTP_HEAD_OK)
			return judged;
		if (n_lines++ > HTTP_HEADERS_MAX) /* beside the first */
			return HTTP_HEAD_LARGE;
	}
	return len > max ? HTTP_HEAD_LARGE : HTTP_HEAD_OK;
}
