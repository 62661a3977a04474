#include "base/json_writer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/text/utf8.h"

void jsonw_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){ .out = out };
}

/* ---- structure ------------------------------------------------------------------------------ */

static bool in_object(const struct json_writer *w)
{
	return w->depth > 0 && (w->objects >> (w->depth - 1) & 1) != 0;
}

/* Before every value. */
static void value_begin(struct json_writer *w)
{
	assert(w->keyed == in_object(w));
	assert(w->depth > 0 || !w->comma); /* one value is all there is */
	if (w->comma)
		buf_addc(w->out, ',');
	w->comma = true;
	w->keyed = false;
}

static void nest_begin(struct json_writer *w, char mark, bool object)
{
	assert(w->depth < JSONW_DEPTH_MAX);
	value_begin(w);
	buf_addc(w->out, mark);
	w->objects = (w->objects & ~(UINT32_C(1) << w->depth)) | (uint32_t)object << w->depth;
	w->depth++;
	w->comma = false;
}

static void nest_end(struct json_writer *w, char mark)
{
	assert(w->depth > 0 && !w->keyed);
	w->depth--;
	buf_addc(w->out, mark);
	w->comma = true;
}

void jsonw_object_begin(struct json_writer *w)
{
	nest_begin(w, '{', true);
}

void jsonw_object_end(struct json_writer *w)
{
	assert(in_object(w));
	nest_end(w, '}');
}

void jsonw_array_begin(struct json_writer *w)
{
	nest_begin(w, '[', false);
}

void jsonw_array_end(struct json_writer *w)
{
	assert(!in_object(w));
	nest_end(w, ']');
}

void jsonw_key_piece(struct json_writer *w, const char *piece, size_t len)
{
	size_t skip = !w->comma;

	assert(in_object(w) && !w->keyed);
	buf_add(w->out, piece + skip, len - skip);
	w->comma = false;
	w->keyed = true;
}

/* ---- strings -------------------------------------------------------------------------------- */

/* What a byte needs within a string: nothing, an escape, or a look at the character it begins. */
enum { PLAIN, ESCAPE, LEAD };

static const unsigned char byte_kind[256] = {
	[0 ... 0x1f] = ESCAPE,
	['"'] = ESCAPE,
	['\\'] = ESCAPE,
	[0x80 ... 0xff] = LEAD,
};

static void escape_add(struct buf *b, unsigned char c)
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

/*
 * Whether all of eight bytes are plain; a borrow begins at a byte that is not, so none is missed.
 */
static bool plain_eight(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	return ((v | (v - 0x20 * ones) | ((v ^ '"' * ones) - ones) | ((v ^ '\\' * ones) - ones)) &
		0x80 * ones) == 0;
}

/* The end of the plain bytes from s[at] on. */
static size_t plain_end(const char *s, size_t at, size_t len)
{
	while (at + 8 <= len && plain_eight(s + at))
		at += 8;
	while (at < len && byte_kind[(unsigned char)s[at]] == PLAIN)
		at++;
	return at;
}

static void quoted_add(struct buf *b, const char *s, size_t len)
{
	size_t at = 0, from = 0, valid = 0; /* s[..valid) has no byte that is not UTF-8 */

	buf_addc(b, '"');
	while ((at = plain_end(s, at, len)) < len) {
		bool lead = byte_kind[(unsigned char)s[at]] == LEAD;

		if (lead && at >= valid) {
			ssize_t bad = utf8_invalid_at(s + at, len - at);

			valid = bad < 0 ? len : at + (size_t)bad;
		}
		if (lead && at < valid) {
			while (at < valid && (unsigned char)s[at] >= 0x80)
				at++;
			continue;
		}
		buf_add(b, s + from, at - from);
		if (lead)
			buf_add(b, "\xef\xbf\xbd", 3);
		else
			escape_add(b, (unsigned char)s[at]);
		from = ++at;
	}
	if (len > 0)
		buf_add(b, s + from, len - from);
	buf_addc(b, '"');
}

void jsonw_str(struct json_writer *w, struct ragd_str s)
{
	value_begin(w);
	quoted_add(w->out, s.s, s.len);
}

void jsonw_cstr(struct json_writer *w, const char *s)
{
	if (s == NULL)
		jsonw_null(w);
	else
		jsonw_str(w, (struct ragd_str){ s, strlen(s) });
}

void jsonw_key_str(struct json_writer *w, const char *key)
{
	assert(in_object(w) && !w->keyed);
	if (w->comma)
		buf_addc(w->out, ',');
	quoted_add(w->out, key, strlen(key));
	buf_addc(w->out, ':');
	w->comma = false;
	w->keyed = true;
}

void jsonw_base64(struct json_writer *w, const void *data, size_t len)
{
	jsonw_string_begin(w);
	base64_encode(w->out, data, len);
	jsonw_string_end(w);
}

void jsonw_string_begin(struct json_writer *w)
{
	value_begin(w);
	buf_addc(w->out, '"');
}

void jsonw_string_end(struct json_writer *w)
{
	buf_addc(w->out, '"');
}

void jsonw_raw(struct json_writer *w, struct ragd_str json)
{
	value_begin(w);
	buf_add(w->out, json.s, json.len);
}

/* ---- words and numbers ---------------------------------------------------------------------- */

void jsonw_null(struct json_writer *w)
{
	value_begin(w);
	buf_add(w->out, "null", 4);
}

void jsonw_bool(struct json_writer *w, bool v)
{
	value_begin(w);
	if (v)
		buf_add(w->out, "true", 4);
	else
		buf_add(w->out, "false", 5);
}

static void digits_add(struct buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_add(b, digits + at, sizeof(digits) - at);
}

void jsonw_uint(struct json_writer *w, uint64_t v)
{
	value_begin(w);
	digits_add(w->out, v);
}

void jsonw_int(struct json_writer *w, int64_t v)
{
	value_begin(w);
	if (v < 0)
		buf_addc(w->out, '-');
	digits_add(w->out, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* v / 10^decimals, without zeros at its end. */
static void fixed_add(struct buf *b, uint64_t v, int decimals)
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
	digits_add(b, v);
	if (n > 0)
		buf_addc(b, '.');
	while (n > 0)
		buf_addc(b, digits[--n]);
}

void jsonw_score(struct json_writer *w, double v)
{
	value_begin(w);
	if (!isfinite(v))
		v = 0;
	/* Scores are within 0 and 1, or of that order; a longer number is not one. */
	if (fabs(v) > 1e12)
		v = v < 0 ? -1e12 : 1e12;
	v = round(v * 1e4);
	if (v < 0) {
		buf_addc(w->out, '-');
		v = -v;
	}
	fixed_add(w->out, (uint64_t)v, 4);
}

/* As printf() has it; false if it looks like an integer. */
static bool printed_add(struct buf *b, double v, int digits)
{
	char text[40], *comma;

	snprintf(text, sizeof(text), "%.*g", digits, v);
	comma = strchr(text, ','); /* some locales' point */
	if (comma != NULL)
		*comma = '.';
	buf_adds(b, text);
	return text[strcspn(text, ".e")] != '\0';
}

void jsonw_double(struct json_writer *w, double v, int digits)
{
	value_begin(w);
	if (!printed_add(w->out, isfinite(v) ? v : 0, digits))
		buf_add(w->out, ".0", 2);
}

void jsonw_float(struct json_writer *w, float v)
{
	double a = fabs((double)v), scale = 1e8;
	int decimals = 8;

	value_begin(w);
	if (!isfinite(v) || v == 0) {
		buf_addc(w->out, '0');
		return;
	}
	if (a >= 10 || a < 1e-6) {
		printed_add(w->out, (double)v, 9);
		return;
	}
	/* Vectors are of length 1: nearly all of their floats come here, some ten times as fast. */
	while (a * scale < 1e8) {
		scale *= 10;
		decimals++;
	}
	if (v < 0)
		buf_addc(w->out, '-');
	fixed_add(w->out, (uint64_t)(a * scale + 0.5), decimals);
}
