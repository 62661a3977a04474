/* How loops and functions of kernels are told to become straight code. */
#ifndef ENGINE_KERNELS_INLINE_H
#define ENGINE_KERNELS_INLINE_H

#define INLINE static inline __attribute__((always_inline))

/* Loops whose bounds are constants and whose arrays are to live in registers. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#endif
