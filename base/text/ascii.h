/*
 * Classes of ASCII characters, whatever the locale says. They take a byte: the bytes of other
 * characters in UTF-8 are only in ascii_is_word(), and so is the -1 that stands for the end. Do not
 * pass a code point: U+0130 would count as a digit.
 */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include <stdbool.h>

/* A look-up table, since scanners ask for every byte: comparisons made them a tenth slower. */
enum {
	ASCII_DIGIT = 1,
	ASCII_UPPER = 2,
	ASCII_LOWER = 4,
	ASCII_HEX = 8,
	ASCII_SPACE = 16,
	ASCII_PUNCT = 32,
	ASCII_WORD = 64,
};

extern const unsigned char ascii_class[256];

static inline bool ascii_is(char c, unsigned classes)
{
	return (ascii_class[(unsigned char)c] & classes) != 0;
}

static inline bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool ascii_is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool ascii_is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool ascii_is_alpha(char c)
{
	return ascii_is(c, ASCII_UPPER | ASCII_LOWER);
}

static inline bool ascii_is_alnum(char c)
{
	return ascii_is(c, ASCII_UPPER | ASCII_LOWER | ASCII_DIGIT);
}

static inline bool ascii_is_hex(char c)
{
	return ascii_is(c, ASCII_HEX);
}

/* Also newlines, form feeds and vertical tabs: isspace() of the C locale. */
static inline bool ascii_is_space(char c)
{
	return ascii_is(c, ASCII_SPACE);
}

/* What is printed and neither a space nor alphanumeric. */
static inline bool ascii_is_punct(char c)
{
	return ascii_is(c, ASCII_PUNCT);
}

/* A byte of a word in UTF-8: a letter or digit, or part of any character beyond ASCII. */
static inline bool ascii_is_word(char c)
{
	return ascii_is(c, ASCII_WORD);
}

static inline char ascii_to_lower(char c)
{
	return ascii_is_upper(c) ? (char)(c + 32) : c;
}

/* -1 for what is not a hexadecimal digit. */
static inline int ascii_hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	return ascii_is_hex(c) ? (c | 0x20) - 'a' + 10 : -1;
}

#endif
