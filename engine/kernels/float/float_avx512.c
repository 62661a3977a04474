/* Products with weights in floats with AVX-512. */
#define FLOAT(name) float_avx512_##name
#include "engine/kernels/float/float_vec.h"
