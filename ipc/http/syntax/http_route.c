#include "ipc/http/syntax/http_route.h"

#include <stdio.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/text/utf8.h"

enum http_match http_unescape(char *s, size_t *len)
{
	size_t from = 0, to = 0;

	while (from < *len) {
		char c = s[from++];

		if (c == '%') {
			int hi = from < *len ? ascii_hex_value(s[from]) : -1;
			int lo = from + 1 < *len ? ascii_hex_value(s[from + 1]) : -1;

			if (hi < 0 || lo < 0)
				return HTTP_MATCH_BAD_ESCAPE;
			c = (char)(hi << 4 | lo);
			from += 2;
		}
		if (c == '\0')
			return HTTP_MATCH_BAD_ESCAPE;
		s[to++] = c;
	}
	*len = to;
	return utf8_invalid_at(s, to) < 0 ? HTTP_MATCH : HTTP_MATCH_BAD_UTF8;
}

enum http_match http_query_decode(char *s, size_t *len)
{
	for (size_t i = 0; i < *len; i++)
		if (s[i] == '+')
			s[i] = ' ';
	return http_unescape(s, len);
}

/* Segments of path[1 ..), decoded; -1 if there are too many, otherwise their number. */
static int path_split(const char *path, char *scratch, struct ragd_str *segment,
		      enum http_match *bad)
{
	int n = 0;

	for (const char *p = path + 1;; p++) {
		size_t len = strcspn(p, "/");

		if (n == HTTP_SEGMENTS_MAX)
			return -1;
		memcpy(scratch, p, len);
		segment[n].s = scratch;
		segment[n].len = len;
		*bad = http_unescape(scratch, &segment[n].len);
		if (*bad != HTTP_MATCH)
			return -1;
		scratch[segment[n++].len] = '\0';
		scratch += len + 1;
		p += len;
		if (*p == '\0')
			return n;
	}
}

/* Does pattern fit the segments? Fills out->param. */
static bool pattern_fits(const char *pattern, const struct ragd_str *segment, int n,
			 struct http_matched *out)
{
	const char *p = pattern;

	out->n_params = 0;
	for (int i = 0; i < n; i++) {
		size_t len;

		if (*p++ != '/')
			return false;
		len = strcspn(p, "/");
		if (len == 2 && p[0] == '{' && p[1] == '}') {
			if (segment[i].len == 0 || out->n_params == HTTP_PARAM_MAX)
				return false;
			out->param[out->n_params++] = segment[i];
		} else if (len != segment[i].len || memcmp(p, segment[i].s, len) != 0) {
			return false;
		}
		p += len;
	}
	return *p == '\0';
}

static void allow_add(struct http_matched *out, const char *method)
{
	size_t len = strlen(out->allow);

	snprintf(out->allow + len, sizeof(out->allow) - len, "%s%s%s", len > 0 ? ", " : "", method,
		 strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

enum http_match http_route_match(const struct http_route *const *routes, const char *method,
				 const char *path, char *scratch, struct http_matched *out)
{
	struct ragd_str segment[HTTP_SEGMENTS_MAX];
	enum http_match bad = HTTP_MATCH;
	int n;

	memset(out, 0, sizeof(*out));
	if (path[0] != '/')
		return HTTP_MATCH_NO_PATH;
	n = path_split(path, scratch, segment, &bad);
	if (n < 0)
		return bad != HTTP_MATCH ? bad : HTTP_MATCH_NO_PATH;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (; *routes != NULL; routes++) {
		for (const struct http_route *r = *routes; r->method != NULL; r++) {
			if (!pattern_fits(r->pattern, segment, n, out))
				continue;
			if (strcmp(r->method, method) == 0) {
				out->route = r;
				return HTTP_MATCH;
			}
			allow_add(out, r->method);
		}
	}
	return out->allow[0] != '\0' ? HTTP_MATCH_NO_METHOD : HTTP_MATCH_NO_PATH;
}
