/*
 * Classes of ASCII characters, whatever the locale says. What is not ASCII is in none of them but
 * ascii_is_word(): neither the bytes of UTF-8, signed or not, nor code points, nor -1 for "no more".
 */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include <stdbool.h>

static inline bool ascii_is_digit(int c)
{
	return (unsigned)c - '0' < 10;
}

static inline bool ascii_is_upper(int c)
{
	return (unsigned)c - 'A' < 26;
}

static inline bool ascii_is_lower(int c)
{
	return (unsigned)c - 'a' < 26;
}

static inline bool ascii_is_alpha(int c)
{
	return ascii_is_lower(c | 0x20);
}

static inline bool ascii_is_alnum(int c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c);
}

static inline bool ascii_is_hex(int c)
{
	return ascii_is_digit(c) || (unsigned)(c | 0x20) - 'a' < 6;
}

/* Also newlines, form feeds and vertical tabs: isspace() of the C locale. */
static inline bool ascii_is_space(int c)
{
	return c == ' ' || (unsigned)c - '\t' < 5;
}

/* What is printed and neither a space nor alphanumeric. */
static inline bool ascii_is_punct(int c)
{
	return (unsigned)c - '!' < 0x7f - '!' && !ascii_is_alnum(c);
}

/* A byte of a word in UTF-8: a letter or digit, or part of any character beyond ASCII. */
static inline bool ascii_is_word(char c)
{
	return ascii_is_alnum(c) || (unsigned char)c >= 0x80;
}

static inline char ascii_to_lower(char c)
{
	return ascii_is_upper(c) ? (char)(c | 0x20) : c;
}

/* -1 for what is no hexadecimal digit. */
static inline int ascii_hex_value(int c)
{
	if (ascii_is_digit(c))
		return c - '0';
	return ascii_is_hex(c) ? (c | 0x20) - 'a' + 10 : -1;
}

#endif
