/* Products with quantised weights on AVX-512 that lacks VNNI: the same bits, in more steps. */
#define INT_VNNI 0
#include "engine/kernels/int/int_wide_matmul.h"

void int_avx512_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a,
		       float *out, size_t ldo, void *scratch)
{
	wide_matmul(w, r0, r1, a, out, ldo, scratch);
}
