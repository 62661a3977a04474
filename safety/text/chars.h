/* Classes of ASCII bytes, as the scanners need them. Bytes from 0x80 on are in none but words. */
#ifndef SAFETY_CHARS_H
#define SAFETY_CHARS_H

#include <stdbool.h>

enum {
	CHAR_DIGIT = 1,
	CHAR_UPPER = 2,
	CHAR_LOWER = 4,
	CHAR_HEX = 8,
	CHAR_SPACE = 16, /* as isspace in the C locale */
	CHAR_HIGH = 32,  /* not ASCII */
	CHAR_VALUE = 64, /* printable, but no quote, bracket, comma, semicolon, bar or backslash */
	CHAR_BETWEEN = 128, /* what stands between a name and its value */
};

extern const unsigned char chars_class[256];

static inline bool is_class(char c, unsigned classes)
{
	return (chars_class[(unsigned char)c] & classes) != 0;
}

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool is_alpha(char c)
{
	return is_class(c, CHAR_UPPER | CHAR_LOWER);
}

static inline bool is_alnum(char c)
{
	return is_class(c, CHAR_UPPER | CHAR_LOWER | CHAR_DIGIT);
}

static inline bool is_hex(char c)
{
	return is_class(c, CHAR_HEX);
}

static inline bool is_space(char c)
{
	return is_class(c, CHAR_SPACE);
}

static inline char to_lower(char c)
{
	return is_upper(c) ? (char)(c + 32) : c;
}

/* A byte of a word: ASCII letters and digits, and whatever is not ASCII. */
static inline bool is_word(char c)
{
	return is_class(c, CHAR_UPPER | CHAR_LOWER | CHAR_DIGIT | CHAR_HIGH);
}

#endif
