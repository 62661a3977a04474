/* Maps of characters of a few rules, as a file has them: a block of 256 units for each node. */
#ifndef TESTS_ENGINE_TOKEN_MAP_H
#define TESTS_ENGINE_TOKEN_MAP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "engine/token/charsmap.h"

#define MAP_BLOCK     256
#define MAP_NODES_MAX 64
#define MAP_ENDS      (UINT32_C(1) << 8)
#define MAP_FAR       (UINT32_C(1) << 9)
#define MAP_VALUE     (UINT32_C(1) << 31)

struct map {
	uint32_t units[(MAP_NODES_MAX + 1) * MAP_BLOCK];
	size_t n_units;
	struct buf texts;
};

/* The children of the unit at `at` get a block of their own. */
static inline uint32_t map_block_new(struct map *m, uint32_t at)
{
	uint32_t block = (uint32_t)m->n_units;

	m->units[at] |= (at ^ block) << 10;
	m->n_units += MAP_BLOCK;
	return block;
}

static inline void map_begin(struct map *m)
{
	buf_fini(&m->texts);
	memset(m, 0, sizeof(*m));
	m->n_units = MAP_BLOCK;
	map_block_new(m, 0);
}

/* `what` is read as `as`. False: there is no room for it. */
static inline bool map_add(struct map *m, const char *what, const char *as)
{
	uint32_t at = 0, block = MAP_BLOCK;

	if (m->n_units + strlen(what) * MAP_BLOCK > sizeof(m->units) / sizeof(m->units[0]))
		return false;
	for (; *what != '\0'; what++) {
		if (block + MAP_BLOCK > m->n_units) /* a fuzzer wrote over a unit */
			return false;
		at = block + (unsigned char)*what;
		if ((m->units[at] & 0xff) == 0) {
			m->units[at] = (unsigned char)*what;
			map_block_new(m, at);
		}
		block = at ^ (m->units[at] >> 10);
	}
	if (at == 0 || block >= m->n_units)
		return false;
	m->units[at] |= MAP_ENDS;
	m->units[block] = MAP_VALUE | (uint32_t)m->texts.len;
	buf_adds(&m->texts, as);
	buf_addc(&m->texts, '\0');
	return true;
}

static inline void map_write(const struct map *m, struct buf *out)
{
	uint32_t len = (uint32_t)m->n_units * 4;

	buf_add(out, &len, 4);
	buf_add(out, m->units, len);
	buf_add(out, m->texts.data, m->texts.len);
}

#endif
