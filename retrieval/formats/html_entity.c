#include "retrieval/formats/html_entity.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <libxml/HTMLparser.h>

#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"

#define NAME_MAX_LEN 16 /* "thetasym" is the longest there is */

/* What browsers make of &#128; to &#159;, written by people who meant Windows-1252. */
static const uint16_t windows_1252[32] = {
	0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0x8d,   0x017d, 0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178,
};

static int digit_value(char c, int base)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

static size_t entity_by_number(const char *s, size_t len, uint32_t *cp)
{
	bool hex = len > 2 && (s[2] == 'x' || s[2] == 'X');
	size_t first = hex ? 3 : 2, i = first;
	uint32_t n = 0;

	for (; i < len && digit_value(s[i], hex ? 16 : 10) >= 0; i++)
		if (n <= 0x10ffff) /* else it is too large already, however many follow */
			n = n * (hex ? 16 : 10) + (uint32_t)digit_value(s[i], hex ? 16 : 10);
	if (i == first)
		return 0;
	if (n >= 0x80 && n < 0xa0)
		n = windows_1252[n - 0x80];
	if (n == 0 || n > 0x10ffff || (n >= 0xd800 && n < 0xe000))
		n = 0xfffd;
	*cp = n;
	return i < len && s[i] == ';' ? i + 1 : i;
}

static size_t entity_by_name(const char *s, size_t len, uint32_t *cp)
{
	static const char *const bare[] = { "amp", "lt", "gt", "quot", "nbsp", "copy", "reg" };
	const htmlEntityDesc *e;
	char name[NAME_MAX_LEN + 1];
	bool found = false;
	size_t n = 0;

	while (n < NAME_MAX_LEN && n + 1 < len && ascii_is_alnum(s[n + 1])) {
		name[n] = s[n + 1];
		n++;
	}
	name[n] = '\0';
	if (n + 1 == len || s[n + 1] != ';') {
		/* Some are known without the semicolon, since old pages leave it out. */
		for (size_t i = 0; i < ARRAY_LEN(bare); i++)
			found = found || strcmp(bare[i], name) == 0;
		if (!found)
			return 0;
	}
	e = htmlEntityLookup((const xmlChar *)name);
	if (e != NULL)
		*cp = e->value;
	else if (strcmp(name, "apos") == 0)
		*cp = '\'';
	else
		return 0;
	return n + 1 < len && s[n + 1] == ';' ? n + 2 : n + 1;
}

size_t html_entity(const char *s, size_t len, char utf8[HTML_ENTITY_UTF8_MAX], size_t *n)
{
	uint32_t cp = 0;
	size_t used;

	if (len < 2)
		return 0;
	used = s[1] == '#' ? entity_by_number(s, len, &cp) : entity_by_name(s, len, &cp);
	if (used > 0)
		*n = utf8_put(cp, utf8);
	return used;
}
