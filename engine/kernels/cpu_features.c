/*
 * Questions to the processor. They stand in a file for any processor, since a set of kernels is
 * compiled with instructions that a processor may not have, and must not be entered to find that
 * out.
 */
#include "engine/kernels/cpu_features.h"

#ifdef __x86_64__
#include <cpuid.h>

bool cpu_has_avx2(void)
{
	unsigned a, b, c, d; /* F16C is not among the names that every compiler knows */

	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

bool cpu_has_avx512(void)
{
	return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512dq");
}

bool cpu_has_vnni(void)
{
	return cpu_has_avx512() && __builtin_cpu_supports("avx512vnni");
}
#endif
