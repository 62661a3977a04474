#include "safety/text/plain.h"

#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"

#define BASE64_MIN    24
#define BASE64_PIECES 12 /* characters of several pieces that look like it */
#define HEX_MIN       8  /* bytes */

static bool is_blank(char c)
{
	return ascii_is_space(c) || c == '-' || c == '_';
}

void plain_add(struct folded *out, const struct folded *in, size_t gap)
{
	for (size_t i = 0; i < in->len; i++) {
		char c = in->text[i];
		const struct folded_at *last = out->len > 0 ? &out->at[out->len - 1] : NULL;
		bool decor = c == '"' || c == '*' || c == '`';
		/* Between the cells of a table, and before the first. */
		bool cell = c == '|' && (last == NULL || out->text[out->len - 1] == ' ');

		if (decor || cell || is_blank(c)) {
			if (last != NULL && (decor || out->text[out->len - 1] == ' ') &&
			    in->at[i].end <= last->start + gap)
				continue;
			c = ' ';
		}
		folded_put(out, ascii_to_lower(c), in->at[i].start, in->at[i].end);
	}
}

/* The letter that stands behind a digit or sign within a word; 0 for none. */
static char unleet_char(char c)
{
	switch (c) {
	case '0':
		return 'o';
	case '1':
	case '!':
		return 'i';
	case '3':
		return 'e';
	case '4':
	case '@':
		return 'a';
	case '5':
	case '$':
		return 's';
	case '7':
		return 't';
	default:
		return 0;
	}
}

/* The end of a word from s[i] on that has letters, and signs that stand for letters; i if none. */
static size_t leet_end(const char *s, size_t len, size_t i)
{
	size_t p = i, n_letters = 0, n_signs = 0;

	if (i > 0 && (ascii_is_alnum(s[i - 1]) || unleet_char(s[i - 1])))
		return i;
	for (; p < len && (ascii_is_alnum(s[p]) || unleet_char(s[p])); p++) {
		n_letters += ascii_is_alpha(s[p]);
		n_signs += unleet_char(s[p]) != 0;
	}
	/* "Stop!" ends in a sign of its own right. */
	while (p > i && s[p - 1] == '!') {
		p--;
		n_signs--;
	}
	return n_letters >= 1 && n_signs >= 1 && p - i >= 2 && n_letters + n_signs == p - i ? p : i;
}

bool plain_undo(struct folded *out, const struct folded *in, struct stop_check *stop)
{
	struct folded seen = { 0 };
	bool found = false;
	size_t i = 0, end;

	while (i < in->len && stop_check_step(stop, 1) && leet_end(in->text, in->len, i) == i)
		i++;
	if (i == in->len)
		return false;
	for (i = 0; i < in->len && stop_check_step(stop, 1);) {
		end = leet_end(in->text, in->len, i);
		found = found || end > i;
		for (; i < end; i++) {
			char c = unleet_char(in->text[i]);

			folded_put(&seen, c != 0 ? c : in->text[i], in->at[i].start, in->at[i].end);
		}
		if (i < in->len) {
			folded_put(&seen, in->text[i], in->at[i].start, in->at[i].end);
			i++;
		}
	}
	plain_add(out, &seen, PLAIN_GAP_MAX);
	out->failed = out->failed || seen.failed;
	folded_fini(&seen);
	return found;
}

static bool is_base64(char c)
{
	return ascii_is_alnum(c) || c == '+' || c == '-' || c == '/' || c == '_';
}

/* Of either alphabet of RFC 4648, the standard one or that of URLs. */
static int base64_value(char c)
{
	return c == '-' ? 62 : c == '_' ? 63 : base64_digit_value(c);
}

/* Keep what was decoded from `before` on, as a text of its own; not if it is none. */
static bool keep_text(struct folded *out, size_t before, uint32_t start, uint32_t end)
{
	size_t n_odd = 0, n;
	uint32_t cp;

	for (size_t j = before; j < out->len; j += n) {
		n = utf8_next(out->text + j, out->len - j, &cp);
		n_odd += (cp < 0x20 && !ascii_is_space((char)cp)) || cp == 0x7f ||
			 (n == 1 && cp >= 0x80);
	}
	if (n_odd * 20 <= out->len - before) {
		folded_put(out, '\n', start, end);
		return true;
	}
	out->len = before;
	return false;
}

/* Decode in[i .. end): digits of base64, and what stands between pieces. */
static bool decode_base64(struct folded *out, const struct folded *in, size_t i, size_t end)
{
	uint32_t start = in->at[i].start, stop = in->at[end - 1].end;
	size_t before = out->len;
	unsigned bits = 0, n_bits = 0;

	for (; i < end; i++) {
		int value = base64_value(in->text[i]);

		/* A plus sign between pieces. */
		if (value == 62 && i > 0 && i + 1 < end && ascii_is_space(in->text[i - 1]) &&
		    ascii_is_space(in->text[i + 1]))
			continue;
		if (in->text[i] == '=')
			n_bits = 0; /* the next piece begins afresh */
		if (value < 0)
			continue;
		bits = bits << 6 | (unsigned)value;
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		folded_put(out, (char)(bits >> n_bits & 0xff), start, stop);
	}
	return keep_text(out, before, start, stop);
}

/* A capital after a small letter, or a digit within, as words do not have them. */
static bool looks_encoded(const char *s, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if ((ascii_is_lower(s[i - 1]) && ascii_is_upper(s[i])) ||
		    (ascii_is_alpha(s[i - 1]) && ascii_is_digit(s[i])) ||
		    (i > 1 && ascii_is_upper(s[i - 2]) && ascii_is_upper(s[i - 1]) &&
		     ascii_is_lower(s[i])))
			return true;
	return false;
}

static size_t base64_end(const struct folded *in, size_t i)
{
	while (i < in->len && is_base64(in->text[i]))
		i++;
	return i;
}

/*
 * From i on, where a piece ends at `end`: the end of the last piece of those that belong together.
 */
static size_t pieces_end(const struct folded *in, size_t i, size_t end)
{
	size_t p = end, q;

	if (end - i < 4 || !looks_encoded(in->text + i, end - i))
		return end;
	for (;;) {
		while (p < in->len && p - end < 6 && !ascii_is_word(in->text[p]))
			p++;
		q = base64_end(in, p);
		if (q - p < 4 || !looks_encoded(in->text + p, q - p))
			return end;
		end = p = q;
	}
}

/* A byte in hexadecimal at i, after "\x", "0x", "%" or nothing: where it ends; i if it is none. */
static size_t hex_byte(const struct folded *in, size_t i)
{
	const char *s = in->text;
	size_t p = i;

	if (p + 4 <= in->len && (s[p] == '\\' || s[p] == '0') && ascii_to_lower(s[p + 1]) == 'x')
		p += 2;
	else if (p < in->len && s[p] == '%')
		p++;
	return p + 2 <= in->len && ascii_is_hex(s[p]) && ascii_is_hex(s[p + 1]) ? p + 2 : i;
}

/* Decode a run of such bytes from i on, with at most two signs between them. Returns its end. */
static size_t decode_hex(struct folded *out, const struct folded *in, size_t i, bool *found)
{
	size_t before = out->len, p = i, end = i, n = 0;
	uint32_t start = in->at[i].start, stop;

	if (i > 0 && ascii_is_alnum(in->text[i - 1]))
		return i;
	for (;;) {
		size_t q = hex_byte(in, p);

		if (q == p)
			break;
		end = p = q;
		n++;
		folded_put(out,
			   (char)(ascii_hex_value(in->text[q - 2]) * 16 +
				  ascii_hex_value(in->text[q - 1])),
			   start, in->at[q - 1].end);
		while (p < in->len && p - end < 2 &&
		       (ascii_is_space(in->text[p]) || in->text[p] == ',' || in->text[p] == ':' ||
			in->text[p] == '-'))
			p++;
	}
	if (n < HEX_MIN || (end < in->len && ascii_is_alnum(in->text[end]))) {
		out->len = before;
		return end;
	}
	stop = in->at[end - 1].end;
	for (size_t k = before; k < out->len; k++)
		out->at[k].end = stop;
	*found = keep_text(out, before, start, stop) || *found;
	return end;
}

/* "rot13", with any sign before the number. */
static bool names_rot13(const struct folded *in)
{
	const char *s = in->text, *p;
	size_t n, sign;

	for (size_t i = 0; i < in->len; i = n + 1) {
		p = memmem(s + i, in->len - i, "13", 2);
		if (p == NULL)
			break;
		n = (size_t)(p - s);
		sign = n > 0 && !ascii_is_alnum(s[n - 1]);
		if (n >= 3 + sign && strncasecmp(s + n - sign - 3, "rot", 3) == 0)
			return true;
	}
	return false;
}

bool plain_decode(struct folded *out, const struct folded *in, struct stop_check *stop)
{
	struct folded seen = { 0 };
	bool found = false;

	for (size_t i = 0, end; i < in->len && stop_check_step(stop, 1); i = end) {
		size_t piece = base64_end(in, i), hex = i;

		end = pieces_end(in, i, piece);
		if (piece - i >= BASE64_MIN || (end > piece && end - i >= BASE64_PIECES))
			found = decode_base64(&seen, in, i, end) || found;
		if (piece > i || in->text[i] == '\\' || in->text[i] == '%')
			hex = decode_hex(&seen, in, i, &found);
		end = MAX(MAX(end, hex), i + 1);
	}
	if (names_rot13(in)) {
		found = true;
		for (size_t i = 0; i < in->len && stop_check_step(stop, 1); i++) {
			char c = in->text[i], low = ascii_is_upper(c) ? 'A' : 'a';

			if (ascii_is_alpha(c))
				c = (char)(low + (c - low + 13) % 26);
			folded_put(&seen, c, in->at[i].start, in->at[i].end);
		}
	}
	if (found)
		plain_add(out, &seen, PLAIN_GAP_MAX);
	out->failed = out->failed || seen.failed;
	folded_fini(&seen);
	return found;
}

/* The commonest words of questions and orders, as they read from behind. */
static bool is_turned(const char *s, size_t len)
{
	static const char words[][7] = { "eht",   "woh",  "tahw", "uoy",    "ruoy",
					 "htiw",  "taht", "siht", "erongi", "laever",
					 "etirw", "llet", "evig", "wohs",   "ekam" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i][0] == ascii_to_lower(s[0]) && strlen(words[i]) == len &&
		    strncasecmp(words[i], s, len) == 0)
			return true;
	return false;
}

bool plain_turn(struct folded *out, const struct folded *in, struct stop_check *stop)
{
	struct folded seen = { 0 };
	bool found = false;

	for (size_t i = 0, end; i < in->len && !found && stop_check_step(stop, 1); i = end + 1) {
		for (end = i; end < in->len && ascii_is_alpha(in->text[end]); end++)
			;
		found = end - i >= 3 && end - i <= 6 && is_turned(in->text + i, end - i);
	}
	for (size_t i = in->len; found && i > 0 && stop_check_step(stop, 1); i--)
		folded_put(&seen, in->text[i - 1], in->at[i - 1].start, in->at[i - 1].end);
	if (found)
		plain_add(out, &seen, PLAIN_GAP_MAX);
	out->failed = out->failed || seen.failed;
	folded_fini(&seen);
	return found;
}
