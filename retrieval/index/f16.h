/* Half precision (IEEE 754 binary16), in which vectors are stored. */
#ifndef RETRIEVAL_F16_H
#define RETRIEVAL_F16_H

#include <stdint.h>
#include <string.h>

/* For |f| < 65504; rounds to nearest. Below the smallest normal half it gives 0. */
static inline uint16_t f16_from_float(float f)
{
	uint32_t bits, sign, exponent;

	memcpy(&bits, &f, sizeof(bits));
	sign = (bits >> 16) & 0x8000u;
	bits = (bits & 0x7fffffffu) + 0x1000u; /* round; a carry goes into the exponent */
	exponent = bits >> 23;
	if (exponent < 113)
		return (uint16_t)sign;
	return (uint16_t)(sign | ((exponent - 112) << 10) | ((bits >> 13) & 0x3ffu));
}

/* For what f16_from_float made. */
static inline float f16_to_float(uint16_t h)
{
	uint32_t bits = (uint32_t)(h & 0x8000u) << 16;
	float f;

	if ((h & 0x7fffu) != 0)
		bits |= (((uint32_t)h & 0x7fffu) << 13) + (112u << 23);
	memcpy(&f, &bits, sizeof(f));
	return f;
}

#endif
