/* The choice of a table of kernels, and the layout of pages that all of them share. */
#include "engine/compute/kernels.h"

#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "base/util.h"
#include "engine/compute/sets.h"

#ifdef __x86_64__
/* In a file for any processor: the question must not be put in words that only some understand. */
bool sets_has_avx2(void)
{
	unsigned a, b, c, d; /* F16C is not among the names that every compiler knows */

	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

bool sets_has_avx512(void)
{
	return sets_has_avx2() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512dq");
}

bool sets_has_vnni(void)
{
	return sets_has_avx512() && __builtin_cpu_supports("avx512vnni");
}
#endif

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
