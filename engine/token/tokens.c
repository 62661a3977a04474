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
