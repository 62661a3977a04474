#include "ipc/codec/json_write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/utf8.h"

/* What a byte needs within a string: nothing, an escape, or a look at the character it begins. */
enum { PLAIN, ESCAPE, LEAD };

static const unsigned char kind[256] = {
	[0 ... 0x1f] = ESCAPE,
	['"'] = ESCAPE,
	['\\'] = ESCAPE,
	[0x80 ... 0xff] = LEAD,
};

static void escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char u[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	switch (c) {
	case '"':
		buf_add(b, "\\\"", 2);
		break;
	case '\\':
		buf_add(b, "\\\\", 2);
		break;
	case '\n':
		buf_add(b, "\\n", 2);
		break;
	case '\r':
		buf_add(b, "\\r", 2);
		break;
	case '\t':
		buf_add(b, "\\t", 2);
		break;
	default:
		buf_add(b, u, sizeof(u));
		break;
	}
}

void json_write_text(struct buf *b, const char *s, size_t len)
{
	size_t at = 0, from = 0;

	buf_addc(b, '"');
	while (at < len) {
		unsigned char c = (unsigned char)s[at];
		uint32_t cp;
		size_t n;

		if (kind[c] == PLAIN) {
			at++;
			continue;
		}
		if (kind[c] == LEAD) {
			n = utf8_next(s + at, len - at, &cp);
			if (n > 1) {
				at += n;
				continue;
			}
		}
		buf_add(b, s + from, at - from);
		if (kind[c] == LEAD)
			buf_add(b, "\xef\xbf\xbd", 3);
		else
			escape(b, c);
		from = ++at;
	}
	if (len > 0)
		buf_add(b, s + from, at - from);
	buf_addc(b, '"');
}

void json_write_str(struct buf *b, struct ragd_str s)
{
	json_write_text(b, s.s, s.len);
}

void json_write_cstr(struct buf *b, const char *s)
{
	if (s == NULL)
		buf_add(b, "null", 4);
	else
		json_write_text(b, s, strlen(s));
}

void json_write_bool(struct buf *b, bool v)
{
	if (v)
		buf_add(b, "true", 4);
	else
		buf_add(b, "false", 5);
}

void json_write_uint(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, digits + at, sizeof(digits) - at);
}

void json_write_int(struct buf *b, int64_t v)
{
	if (v < 0)
		buf_addc(b, '-');
	json_write_uint(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* v / 10^decimals, without zeros at its end. */
static void fixed(struct buf *b, uint64_t v, int decimals)
{
	char digits[32];
	int n = 0;

	while (decimals > 0 && v % 10 == 0) {
		v /= 10;
		decimals--;
	}
	for (; decimals > 0; decimals--) {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	}
	json_write_uint(b, v);
	if (n > 0)
		buf_addc(b, '.');
	while (n > 0)
		buf_addc(b, digits[--n]);
}

void json_write_score(struct buf *b, double v)
{
	if (!isfinite(v))
		v = 0;
	/* Scores are within 0 and 1, or of that order; a longer number is not one. */
	if (fabs(v) > 1e12)
		v = v < 0 ? -1e12 : 1e12;
	v = round(v * 1e4);
	if (v < 0) {
		buf_addc(b, '-');
		v = -v;
	}
	fixed(b, (uint64_t)v, 4);
}

void json_write_float(struct buf *b, float v)
{
	double a = fabs((double)v), scale = 1e8;
	char text[32], *comma;
	int decimals = 8;

	if (!isfinite(v) || v == 0) {
		buf_addc(b, '0');
		return;
	}
	/* Vectors are of length 1: nearly all of their floats are here. */
	if (a < 10 && a >= 1e-6) {
		while (a * scale < 1e8) {
			scale *= 10;
			decimals++;
		}
		if (v < 0)
			buf_addc(b, '-');
		fixed(b, (uint64_t)(a * scale + 0.5), decimals);
		return;
	}
	snprintf(text, sizeof(text), "%.9g", (double)v);
	comma = strchr(text, ','); /* some locales' point */
	if (comma != NULL)
		*comma = '.';
	buf_adds(b, text);
}

/* ---- base64 (RFC 4648, section 4) ----------------------------------------------------------- */

static const char base64_digit[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void json_write_base64(struct buf *b, const void *data, size_t len)
{
	const unsigned char *p = data;
	char four[4];

	buf_addc(b, '"');
	for (; len > 0; p += 3) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)(len > 1 ? p[1] : 0) << 8 |
			     (len > 2 ? p[2] : 0);

		four[0] = base64_digit[v >> 18];
		four[1] = base64_digit[v >> 12 & 63];
		four[2] = len > 1 ? base64_digit[v >> 6 & 63] : '=';
		four[3] = len > 2 ? base64_digit[v & 63] : '=';
		buf_add(b, four, 4);
		len -= len > 3 ? 3 : len;
	}
	buf_addc(b, '"');
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
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
		int d = base64_value(s[i]);

		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
		if (i % 4 == 3) {
			out[to++] = (unsigned char)(v >> 16);
			out[to++] = (unsigned char)(v >> 8);
			out[to++] = (unsigned char)v;
			v = 0;
		}
	}
	/* Bits beyond the last byte must be 0, so that one text stands for one content. */
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
