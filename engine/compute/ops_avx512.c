/* Rows of floats with AVX-512. */
#define OPS(name) ops_avx512_##name
#include "engine/compute/ops_vec.h"
