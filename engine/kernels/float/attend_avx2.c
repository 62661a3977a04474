/* The KV cache and attention with AVX2, FMA and F16C. */
#define ATTEND       attend_avx2
#define ATTEND_STORE attend_avx2_store
#include "engine/kernels/float/attend_vec.h"
