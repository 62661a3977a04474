/* Rows of floats with AVX2. */
#define OPS(name) ops_avx2_##name
#include "engine/kernels/float/ops_vec.h"
