/*
 * Words come again: a text's pieces and their tokens, in a table without chains where the last one
 * stays.
 */
#include "engine/token/encode.h"

#include <string.h>

#include "base/util.h"

#define PIECE_MAX 64 /* bytes of a piece that is remembered: longer ones hardly come again */

struct encode_seen *encode_again(struct encoder *e, const char *s, size_t len, bool *again)
{
	struct encode_seen *seen;

	*again = false;
	if (e->seen == NULL || len > PIECE_MAX)
		return NULL;
	seen = &e->seen[table_hash(e->v->texts.seed, s, len) % ENCODE_SEEN];
	if (seen->s == NULL || seen->len != len || memcmp(seen->s, s, len) != 0)
		return seen;
	*again = true;
	if (tokens_reserve(e->out, seen->n)) {
		memcpy(e->out->ids + e->out->n, e->out->ids + seen->from,
		       seen->n * sizeof(*e->out->ids));
		e->out->n += seen->n;
	}
	return NULL;
}

void encode_note(const struct encoder *e, struct encode_seen *seen, const char *s, size_t len,
		 size_t from)
{
	if (seen != NULL)
		*seen = (struct encode_seen){ s, (uint32_t)len, (uint32_t)(e->out->n - from),
					      from };
}
