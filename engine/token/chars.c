#include "engine/token/chars.h"

#include <pthread.h>
#include <string.h>

#include <unicode/unorm2.h>
#include <unicode/utf16.h>

uint8_t char_table[0x110000];

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const UNormalizer2 *nfd; /* NULL: no data */

/* A range of one category; unassigned characters keep the table's 0, which is U_UNASSIGNED. */
static UBool range_cb(const void *arg, UChar32 start, UChar32 limit, UCharCategory category)
{
	(void)arg;
	if (category == U_UNASSIGNED)
		return true;
	memset(char_table + start, (int)category, (size_t)(limit - start));
	if (((UINT32_C(1) << category) & (U_GC_Z_MASK | U_GC_CC_MASK)) == 0)
		return true;
	for (UChar32 cp = start; cp < limit; cp++)
		if (u_isUWhiteSpace(cp))
			char_table[cp] |= 0x80;
	return true;
}

static void chars_init(void)
{
	UErrorCode status = U_ZERO_ERROR;

	nfd = unorm2_getNFDInstance(&status);
	if (U_FAILURE(status)) {
		nfd = NULL;
		return;
	}
	u_enumCharTypes(range_cb, NULL);
}

bool chars_ready(void)
{
	pthread_once(&once, chars_init);
	return nfd != NULL;
}

size_t char_decompose(uint32_t cp, uint32_t parts[CHAR_PARTS_MAX])
{
	UErrorCode status = U_ZERO_ERROR;
	UChar units[2 * CHAR_PARTS_MAX];
	size_t n = 0;
	int32_t len = -1;

	if (cp >= 0xC0) /* nothing below has parts */
		len = unorm2_getDecomposition(nfd, (UChar32)cp, units, 2 * CHAR_PARTS_MAX, &status);
	if (len < 0 || U_FAILURE(status)) {
		parts[0] = cp;
		return 1;
	}
	for (int32_t i = 0; i < len && n < CHAR_PARTS_MAX;) {
		UChar32 part;

		U16_NEXT(units, i, len, part);
		parts[n++] = (uint32_t)part;
	}
	return n;
}

uint32_t char_lower(uint32_t cp)
{
	if (cp < 0x80)
		return cp >= 'A' && cp <= 'Z' ? cp + ('a' - 'A') : cp;
	return (uint32_t)u_tolower((UChar32)cp);
}
