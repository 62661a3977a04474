#include "safety/text/folded.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"

#define UNSEEN   0xffffffffu
#define N_DECOMP 24 /* the longest compatibility decomposition has 18 */

/* Characters that look like an ASCII one and have no decomposition; by code point. */
static const struct {
	uint32_t cp;
	char ascii;
} lookalikes[] = {
	/* clang-format off */
	{ 0x0131, 'i' }, { 0x0142, 'l' }, { 0x0180, 'b' }, { 0x0185, 'b' },
	{ 0x0192, 'f' }, { 0x01c0, 'l' }, { 0x0237, 'j' }, { 0x0251, 'a' }, { 0x0261, 'g' },
	{ 0x0262, 'g' }, { 0x0263, 'y' }, { 0x0269, 'i' }, { 0x026a, 'i' }, { 0x026f, 'w' },
	{ 0x0274, 'n' }, { 0x0280, 'r' }, { 0x028b, 'u' }, { 0x028f, 'y' }, { 0x0299, 'b' },
	{ 0x029c, 'h' }, { 0x029f, 'l' }, { 0x02bc, '\''}, { 0x0391, 'A' }, { 0x0392, 'B' },
	{ 0x0395, 'E' }, { 0x0396, 'Z' }, { 0x0397, 'H' }, { 0x0399, 'I' }, { 0x039a, 'K' },
	{ 0x039c, 'M' }, { 0x039d, 'N' }, { 0x039f, 'O' }, { 0x03a1, 'P' }, { 0x03a4, 'T' },
	{ 0x03a5, 'Y' }, { 0x03a7, 'X' }, { 0x03b1, 'a' }, { 0x03b3, 'y' }, { 0x03b9, 'i' },
	{ 0x03ba, 'k' }, { 0x03bd, 'v' }, { 0x03bf, 'o' }, { 0x03c1, 'p' }, { 0x03c3, 'o' },
	{ 0x03c4, 't' }, { 0x03c5, 'u' }, { 0x03c7, 'x' }, { 0x03f2, 'c' }, { 0x03f3, 'j' },
	{ 0x0405, 'S' }, { 0x0406, 'I' }, { 0x0408, 'J' }, { 0x0410, 'A' }, { 0x0412, 'B' },
	{ 0x0415, 'E' }, { 0x041a, 'K' }, { 0x041c, 'M' }, { 0x041d, 'H' }, { 0x041e, 'O' },
	{ 0x0420, 'P' }, { 0x0421, 'C' }, { 0x0422, 'T' }, { 0x0423, 'Y' }, { 0x0425, 'X' },
	{ 0x0430, 'a' }, { 0x0432, 'b' }, { 0x0433, 'r' }, { 0x0435, 'e' }, { 0x043a, 'k' },
	{ 0x043c, 'm' }, { 0x043d, 'h' }, { 0x043e, 'o' }, { 0x0440, 'p' }, { 0x0441, 'c' },
	{ 0x0442, 't' }, { 0x0443, 'y' }, { 0x0445, 'x' }, { 0x0455, 's' }, { 0x0456, 'i' },
	{ 0x0458, 'j' }, { 0x0475, 'v' }, { 0x04ae, 'Y' }, { 0x04af, 'y' }, { 0x04bb, 'h' },
	{ 0x04c0, 'I' }, { 0x04cf, 'l' }, { 0x0501, 'd' }, { 0x051b, 'q' }, { 0x051d, 'w' },
	{ 0x0561, 'w' }, { 0x0566, 'q' }, { 0x0570, 'h' }, { 0x0578, 'n' }, { 0x057d, 'u' },
	{ 0x0581, 'g' }, { 0x0585, 'o' }, { 0x13a0, 'D' }, { 0x13a1, 'R' }, { 0x13a2, 'T' },
	{ 0x13aa, 'A' }, { 0x13b3, 'W' }, { 0x13bb, 'H' }, { 0x13c0, 'G' }, { 0x13c3, 'Z' },
	{ 0x13cf, 'b' }, { 0x13d4, 'W' }, { 0x13da, 'S' }, { 0x13de, 'L' }, { 0x13df, 'C' },
	{ 0x13e2, 'P' }, { 0x1d00, 'a' }, { 0x1d04, 'c' }, { 0x1d05, 'd' }, { 0x1d07, 'e' },
	{ 0x1d0a, 'j' }, { 0x1d0b, 'k' }, { 0x1d0d, 'm' }, { 0x1d0f, 'o' }, { 0x1d18, 'p' },
	{ 0x1d1b, 't' }, { 0x1d1c, 'u' }, { 0x1d20, 'v' }, { 0x1d21, 'w' }, { 0x1d22, 'z' },
	{ 0x2010, '-' }, { 0x2011, '-' }, { 0x2012, '-' }, { 0x2013, '-' }, { 0x2014, '-' },
	{ 0x2015, '-' }, { 0x2018, '\''}, { 0x2019, '\''}, { 0x201a, '\''}, { 0x201b, '\''},
	{ 0x201c, '"' }, { 0x201d, '"' }, { 0x201e, '"' }, { 0x201f, '"' }, { 0x2028, '\n'},
	{ 0x2029, '\n'}, { 0x2032, '\''}, { 0x2039, '<' }, { 0x203a, '>' }, { 0x2043, '-' },
	{ 0x2044, '/' }, { 0x2212, '-' }, { 0x2215, '/' }, { 0x2216, '\\'}, { 0x2217, '*' },
	{ 0x2223, '|' }, { 0x2236, ':' }, { 0x22c5, '.' }, { 0x2800, ' ' }, { 0xa730, 'F' },
	{ 0xa731, 's' },
	/* clang-format on */
};

static char lookalike_of(uint32_t cp)
{
	size_t lo = 0, hi = ARRAY_LEN(lookalikes);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (lookalikes[mid].cp == cp)
			return lookalikes[mid].ascii;
		if (lookalikes[mid].cp < cp)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

/* Accents that Latin, Greek and Cyrillic letters carry; other scripts keep their marks. */
static bool is_accent(uint32_t cp)
{
	return (cp >= 0x0300 && cp <= 0x036f) || (cp >= 0x0483 && cp <= 0x0489) ||
	       (cp >= 0x1ab0 && cp <= 0x1aff) || (cp >= 0x1dc0 && cp <= 0x1dff) ||
	       (cp >= 0x20d0 && cp <= 0x20ff) || (cp >= 0xfe20 && cp <= 0xfe2f);
}

static uint32_t fold_one(uint32_t cp)
{
	char ascii;
	int32_t digit;

	if (is_accent(cp))
		return UNSEEN;
	digit = cp >= 0x80 ? u_charDigitValue((UChar32)cp) : -1;
	if (digit >= 0)
		return (uint32_t)('0' + digit);
	ascii = lookalike_of(cp);
	return ascii != 0 ? (uint32_t)(unsigned char)ascii : cp;
}

static bool is_unseen(uint32_t cp)
{
	if (cp < 0x80)
		return (cp < 0x20 && !ascii_is_space((char)cp)) || cp == 0x7f;
	if (cp < 0xa0)
		return cp != 0x85;
	return u_hasBinaryProperty((UChar32)cp, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
	       u_charType((UChar32)cp) == U_FORMAT_CHAR;
}

/* What cp folds to: code points in out[0..N_DECOMP), their number returned; 0 for nothing. */
static size_t fold_char(uint32_t cp, uint32_t *out)
{
	UErrorCode rc = U_ZERO_ERROR;
	const UNormalizer2 *nfkd;
	UChar u[2 * N_DECOMP];
	int32_t n = -1;
	size_t n_out = 0;

	if (cp >= 0xe0020 && cp <= 0xe007e) { /* tag characters spell ASCII that nobody sees */
		out[0] = cp - 0xe0000;
		return 1;
	}
	if (is_unseen(cp))
		return 0;
	/* Hangul syllables have a decomposition, but not one that anybody writes patterns in. */
	if (cp >= 0xa0 && (cp < 0xac00 || cp > 0xd7a3)) {
		nfkd = unorm2_getNFKDInstance(&rc);
		if (U_SUCCESS(rc))
			n = unorm2_getDecomposition(nfkd, (UChar32)cp, u, (int32_t)ARRAY_LEN(u),
						    &rc);
	}
	if (n <= 0 || U_FAILURE(rc)) {
		out[0] = fold_one(cp);
		return out[0] == UNSEEN ? 0 : 1;
	}
	for (int32_t i = 0; i < n;) {
		UChar32 c;
		uint32_t folded;

		U16_NEXT(u, i, n, c);
		folded = fold_one((uint32_t)c);
		if (folded != UNSEEN && n_out < N_DECOMP)
			out[n_out++] = folded;
	}
	return n_out;
}

void folded_fini(struct folded *f)
{
	free(f->text);
	free(f->at);
	*f = (struct folded){ 0 };
}

void folded_clear(struct folded *f)
{
	f->len = 0;
	f->failed = false;
}

void folded_consume(struct folded *f, size_t n)
{
	if (n == 0)
		return;
	memmove(f->text, f->text + n, f->len - n);
	memmove(f->at, f->at + n, (f->len - n) * sizeof(*f->at));
	f->len -= n;
}

bool folded_room(struct folded *f, size_t more)
{
	size_t cap = f->cap == 0 ? 256 : f->cap;
	struct folded_at *at;
	char *text;

	if (f->failed)
		return false;
	if (f->len + more <= f->cap)
		return true;
	while (cap < f->len + more)
		cap *= 2;
	text = realloc(f->text, cap);
	if (text != NULL)
		f->text = text;
	at = realloc(f->at, cap * sizeof(*at));
	if (at != NULL)
		f->at = at;
	if (text == NULL || at == NULL) {
		f->failed = true;
		return false;
	}
	f->cap = cap;
	return true;
}

void folded_append(struct folded *f, const struct folded *more)
{
	if (more->len == 0 || !folded_room(f, more->len))
		return;
	memcpy(f->text + f->len, more->text, more->len);
	memcpy(f->at + f->len, more->at, more->len * sizeof(*f->at));
	f->len += more->len;
}

void folded_add_char(struct folded *f, uint32_t cp, uint32_t start, uint32_t end)
{
	uint32_t out[N_DECOMP];
	size_t n_out = fold_char(cp, out), len;
	char utf8[4];

	for (size_t i = 0; i < n_out; i++) {
		len = utf8_put(out[i], utf8);
		for (size_t j = 0; j < len; j++)
			folded_put(f, utf8[j], start, end);
	}
}

void folded_add(struct folded *f, const char *raw, size_t len, uint32_t at)
{
	size_t i = 0, n;
	uint32_t cp;

	if (!folded_room(f, len))
		return;
	while (i < len) {
		char c = raw[i];
		uint32_t pos = at + (uint32_t)i;

		if ((unsigned char)c < 0x80 && !is_unseen((uint32_t)c)) {
			folded_put(f, c, pos, pos + 1);
			i++;
			continue;
		}
		n = utf8_next(raw + i, len - i, &cp);
		if (n == 1 && (unsigned char)c >= 0x80) /* not UTF-8 */
			folded_put(f, c, pos, pos + 1);
		else
			folded_add_char(f, cp, pos, pos + (uint32_t)n);
		i += n;
	}
}

bool folded_is_plain(const char *raw, size_t len)
{
	size_t i = 0, n, n_out;
	uint32_t cp, out[N_DECOMP];

	for (;;) {
		while (i < len && raw[i] >= ' ' && raw[i] < 0x7f)
			i++;
		if (i == len)
			return true;
		if ((unsigned char)raw[i] < 0x80) {
			if (is_unseen((uint32_t)raw[i]))
				return false;
			i++;
			continue;
		}
		n = utf8_next(raw + i, len - i, &cp);
		if (n > 1) {
			n_out = fold_char(cp, out);
			if (n_out != 1 || out[0] != cp)
				return false;
		}
		i += n;
	}
}

bool folded_is_unseen(uint32_t cp)
{
	if (cp >= 0xe0020 && cp <= 0xe007e)
		return false; /* the ASCII it spells is read */
	return is_unseen(cp) || is_accent(cp);
}
