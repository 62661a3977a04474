#include "base/encode.h"

#include <stdint.h>

#include "base/text/ascii.h"
#include "base/util.h"

/* ---- hexadecimal, percent ------------------------------------------------------------------- */

void hex_encode(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
}

static bool is_unreserved(unsigned char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void percent_encode(struct buf *b, struct ragd_str s)
{
	static const char digits[] = "0123456789ABCDEF"; /* the case that RFC 3986 asks for */

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];
		char escaped[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (is_unreserved(c))
			buf_addc(b, (char)c);
		else
			buf_add(b, escaped, sizeof(escaped));
	}
}

/* ---- base64 --------------------------------------------------------------------------------- */

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *b, const void *data, size_t len)
{
	const unsigned char *p = data;
	char piece[256]; /* appended whole: base64 of a document is millions of digits */
	size_t n = 0;

	while (len > 0) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)(len > 1 ? p[1] : 0) << 8 |
			     (len > 2 ? p[2] : 0);

		piece[n] = base64_digits[v >> 18];
		piece[n + 1] = base64_digits[v >> 12 & 63];
		piece[n + 2] = len > 1 ? base64_digits[v >> 6 & 63] : '=';
		piece[n + 3] = len > 2 ? base64_digits[v & 63] : '=';
		n += 4;
		p += MIN(len, (size_t)3);
		len -= MIN(len, (size_t)3);
		if (n == sizeof(piece) || len == 0) {
			buf_add(b, piece, n);
			n = 0;
		}
	}
}

int base64_digit_value(char c)
{
	if (ascii_is_upper(c))
		return c - 'A';
	if (ascii_is_lower(c))
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(const char *s, size_t len, unsigned char *out, size_t *n)
{
	size_t digits = len, to = 0;
	uint32_t v = 0;

	if (len % 4 != 0)
		return false;
	while (digits > 0 && len - digits < 2 && s[digits - 1] == '=')
		digits--;
	for (size_t i = 0; i < digits; i++) {
		int value = base64_digit_value(s[i]);

		if (value < 0)
			return false;
		v = v << 6 | (uint32_t)value;
		if (i % 4 == 3) {
			out[to++] = (unsigned char)(v >> 16);
			out[to++] = (unsigned char)(v >> 8);
			out[to++] = (unsigned char)v;
			v = 0;
		}
	}
	if (digits % 4 == 3) {
		if ((v & 3) != 0)
			return false;
		out[to++] = (unsigned char)(v >> 10);
		out[to++] = (unsigned char)(v >> 2);
	} else if (digits % 4 == 2) {
		if ((v & 15) != 0)
			return false;
		out[to++] = (unsigned char)(v >> 4);
	}
	*n = to;
	return true;
}
