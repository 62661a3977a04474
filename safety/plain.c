#include "safety/plain.h"

#include <string.h>

#include "safety/chars.h"

#define BASE64_MIN 24
#define SPACED_MIN 4 /* so many letters set apart are no initials */

static bool is_blank(char c)
{
	return is_space(c) || c == '-' || c == '_';
}

void plain_add(struct folded *out, const struct folded *in, size_t from)
{
	for (size_t i = from; i < in->len; i++) {
		char c = in->text[i];
		bool decor = c == '"' || c == '*' || c == '`';

		if (decor || is_blank(c)) {
			const struct folded_at *last = out->len > 0 ? &out->at[out->len - 1] : NULL;

			if (last != NULL && (decor || out->text[out->len - 1] == ' ') &&
			    in->at[i].end <= last->start + PLAIN_GAP_MAX)
				continue;
			c = ' ';
		}
		folded_put(out, to_lower(c), in->at[i].start, in->at[i].end);
	}
}

/* The letter that stands behind a digit or sign within a word; 0 for none. */
static char unleet(char c)
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

static bool is_spacer(char c)
{
	return is_space(c) || c == '-' || c == '_' || c == '.' || c == '*' || c == '|' ||
	       c == '/' || c == '~' || c == '+';
}

/* The end of a run of single letters set apart by one and the same sign from s[i] on; i if none. */
static size_t spaced_end(const char *s, size_t len, size_t i)
{
	size_t p = i, n = 1;

	if (!is_alpha(s[i]) || (i > 0 && is_alnum(s[i - 1])) || i + 2 >= len ||
	    !is_spacer(s[i + 1]))
		return i;
	while (p + 2 < len && s[p + 1] == s[i + 1] && is_alpha(s[p + 2]) &&
	       (p + 3 >= len || !is_alnum(s[p + 3]))) {
		p += 2;
		n++;
	}
	return n >= SPACED_MIN ? p + 1 : i;
}

/* The end of a word from s[i] on that has letters, and signs that stand for letters; i if none. */
static size_t leet_end(const char *s, size_t len, size_t i)
{
	size_t p = i, n_letters = 0, n_signs = 0;

	if (i > 0 && (is_alnum(s[i - 1]) || unleet(s[i - 1])))
		return i;
	for (; p < len && (is_alnum(s[p]) || unleet(s[p])); p++) {
		n_letters += is_alpha(s[p]);
		n_signs += unleet(s[p]) != 0;
	}
	/* "Stop!" ends in a sign of its own right. */
	while (p > i && s[p - 1] == '!') {
		p--;
		n_signs--;
	}
	return n_letters >= 1 && n_signs >= 1 && p - i >= 2 && n_letters + n_signs == p - i ? p : i;
}

bool plain_undo(struct folded *out, const struct folded *in, struct work *work)
{
	struct folded seen = { 0 };
	bool found = false;
	size_t i = 0, end;

	while (i < in->len && work_step(work, 1)) {
		const char *s = in->text;

		end = spaced_end(s, in->len, i);
		if (end > i) {
			for (size_t j = i; j < end; j += 2)
				folded_put(&seen, s[j], in->at[j].start, in->at[j].end);
			found = true;
			i = end;
			continue;
		}
		end = leet_end(s, in->len, i);
		if (end > i)
			found = true;
		for (; i < end; i++) {
			char c = unleet(s[i]);

			folded_put(&seen, c != 0 ? c : s[i], in->at[i].start, in->at[i].end);
		}
		if (i < in->len && i >= end) {
			folded_put(&seen, s[i], in->at[i].start, in->at[i].end);
			i++;
		}
	}
	if (found)
		plain_add(out, &seen, 0);
	out->failed = out->failed || seen.failed;
	folded_fini(&seen);
	return found;
}

static int base64_value(char c)
{
	if (is_upper(c))
		return c - 'A';
	if (is_lower(c))
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* Decode the run in[i .. end) into out as a text of its own; nothing if it is not printable. */
static bool decode_run(struct folded *out, const struct folded *in, size_t i, size_t end)
{
	uint32_t start = in->at[i].start, stop = in->at[end - 1].end;
	size_t before = out->len, n_odd = 0;
	unsigned bits = 0, n_bits = 0;

	for (; i < end; i++) {
		bits = bits << 6 | (unsigned)base64_value(in->text[i]);
		n_bits += 6;
		if (n_bits < 8)
			continue;
		n_bits -= 8;
		folded_put(out, (char)(bits >> n_bits & 0xff), start, stop);
	}
	for (size_t j = before; j < out->len; j++)
		n_odd += !is_space(out->text[j]) && (out->text[j] < 0x20 || out->text[j] == 0x7f);
	if (n_odd * 20 <= out->len - before) {
		folded_put(out, '\n', start, stop);
		return true;
	}
	out->len = before;
	return false;
}

static bool names_rot13(const struct folded *in)
{
	for (size_t i = 0; i + 5 <= in->len; i++) {
		const char *s = in->text + i;

		if (to_lower(s[0]) != 'r' || to_lower(s[1]) != 'o' || to_lower(s[2]) != 't')
			continue;
		if (s[3] == '1' && s[4] == '3')
			return true;
		if (i + 6 <= in->len && s[4] == '1' && s[5] == '3' && !is_alnum(s[3]))
			return true;
	}
	return false;
}

bool plain_decode(struct folded *out, const struct folded *in, struct work *work)
{
	struct folded seen = { 0 };
	bool found = false;

	for (size_t i = 0; i < in->len && work_step(work, 1);) {
		size_t end = i;

		while (end < in->len && base64_value(in->text[end]) >= 0)
			end++;
		if (end - i >= BASE64_MIN)
			found = decode_run(&seen, in, i, end) || found;
		i = end > i ? end : i + 1;
	}
	if (names_rot13(in)) {
		found = true;
		for (size_t i = 0; i < in->len && work_step(work, 1); i++) {
			char c = in->text[i], low = is_upper(c) ? 'A' : 'a';

			if (is_alpha(c))
				c = (char)(low + (c - low + 13) % 26);
			folded_put(&seen, c, in->at[i].start, in->at[i].end);
		}
	}
	if (found)
		plain_add(out, &seen, 0);
	out->failed = out->failed || seen.failed;
	folded_fini(&seen);
	return found;
}
