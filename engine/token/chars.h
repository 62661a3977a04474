/*
 * What a character is, to pre-tokenizers and to BERT's normalisation: its general category and
 * whether it is white space, from ICU's data, in one table that is made once.
 */
#ifndef ENGINE_TOKEN_CHARS_H
#define ENGINE_TOKEN_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <unicode/uchar.h>

#include "base/text/utf8.h"

/*
 * char_bits() is the mask of the general category (U_GC_LU_MASK …) and perhaps this:
 * White_Space=yes, which is what \s means in the patterns of tokenizers.
 */
#define CHAR_SPACE (UINT32_C(1) << 31)

/* Make the tables. Cheap after the first time; any thread. False if ICU has no data. */
bool chars_ready(void);

/* Filled by chars_ready(): the category's number, and 0x80 for white space. */
extern uint8_t char_table[0x110000];

/* cp is below 0x110000. */
static inline uint32_t char_bits(uint32_t cp)
{
	uint32_t entry = char_table[cp];

	return (UINT32_C(1) << (entry & 31)) | (entry & 0x80) << 24;
}

/* One character of a text; at the end of the text all is 0. A byte that is no UTF-8 is U+FFFD. */
struct one_char {
	uint32_t cp;
	uint32_t bits;
	size_t len;
};

static inline struct one_char char_at(const char *s, const char *end)
{
	struct one_char c = { 0, 0, 0 };

	if (s == end)
		return c;
	c.cp = (unsigned char)*s;
	c.len = c.cp < 0x80 ? 1 : utf8_next(s, (size_t)(end - s), &c.cp);
	c.bits = char_bits(c.cp);
	return c;
}

/* What a character decomposes to (NFD, in canonical order); returns how many. */
#define CHAR_PARTS_MAX 8
size_t char_decompose(uint32_t cp, uint32_t parts[CHAR_PARTS_MAX]);
uint32_t char_lower(uint32_t cp);

#endif
