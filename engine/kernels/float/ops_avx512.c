/* Rows of floats with AVX-512. */
#define OPS(name) ops_avx512_##name
#include "engine/kernels/float/ops_vec.h"
