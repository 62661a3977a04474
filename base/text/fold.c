#include "base/text/fold.h"

#include <pthread.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#include "base/text/utf8.h"
#include "base/util.h"

/* Latin, Greek, Cyrillic, Hebrew and Arabic lie below: their words need no call into ICU. */
#define TABLE_SIZE 0x800
/* Characters of one word that are folded; more than any WORD_MAX bytes can show. */
#define FOLD_CHARS 128
/* NFKC makes at most 18 units of one character. */
#define FOLD_UNITS (18 * FOLD_CHARS)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const UNormalizer2 *nfkc_cf; /* NULL: no data */
static uint8_t class_of[TABLE_SIZE];
/* What a character folds to where that is one character below TABLE_SIZE, else 0: ask ICU. */
static uint16_t folded[TABLE_SIZE];

static bool is_spaceless(uint32_t cp)
{
	UErrorCode status = U_ZERO_ERROR;

	switch (uscript_getScript((UChar32)cp, &status)) {
	case USCRIPT_HAN:
	case USCRIPT_HIRAGANA:
	case USCRIPT_KATAKANA:
	case USCRIPT_HANGUL: /* has spaces, but particles cling to its words */
	case USCRIPT_BOPOMOFO:
	case USCRIPT_THAI:
	case USCRIPT_LAO:
	case USCRIPT_KHMER:
	case USCRIPT_MYANMAR:
		return true;
	default: /* the long vowel mark of Kana belongs to several scripts */
		return u_getIntPropertyValue((UChar32)cp, UCHAR_WORD_BREAK) == U_WB_KATAKANA;
	}
}

static enum fold_class class_ask(uint32_t cp)
{
	switch (u_getIntPropertyValue((UChar32)cp, UCHAR_WORD_BREAK)) {
	case U_WB_NUMERIC:
		return FOLD_DIGIT;
	case U_WB_EXTEND:
	case U_WB_FORMAT:
	case U_WB_ZWJ:
		return FOLD_MARK;
	case U_WB_MIDNUMLET: /* U+2019, and the one dot leader, which no text has */
	case U_WB_SINGLE_QUOTE:
		return FOLD_APOSTROPHE;
	case U_WB_ALETTER:
	case U_WB_HEBREW_LETTER:
	case U_WB_EXTENDNUMLET:
		return is_spaceless(cp) ? FOLD_PIECE : FOLD_LETTER;
	case U_WB_KATAKANA:
		return FOLD_PIECE;
	default:
		break;
	}
	if (u_isalpha((UChar32)cp))
		return is_spaceless(cp) ? FOLD_PIECE : FOLD_LETTER;
	return u_charType((UChar32)cp) == U_OTHER_NUMBER ? FOLD_DIGIT : FOLD_OTHER;
}

/* NFKC_CF of one character if that is one character of the table, else 0. */
static uint16_t fold_ask(uint32_t cp)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar in[2], out[32];
	int32_t n_in = 0, n;
	bool bad = false;

	U16_APPEND(in, n_in, 2, (UChar32)cp, bad);
	n = unorm2_normalize(nfkc_cf, in, n_in, out, ARRAY_LEN(out), &status);
	if (bad || U_FAILURE(status) || n != 1 || out[0] >= TABLE_SIZE)
		return 0;
	if (unorm2_getCombiningClass(nfkc_cf, out[0]) != 0) /* composes with its neighbours */
		return 0;
	if (u_charDigitValue(out[0]) >= 0)
		return (uint16_t)('0' + u_charDigitValue(out[0]));
	return out[0];
}

static void fold_init(void)
{
	UErrorCode status = U_ZERO_ERROR;

	nfkc_cf = unorm2_getNFKCCasefoldInstance(&status);
	if (U_FAILURE(status)) {
		nfkc_cf = NULL;
		return;
	}
	for (uint32_t cp = 0; cp < TABLE_SIZE; cp++) {
		class_of[cp] = (uint8_t)class_ask(cp);
		folded[cp] = fold_ask(cp);
	}
}

bool fold_ready(void)
{
	pthread_once(&once, fold_init);
	return nfkc_cf != NULL;
}

enum fold_class fold_class(uint32_t cp)
{
	return cp < TABLE_SIZE ? (enum fold_class)class_of[cp] : class_ask(cp);
}

bool fold_is_upper(uint32_t cp)
{
	return u_isUUppercase((UChar32)cp) || u_istitle((UChar32)cp);
}

/* Append cp to out if it fits. */
static bool put_char(uint32_t cp, char *out, size_t room, size_t *n)
{
	char one[4];
	size_t len = utf8_put(cp, one);

	if (len > room - *n)
		return false;
	memcpy(out + *n, one, len);
	*n += len;
	return true;
}

static size_t fold_slowly(const char *s, size_t len, char *out, size_t room)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar in[2 * FOLD_CHARS], norm[FOLD_UNITS];
	int32_t n_in = 0, n_norm;
	size_t n = 0;
	bool bad = false;
	uint32_t cp;

	for (size_t i = 0; i < len && n_in < FOLD_CHARS;) {
		i += utf8_next(s + i, len - i, &cp);
		U16_APPEND(in, n_in, (int32_t)ARRAY_LEN(in), (UChar32)cp, bad);
	}
	n_norm = unorm2_normalize(nfkc_cf, in, n_in, norm, ARRAY_LEN(norm), &status);
	if (bad || U_FAILURE(status))
		return 0;
	for (int32_t i = 0; i < n_norm;) {
		U16_NEXT(norm, i, n_norm, cp);
		if (cp >= 0x80 && u_charType((UChar32)cp) == U_DECIMAL_DIGIT_NUMBER)
			cp = (uint32_t)('0' + u_charDigitValue((UChar32)cp));
		else if (cp == 0x2019)
			cp = '\'';
		if (!put_char(cp, out, room, &n))
			break;
	}
	return n;
}

size_t fold_text(const char *s, size_t len, char *out, size_t room)
{
	size_t n = 0;
	uint32_t cp;

	for (size_t i = 0; i < len;) {
		i += utf8_next(s + i, len - i, &cp);
		if (cp == 0x2019)
			cp = '\'';
		else if (cp < TABLE_SIZE)
			cp = folded[cp];
		else
			cp = 0;
		if (cp == 0)
			return fold_slowly(s, len, out, room);
		if (!put_char(cp, out, room, &n))
			break;
	}
	return n;
}
