/* The choice of a table of kernels, and the layout of pages that all of them share. */
#include "engine/kernels/kernels.h"

#include <string.h>

#include "base/util.h"
#include "engine/kernels/sets.h"

/* Best first. */
static const struct kernels *const sets[] = {
#ifdef __x86_64__
	&kernels_vnni,
	&kernels_avx512,
	&kernels_avx2,
#endif
	&kernels_portable,
};

const struct kernels *kernels_list(size_t i)
{
	return i < ARRAY_LEN(sets) ? sets[i] : NULL;
}

const struct kernels *kernels_choose(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		if ((name == NULL || strcmp(name, sets[i]->name) == 0) && sets[i]->usable())
			return sets[i];
	return NULL;
}

size_t kv_layer_bytes(const struct kv_shape *s)
{
	size_t bytes = sets_kv(s, 0).k_scale; /* behind the numbers of all heads */

	if (s->type == KV_Q8_0)
		bytes = sets_kv(s, s->n_kv_heads).v_scale;
	return (bytes + 63) / 64 * 64;
}
