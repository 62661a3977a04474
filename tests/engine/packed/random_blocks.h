/* Matrices of random blocks, the same on every machine, for the tests of packed weights. */
#ifndef TESTS_ENGINE_PACKED_RANDOM_BLOCKS_H
#define TESTS_ENGINE_PACKED_RANDOM_BLOCKS_H

#include <stdint.h>

#include "engine/packed/pack.h"

/* Every type, quantised ones first. */
extern const enum quant_type random_types[];
extern const size_t random_n_types;
extern const size_t random_n_quantised;

uint32_t random_next(uint64_t *state);
float random_float(uint64_t *state); /* -1 … 1 */

/* Blocks of any quants, with scales of both signs such as models have. `data` is malloc's. */
struct weight_matrix random_matrix(enum quant_type type, uint32_t rows, uint32_t cols,
				   uint64_t seed);
/* The same packed, in memory of its own that is aligned as kernels want it (free `data`). */
struct packed random_packed(const struct weight_matrix *m);

#endif
