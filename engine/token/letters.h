/*
 * The letters of byte-level BPE: GPT-2 writes each byte as one printable character, so that its
 * vocabulary and merges are text. What prints in Latin-1 stands for itself, the rest follow U+0100.
 */
#ifndef ENGINE_TOKEN_LETTERS_H
#define ENGINE_TOKEN_LETTERS_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t letter_of_byte(uint8_t byte)
{
	if (byte <= ' ')
		return 0x100u + byte;
	if (byte >= 0x7F && byte <= 0xA0)
		return 0x121u + (byte - 0x7Fu);
	return byte == 0xAD ? 0x143u : byte;
}

/* -1 if no byte is written so. */
static inline int byte_of_letter(uint32_t cp)
{
	if (cp >= 0x100 && cp <= 0x120)
		return (int)(cp - 0x100);
	if (cp >= 0x121 && cp <= 0x142)
		return (int)(cp - 0x121 + 0x7F);
	if (cp == 0x143)
		return 0xAD;
	return cp <= ' ' || cp > 0xFF || (cp >= 0x7F && cp <= 0xA0) || cp == 0xAD ? -1 : (int)cp;
}

#endif
