#include "engine/gguf/index.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "engine/gguf/parse.h"

static const struct ragd_str *item_name(const struct gguf_index *x, uint32_t i)
{
	return (const void *)(x->items + (size_t)i * x->size);
}

static int name_order(const void *a, const void *b, void *index)
{
	return gguf_str_cmp(*item_name(index, *(const uint32_t *)a),
			    *item_name(index, *(const uint32_t *)b));
}

int gguf_index_init(struct gguf_index *x, const void *items, size_t n, size_t size)
{
	*x = (struct gguf_index){ items, n, size, calloc(MAX(n, 1), sizeof(*x->order)) };
	if (x->order == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		x->order[i] = (uint32_t)i;
	qsort_r(x->order, n, sizeof(*x->order), name_order, x);
	return 0;
}

void gguf_index_fini(struct gguf_index *x)
{
	free(x->order);
	x->order = NULL;
}

const struct ragd_str *gguf_index_twice(const struct gguf_index *x)
{
	for (size_t i = 1; i < x->n; i++) {
		const struct ragd_str *name = item_name(x, x->order[i]);

		if (gguf_str_cmp(*name, *item_name(x, x->order[i - 1])) == 0)
			return name;
	}
	return NULL;
}

const void *gguf_index_find(const struct gguf_index *x, struct ragd_str name)
{
	size_t lo = 0, hi = x->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct ragd_str *at = item_name(x, x->order[mid]);
		int c = gguf_str_cmp(name, *at);

		if (c == 0)
			return at;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}
