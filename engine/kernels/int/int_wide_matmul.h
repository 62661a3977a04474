/* The whole product of a set that has first defined INT_VNNI; see int_wide.h. */
#ifndef ENGINE_KERNELS_INT_INT_WIDE_MATMUL_H
#define ENGINE_KERNELS_INT_INT_WIDE_MATMUL_H

#include "engine/kernels/int/int_few.h"
#include "engine/kernels/int/int_many.h"

INLINE void wide_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
			float *out, size_t ldo, void *scratch)
{
	if (a->n == 0)
		return;
	if (a->n <= FEW_TOKENS)
		few_tokens(w, r0, r1, a, out, ldo);
	else
		many_tokens(w, r0, r1, a, out, ldo, scratch);
}

#endif
