#include "engine/token/charsmap.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/util.h"

/*
 * A unit of the trie. Its children are at its own index xor its offset xor the byte that leads to
 * them; the one for byte 0 holds the value if a sequence ends here. A value has the highest bit set
 * and so is nobody's child: labels are compared with it.
 */
#define UNIT_VALUE  UINT32_C(0x80000000)
#define UNIT_LABEL  (UNIT_VALUE | UINT32_C(0xff))
#define UNIT_ENDS   (UINT32_C(1) << 8)
#define UNIT_FAR    (UINT32_C(1) << 9) /* the offset counts blocks of 256 units */
#define BLOCK_UNITS 256

static uint32_t unit_children(const uint32_t *units, uint32_t at)
{
	uint32_t unit = units[at];

	return at ^ ((unit >> 10) << ((unit & UNIT_FAR) != 0 ? 8 : 0));
}

static uint32_t load_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/*
 * Every child of every unit is inside, whether or not the root leads there; n is not 0. Only the
 * root is followed without its label being compared first.
 */
static bool units_valid(const uint32_t *units, size_t n, size_t texts_len)
{
	if ((units[0] & UNIT_VALUE) != 0)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t children;

		if ((units[i] & UNIT_VALUE) != 0)
			continue;
		children = unit_children(units, i);
		if ((children | (BLOCK_UNITS - 1)) >= n)
			return false;
		if ((units[i] & UNIT_ENDS) != 0 && (units[children] & ~UNIT_VALUE) >= texts_len)
			return false;
	}
	return true;
}

static bool texts_valid(const char *texts, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *end = memchr(texts + at, '\0', len - at);

		if (end == NULL || end - (texts + at) > CHARSMAP_TEXT_MAX)
			return false;
		at = (size_t)(end - texts) + 1;
	}
	return true;
}

int charsmap_read(struct charsmap *m, struct arena *a, const uint8_t *data, size_t len,
		  struct ragd_err *err)
{
	size_t trie_len = len >= 4 ? load_u32(data) : 0, n = trie_len / 4, texts_len;
	const char *texts;
	uint32_t *units;

	if (n == 0 || trie_len % 4 != 0 || trie_len > len - 4)
		return ragd_err_set(err, -EINVAL,
				    "vocabulary: a map of characters of %zu bytes whose trie has "
				    "%zu",
				    len, trie_len);
	texts = (const char *)data + 4 + trie_len;
	texts_len = len - 4 - trie_len;
	if (!texts_valid(texts, texts_len))
		return ragd_err_set(err, -EINVAL,
				    "vocabulary: a replacement in the map of characters has no "
				    "end, or more than %d bytes",
				    CHARSMAP_TEXT_MAX);
	units = arena_alloc(a, n, sizeof(*units));
	m->texts = arena_strndup(a, texts, texts_len);
	if (units == NULL || m->texts == NULL)
		return ragd_err_set(err, -ENOMEM, "vocabulary: out of memory");
	for (size_t i = 0; i < n; i++)
		units[i] = load_u32(data + 4 + 4 * i);
	if (!units_valid(units, n, texts_len))
		return ragd_err_set(err, -EINVAL,
				    "vocabulary: the map of characters leads out of itself");
	m->units = units;
	return 0;
}

size_t charsmap_match(const struct charsmap *m, const char *s, size_t len, struct ragd_str *out)
{
	uint32_t at, value = 0;
	size_t longest = 0;

	if (m->units == NULL)
		return 0;
	len = MIN(len, (size_t)CHARSMAP_SEQUENCE_MAX);
	at = unit_children(m->units, 0);
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)s[i];
		uint32_t unit;

		at ^= byte;
		unit = m->units[at];
		if (byte == 0 || (unit & UNIT_LABEL) != byte)
			break;
		at = unit_children(m->units, at);
		if ((unit & UNIT_ENDS) == 0)
			continue;
		longest = i + 1;
		value = m->units[at] & ~UNIT_VALUE;
	}
	if (longest > 0)
		*out = (struct ragd_str){ m->texts + value, strlen(m->texts + value) };
	return longest;
}
