#include "retrieval/formats/html_tokens.h"

#include <string.h>
#include <strings.h>

#include "base/text/ascii.h"
#include "base/util.h"

/* ASCII white space of the HTML standard: no vertical tab. */
static bool is_html_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

void html_tokens_start(struct html_tokens *t, struct ragd_str source, size_t at)
{
	*t = (struct html_tokens){ .source = source, .at = at };
}

/* Behind the next `c` from `at` on, or the end. */
static size_t find_behind(const struct html_tokens *t, size_t at, char c)
{
	const char *s = t->source.s;
	const char *p = at < t->source.len ? memchr(s + at, c, t->source.len - at) : NULL;

	return p != NULL ? (size_t)(p - s) + 1 : t->source.len;
}

/* Behind a comment that begins with "<!--" at `at`. */
static size_t comment_end(const struct html_tokens *t, size_t at)
{
	const char *s = t->source.s, *p;
	size_t len = t->source.len;

	/* "<!-->" and "<!--->" are whole comments. */
	if (at + 4 < len && s[at + 4] == '>')
		return at + 5;
	if (at + 5 < len && s[at + 4] == '-' && s[at + 5] == '>')
		return at + 6;
	for (at += 4; at < len; at = (size_t)(p - s) + 1) {
		p = memchr(s + at, '>', len - at);
		if (p == NULL)
			break;
		if (p - (s + at) >= 2 && memcmp(p - 2, "--", 2) == 0)
			return (size_t)(p - s) + 1;
		if (p - (s + at) >= 3 && memcmp(p - 3, "--!", 3) == 0)
			return (size_t)(p - s) + 1;
	}
	return len;
}

/* Behind the '>' of a tag; `at` stands behind its name. Quoted values may hold a '>'. */
static size_t tag_end(const struct html_tokens *t, size_t at)
{
	const char *s = t->source.s;
	size_t len = t->source.len;

	while (at < len && s[at] != '>') {
		if (s[at] != '=') {
			at++;
			continue;
		}
		do
			at++;
		while (at < len && is_html_space(s[at]));
		if (at < len && (s[at] == '"' || s[at] == '\''))
			at = find_behind(t, at + 1, s[at]);
		else
			while (at < len && !is_html_space(s[at]) && s[at] != '>')
				at++;
	}
	return at < len ? at + 1 : len;
}

static size_t tag_name(const struct html_tokens *t, size_t at, char name[HTML_NAME_MAX])
{
	const char *s = t->source.s;
	size_t n = 0;

	for (; at < t->source.len && !is_html_space(s[at]) && s[at] != '/' && s[at] != '>'; at++)
		if (n + 1 < HTML_NAME_MAX)
			name[n++] = ascii_to_lower(s[at]);
	name[n] = '\0';
	return at;
}

/* Where the end tag of `name` begins, from t->at on; the end of the source if there is none. */
static size_t raw_end(const struct html_tokens *t, const char *name)
{
	const char *s = t->source.s, *p;
	size_t len = t->source.len, n = strlen(name);

	for (size_t at = t->at; at < len; at = (size_t)(p - s) + 1) {
		p = memchr(s + at, '<', len - at);
		if (p == NULL || (size_t)(s + len - p) < n + 2)
			break;
		if (p[1] == '/' && strncasecmp(p + 2, name, n) == 0 &&
		    (p + 2 + n == s + len || !ascii_is_alpha(p[2 + n])))
			return (size_t)(p - s);
	}
	return len;
}

static bool raw_next(struct html_tokens *t, struct html_token *token)
{
	size_t end = raw_end(t, t->raw);
	bool title = strcmp(t->raw, "title") == 0;

	memcpy(token->name, t->raw, sizeof(token->name));
	t->raw[0] = '\0';
	if (end == t->source.len && title) {
		t->endless_title = true; /* better some text with it than none at all */
		return false;
	}
	token->kind = HTML_RAW;
	token->start = t->at;
	token->end = end;
	t->at = end;
	return token->end > token->start;
}

static bool holds_raw(const struct html_tokens *t, const char *name)
{
	static const char *const names[] = { "script", "style",   "textarea", "xmp",
					     "iframe", "noembed", "noframes" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return strcmp(name, "title") == 0 && !t->endless_title;
}

/* At a '<': a tag, or something to pass over, or text after all. */
enum markup { MARKUP_TAG, MARKUP_SKIP, MARKUP_TEXT };

static enum markup markup_next(struct html_tokens *t, struct html_token *token)
{
	const char *s = t->source.s + t->at;
	size_t left = t->source.len - t->at;

	token->start = t->at;
	if (left >= 2 && ascii_is_alpha(s[1])) {
		token->kind = HTML_START;
		t->at = tag_end(t, tag_name(t, t->at + 1, token->name));
		if (holds_raw(t, token->name))
			memcpy(t->raw, token->name, sizeof(t->raw));
	} else if (left >= 3 && s[1] == '/' && ascii_is_alpha(s[2])) {
		token->kind = HTML_END;
		t->at = tag_end(t, tag_name(t, t->at + 2, token->name));
	} else if (left >= 4 && memcmp(s, "<!--", 4) == 0) {
		t->at = comment_end(t, t->at);
		return MARKUP_SKIP;
	} else if (left >= 3 && (s[1] == '!' || s[1] == '?' || s[1] == '/')) {
		t->at = find_behind(t, t->at + 2, '>');
		return MARKUP_SKIP;
	} else {
		return MARKUP_TEXT;
	}
	token->end = t->at;
	return MARKUP_TAG;
}

bool html_tokens_next(struct html_tokens *t, struct html_token *token)
{
	const char *s = t->source.s, *lt;
	size_t len = t->source.len, start;

	if (t->raw[0] != '\0' && raw_next(t, token))
		return true;
	while (t->at < len) {
		start = t->at;
		if (s[start] == '<') {
			enum markup m = markup_next(t, token);

			if (m == MARKUP_TAG)
				return true;
			if (m == MARKUP_SKIP)
				continue;
		}
		lt = start + 1 < len ? memchr(s + start + 1, '<', len - start - 1) : NULL;
		t->at = lt != NULL ? (size_t)(lt - s) : len;
		token->kind = HTML_TEXT;
		token->name[0] = '\0';
		token->start = start;
		token->end = t->at;
		return true;
	}
	return false;
}
