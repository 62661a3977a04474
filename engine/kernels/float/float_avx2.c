/* Products with weights in floats with AVX2, FMA and F16C. */
#define FLOAT(name) float_avx2_##name
#include "engine/kernels/float/float_vec.h"
