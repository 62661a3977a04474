/*
 * Whether this processor, and the system on it, runs the instructions of a set of kernels. x86-64
 * only.
 */
#ifndef ENGINE_KERNELS_CPU_FEATURES_H
#define ENGINE_KERNELS_CPU_FEATURES_H

#include <stdbool.h>

bool cpu_has_avx2(void);   /* with FMA and F16C */
bool cpu_has_avx512(void); /* F, BW, VL and DQ, beyond those */
bool cpu_has_vnni(void);   /* beyond those */

#endif
