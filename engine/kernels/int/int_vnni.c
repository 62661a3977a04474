/* Products with quantised weights on AVX-512 with VNNI: vpdpbusd is what units were made for. */
#define INT_VNNI 1
#include "engine/kernels/int/int_wide_matmul.h"

void int_vnni_matmul(const struct packed *w, size_t r0, size_t r1, const struct acts *a, float *out,
		     size_t ldo, void *scratch)
{
	wide_matmul(w, r0, r1, a, out, ldo, scratch);
}
