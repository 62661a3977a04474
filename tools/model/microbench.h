/*
 * Inside measure.c's idea: loops that do nothing but read, or nothing but arithmetic, as wide as
 * the processor can. A table for each kind of processor, the best usable one first.
 */
#ifndef MODEL_MICROBENCH_H
#define MODEL_MICROBENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct microbench {
	bool (*usable)(void);
	uint64_t (*read)(const uint8_t *p,
			 size_t len); /* len: a multiple of 256; p aligned to 64 */
	/*
	 * n rounds, each of so many operations (multiplications and additions); int8 may be NULL.
	 */
	uint64_t (*int8)(size_t n);
	size_t int8_ops;
	uint64_t (*f32)(size_t n);
	size_t f32_ops;
};

/* Never NULL. */
const struct microbench *microbench_choose(void);

#endif
