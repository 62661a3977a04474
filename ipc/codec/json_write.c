#include "ipc/codec/json_write.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
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

void json_write_base64(struct buf *b, const void *data, size_t len)
{
	buf_addc(b, '"');
	base64_encode(b, data, len);
	buf_addc(b, '"');
}
