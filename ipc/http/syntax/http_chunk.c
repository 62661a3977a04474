#include "ipc/http/syntax/http_chunk.h"

#include <stdbool.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/util.h"

/* Hexadecimal digits of a size: few enough not to overflow. */
#define SIZE_DIGITS 15
#define TRAILER_MAX 4096

/* size [ ; extension ]: extensions mean nothing to us, but must be text. */
static bool size_read(const char *s, size_t len, uint64_t *out)
{
	size_t n = 0;

	*out = 0;
	while (n < len && ascii_hex_value(s[n]) >= 0)
		*out = *out << 4 | (uint64_t)ascii_hex_value(s[n++]);
	if (n == 0 || n > SIZE_DIGITS)
		return false;
	while (n < len && (s[n] == ' ' || s[n] == '\t'))
		n++;
	if (n < len && s[n] != ';')
		return false;
	for (; n < len; n++)
		if ((unsigned char)s[n] < 0x20 && s[n] != '\t')
			return false;
	return true;
}

/* A whole line without its end. */
static enum http_chunk_result line_take(struct http_chunks *c, size_t len)
{
	switch (c->state) {
	case HTTP_CHUNK_SIZE:
		if (!size_read(c->line, len, &c->left))
			return HTTP_CHUNK_BAD;
		c->state = c->left > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILER;
		return HTTP_CHUNK_MORE;
	case HTTP_CHUNK_DATA_END:
		c->state = HTTP_CHUNK_SIZE;
		return len == 0 ? HTTP_CHUNK_MORE : HTTP_CHUNK_BAD;
	default:
		if (len == 0)
			return HTTP_CHUNK_END;
		c->n_trailer += len;
		return c->n_trailer <= TRAILER_MAX && memchr(c->line, ':', len) != NULL
			       ? HTTP_CHUNK_MORE
			       : HTTP_CHUNK_BAD;
	}
}

enum http_chunk_result http_chunk_take(struct http_chunks *c, const char *data, size_t len,
				       size_t *used, size_t *piece)
{
	size_t at = 0;

	while (at < len) {
		enum http_chunk_result result;

		if (c->state == HTTP_CHUNK_DATA) {
			*piece = (size_t)MIN(c->left, len - at);
			*used = at + *piece;
			c->left -= *piece;
			if (c->left == 0)
				c->state = HTTP_CHUNK_DATA_END;
			return HTTP_CHUNK_PIECE;
		}
		if (c->n_line == sizeof(c->line))
			return HTTP_CHUNK_BAD;
		c->line[c->n_line++] = data[at++];
		/* What can be no line is told at once, not when it ends: it may never. */
		if (c->n_line == 1 &&
		    ((c->state == HTTP_CHUNK_SIZE && ascii_hex_value(c->line[0]) < 0) ||
		     (c->state == HTTP_CHUNK_DATA_END && c->line[0] != '\r')))
			return HTTP_CHUNK_BAD;
		if (c->line[c->n_line - 1] != '\n')
			continue;
		if (c->n_line < 2 || c->line[c->n_line - 2] != '\r')
			return HTTP_CHUNK_BAD;
		result = line_take(c, c->n_line - 2);
		c->n_line = 0;
		*used = at;
		if (result != HTTP_CHUNK_MORE || c->state == HTTP_CHUNK_DATA)
			return result;
	}
	*used = len;
	return HTTP_CHUNK_MORE;
}
