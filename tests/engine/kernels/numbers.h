/* Memory as kernels want it, and numbers that look like nothing. */
#ifndef TESTS_ENGINE_KERNELS_NUMBERS_H
#define TESTS_ENGINE_KERNELS_NUMBERS_H

#include <stdlib.h>

#include "tests/test.h"

/* Aligned to a cache line; to free(). */
static inline void *memory_new(size_t n)
{
	void *p = aligned_alloc(64, (n + 63) / 64 * 64);

	assert_non_null(p);
	return p;
}

/* In [-1, 1), from a start of the test's own. */
static inline float number_next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return (float)(int32_t)*state * 0x1p-31f;
}

#endif
