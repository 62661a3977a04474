#include "engine/token/encode.h"

#include <stdlib.h>

#include "base/util.h"

void tokens_fini(struct tokens *t)
{
	free(t->ids);
	*t = (struct tokens){ 0 };
}

bool tokens_reserve(struct tokens *t, size_t n)
{
	size_t cap = MAX(t->cap, (size_t)64);
	int32_t *ids;

	if (n <= t->cap - t->n)
		return true;
	while (cap - t->n < n && cap <= SIZE_MAX / 2 / sizeof(*ids))
		cap *= 2;
	ids = cap - t->n < n ? NULL : realloc(t->ids, cap * sizeof(*ids));
	if (ids == NULL) {
		t->failed = true;
		return false;
	}
	t->ids = ids;
	t->cap = cap;
	return true;
}

void tokens_add(struct tokens *t, int32_t id)
{
	if (tokens_reserve(t, 1))
		t->ids[t->n++] = id;
}
