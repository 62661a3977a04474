/* The KV cache and attention with AVX-512. */
#define ATTEND       attend_avx512
#define ATTEND_STORE attend_avx512_store
#include "engine/kernels/float/attend_vec.h"
