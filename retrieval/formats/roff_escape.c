#include "retrieval/formats/roff_escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/ascii.h"
#include "base/text/utf8.h"
#include "base/util.h"

/* Named characters that manual pages use (groff_char(7)). */
static const struct {
	char name[3];
	uint16_t cp;
} names[] = {
	{ "aq", '\'' },   { "dq", '"' },    { "lq", 0x201c }, { "rq", 0x201d }, { "oq", 0x2018 },
	{ "cq", 0x2019 }, { "bu", 0x2022 }, { "em", 0x2014 }, { "en", 0x2013 }, { "hy", '-' },
	{ "mi", '-' },    { "co", 0xa9 },   { "rg", 0xae },   { "tm", 0x2122 }, { "de", 0xb0 },
	{ "ti", '~' },    { "ha", '^' },    { "ga", '`' },    { "bv", '|' },    { "ba", '|' },
	{ "rs", '\\' },   { "sh", '#' },    { "at", '@' },    { "ul", '_' },    { "lB", '[' },
	{ "rB", ']' },    { "lC", '{' },    { "rC", '}' },    { "la", '<' },    { "ra", '>' },
	{ "<-", 0x2190 }, { "->", 0x2192 }, { "<=", 0x2264 }, { ">=", 0x2265 }, { "!=", 0x2260 },
	{ "+-", 0xb1 },   { "mu", 0xd7 },   { "sc", 0xa7 },   { "ss", 0xdf },   { ":a", 0xe4 },
	{ ":o", 0xf6 },   { ":u", 0xfc },   { "'e", 0xe9 },   { "`e", 0xe8 },   { "Fo", 0xab },
	{ "Fc", 0xbb },   { "Eu", 0x20ac }, { "pl", '+' },    { "eq", '=' },    { "sl", '/' },
};

static void put_char(uint32_t cp, char *utf8, size_t *n)
{
	*n = utf8_put(cp, utf8);
}

static void put_named(const char *name, size_t len, char *utf8, size_t *n)
{
	char hex[8] = "", *end;
	unsigned long cp;

	for (size_t i = 0; i < ARRAY_LEN(names) && len == 2; i++)
		if (memcmp(names[i].name, name, 2) == 0)
			put_char(names[i].cp, utf8, n);
	if (len < 5 || len > 7 || name[0] != 'u')
		return;
	memcpy(hex, name + 1, len - 1);
	cp = strtoul(hex, &end, 16);
	if (*end == '\0' && cp >= 0xa0 && cp < 0xd800)
		put_char((uint32_t)cp, utf8, n);
}

/*
 * The argument at s[i..len), as in "\*x", "\*(xx", "\*[name]": its bytes in all, *arg and *arg_len.
 */
static size_t argument_len(const char *s, size_t i, size_t len, const char **arg, size_t *arg_len)
{
	const char *close;

	*arg = s + MIN(i + 1, len);
	*arg_len = 0;
	if (i >= len)
		return 0;
	if (s[i] == '(') {
		while (*arg_len < 2 && i + 1 + *arg_len < len &&
		       (unsigned char)(*arg)[*arg_len] < 0x80)
			(*arg_len)++; /* names are ASCII; nothing else is cut */
		return 1 + *arg_len;
	}
	if (s[i] == '[') {
		close = memchr(s + i, ']', MIN(len - i, (size_t)64));
		if (close == NULL)
			return 1;
		*arg_len = (size_t)(close - *arg);
		return *arg_len + 2;
	}
	*arg = s + i;
	*arg_len = (unsigned char)s[i] < 0x80;
	return *arg_len;
}

/* "\s-2", "\s0", "\s(12", "\s[12]": bytes behind the s. */
static size_t size_argument(const char *s, size_t i, size_t len)
{
	size_t start = i, digits = 0, arg_len;
	const char *arg;

	if (i < len && (s[i] == '(' || s[i] == '['))
		return argument_len(s, i, len, &arg, &arg_len);
	if (i < len && (s[i] == '+' || s[i] == '-'))
		i++;
	for (; i < len && ascii_is_digit(s[i]) && digits < 2; i++)
		digits++;
	return i - start;
}

/* "\h'2n'": bytes behind the letter. */
static size_t quoted_argument(const char *s, size_t i, size_t len)
{
	const char *close;

	if (i >= len || (unsigned char)s[i] >= 0x80)
		return 0;
	close = memchr(s + i + 1, s[i], MIN(len - i - 1, (size_t)64));
	return close != NULL ? (size_t)(close - (s + i)) + 1 : 1;
}

static bool one_of(const char *set, char c)
{
	return c != '\0' && strchr(set, c) != NULL;
}

size_t roff_escape(const char *s, size_t len, char utf8[ROFF_ESCAPE_UTF8_MAX], size_t *n)
{
	size_t arg_len, used;
	const char *arg;

	*n = 0;
	if (len < 2 || (unsigned char)s[1] >= 0x80 || s[1] < ' ')
		return 1;
	if (s[1] == '(' || s[1] == '[') {
		used = argument_len(s, 1, len, &arg, &arg_len);
		put_named(arg, arg_len, utf8, n);
		return 1 + used;
	}
	if (s[1] == '*') { /* a string: of those that have one meaning everywhere */
		used = argument_len(s, 2, len, &arg, &arg_len);
		if (arg_len == 2 && one_of("lr", arg[0]) && arg[1] == 'q')
			put_named(arg, arg_len, utf8, n);
		return 2 + used;
	}
	if (s[1] == 's')
		return 2 + size_argument(s, 2, len);
	if (one_of("fnkFmMgY", s[1])) /* fonts, registers, colours */
		return 2 + argument_len(s, 2, len, &arg, &arg_len);
	if (one_of("hvwlLobDxXNSHRZ", s[1])) /* movements, drawings, devices */
		return 2 + quoted_argument(s, 2, len);
	if (one_of("&|^)/,%:c{}duprzat", s[1])) /* nothing that is seen */
		return 2;
	if (one_of("\"#", s[1])) /* a comment, up to the end of the line */
		return len;
	put_char(one_of("~0", s[1])   ? ' '
		 : one_of("eE", s[1]) ? '\\'
				      : (unsigned char)s[1],
		 utf8, n);
	return 2;
}
