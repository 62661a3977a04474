#include "engine/token/encode.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/array.h"

void tokens_fini(struct tokens *t)
{
	free(t->ids);
	*t = (struct tokens){ 0 };
}

bool tokens_reserve(struct tokens *t, size_t n)
{
	if (n <= SIZE_MAX - t->n && array_reserve(&t->ids, &t->cap, t->n + n, sizeof(*t->ids)))
		return true;
	t->failed = true;
	return false;
}

void tokens_add(struct tokens *t, int32_t id)
{
	if (tokens_reserve(t, 1))
		t->ids[t->n++] = id;
}

bool encode_unknown(struct encoder *e, const char *s, size_t len, size_t from)
{
	int32_t unknown = e->v->unknown;
	bool bytes = true;

	for (size_t i = 0; i < len; i++)
		bytes = bytes && e->v->byte_id[(unsigned char)s[i]] != TOKEN_NONE;
	for (size_t i = 0; i < len && bytes; i++)
		tokens_add(e->out, e->v->byte_id[(unsigned char)s[i]]);
	if (bytes || unknown == TOKEN_NONE)
		return bytes;
	/* Byte-level BPE has one for each byte. */
	if (e->v->kind == VOCAB_BPE || e->out->n == from || e->out->ids[e->out->n - 1] != unknown)
		tokens_add(e->out, unknown);
	return false;
}
