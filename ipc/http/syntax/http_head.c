#include "ipc/http/syntax/http_head.h"

#include <string.h>
#include <strings.h>

/* Digits of a length: few enough not to overflow. */
#define LENGTH_DIGITS 18

/* The characters of a method and of a field's name (RFC 9110, token). */
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

/* No controls but a tab. */
static bool is_text(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
			return false;
	return true;
}

/* METHOD SP target SP HTTP/1.x */
static enum http_head_result line_check(const char *s, size_t len)
{
	const char *end = s + len, *target = memchr(s, ' ', len), *version;

	if (target == NULL || !is_token(s, (size_t)(target - s)) || !is_text(s, len) ||
	    memchr(s, '\t', len) != NULL)
		return HTTP_HEAD_BAD;
	target++;
	version = memchr(target, ' ', (size_t)(end - target));
	if (version == NULL || version == target)
		return HTTP_HEAD_BAD;
	version++;
	if (end - version != 8 || memcmp(version, "HTTP/", 5) != 0)
		return HTTP_HEAD_BAD;
	if (memcmp(version + 5, "1.1", 3) != 0 && memcmp(version + 5, "1.0", 3) != 0)
		return HTTP_HEAD_VERSION;
	return HTTP_HEAD_OK;
}

/* name: value */
static enum http_head_result field_check(const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);

	if (colon == NULL || !is_token(s, (size_t)(colon - s)) || !is_text(s, len))
		return HTTP_HEAD_BAD;
	return HTTP_HEAD_OK;
}

enum http_head_result http_head_scan(struct http_head_scan *scan, const char *buf, size_t len,
				     size_t max)
{
	for (;;) {
		const char *s = buf + scan->line;
		const char *nl = memchr(buf + scan->seen, '\n', len - scan->seen);
		enum http_head_result result;
		size_t n;

		if (nl == NULL) {
			scan->seen = len;
			return len > max ? HTTP_HEAD_LARGE : HTTP_HEAD_MORE;
		}
		n = (size_t)(nl - s);
		scan->line = scan->seen = (size_t)(nl - buf) + 1;
		if (scan->line > max)
			return HTTP_HEAD_LARGE;
		if (n == 0 || s[n - 1] != '\r')
			return HTTP_HEAD_BAD;
		n--;
		if (n == 0 && scan->n_lines == 0) /* an empty line before a request is ignored */
			continue;
		if (n == 0) {
			scan->len = scan->line;
			return HTTP_HEAD_OK;
		}
		result = scan->n_lines == 0 ? line_check(s, n) : field_check(s, n);
		if (result != HTTP_HEAD_OK)
			return result;
		if (scan->n_lines++ > HTTP_FIELDS_MAX) /* not counting the first */
			return HTTP_HEAD_LARGE;
	}
}

/* ---- splitting ------------------------------------------------------------------------------ */

/* The line at *at without its end, NUL-terminated; *at goes behind it. */
static char *line_take(char *text, size_t *at)
{
	char *s = text + *at, *nl = strchr(s, '\r');

	*nl = '\0';
	*at = (size_t)(nl - text) + 2;
	return s;
}

static void field_split(char *line, struct http_field *out)
{
	char *value = strchr(line, ':'), *end;

	*value++ = '\0';
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	*out = (struct http_field){ line, value };
}

static bool length_read(const char *s, uint64_t *out)
{
	size_t len = strspn(s, "0123456789");

	*out = 0;
	if (len == 0 || len > LENGTH_DIGITS || s[len] != '\0')
		return false;
	for (; *s != '\0'; s++)
		*out = 10 * *out + (uint64_t)(*s - '0');
	return true;
}

/* Is word one of a list that commas separate? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list != '\0') {
		size_t n;

		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n == len && strncasecmp(list, word, len) == 0)
			return true;
		list += n;
	}
	return false;
}

/* What the fields say of the message itself. NULL, or what is wrong. */
static const char *fields_check(struct http_head *h)
{
	unsigned n_hosts = 0, n_lengths = 0, n_codings = 0;

	for (size_t i = 0; i < h->n_fields; i++) {
		const struct http_field *f = &h->field[i];

		if (strcasecmp(f->name, "Host") == 0) {
			n_hosts++;
		} else if (strcasecmp(f->name, "Content-Length") == 0) {
			n_lengths++;
			if (!length_read(f->value, &h->length))
				return "The request's Content-Length is not a number of bytes.";
		} else if (strcasecmp(f->name, "Transfer-Encoding") == 0) {
			n_codings++;
			h->chunked = strcasecmp(f->value, "chunked") == 0;
			h->coded = !h->chunked;
		} else if (strcasecmp(f->name, "Connection") == 0) {
			h->close |= has_word(f->value, "close");
		}
	}
	if (n_lengths + n_codings > 1)
		return "The request says more than once how long its body is.";
	if (n_codings > 0 && h->minor == 0)
		return "HTTP/1.0 has no Transfer-Encoding.";
	if (n_hosts > 1 || (n_hosts == 0 && h->minor > 0))
		return "A request has one Host.";
	return NULL;
}

enum http_head_result http_head_split(char *text, size_t len, struct http_head *out,
				      const char **why)
{
	size_t at = 0;
	char *line, *target, *version;

	text[len] = '\0';
	out->n_fields = 0;
	out->chunked = out->coded = false;
	out->length = 0;
	while (text[at] == '\r')
		at += 2;
	line = line_take(text, &at);
	target = strchr(line, ' ');
	*target++ = '\0';
	version = strchr(target, ' ');
	*version++ = '\0';
	out->method = line;
	out->target = target;
	out->minor = version[7] == '1';
	out->close = out->minor == 0;
	for (line = line_take(text, &at); *line != '\0'; line = line_take(text, &at))
		field_split(line, &out->field[out->n_fields++]);
	*why = fields_check(out);
	return *why == NULL ? HTTP_HEAD_OK : HTTP_HEAD_BAD;
}

const char *http_head_field(const struct http_head *head, const char *name)
{
	for (size_t i = 0; i < head->n_fields; i++)
		if (strcasecmp(head->field[i].name, name) == 0)
			return head->field[i].value;
	return NULL;
}
