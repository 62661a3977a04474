#include "retrieval/index/codes_dot.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

int32_t codes_dot_plain(const int8_t *code, const int16_t *query, size_t n)
{
	int32_t sums[CODES_BLOCK / 2] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i += CODES_BLOCK / 2)
		for (size_t k = 0; k < CODES_BLOCK / 2; k++)
			sums[k] += code[i + k] * query[i + k];
	for (size_t k = 0; k < CODES_BLOCK / 2; k++)
		sum += sums[k];
	return sum;
}

#ifdef __x86_64__
/* Sixteen products, summed in pairs. */
__attribute__((target("avx2"))) static inline __m256i dot_half(const int8_t *code,
							       const int16_t *query)
{
	__m256i c = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)code));

	return _mm256_madd_epi16(c, _mm256_loadu_si256((const __m256i *)query));
}

__attribute__((target("avx2"))) static int32_t dot_avx2(const int8_t *code, const int16_t *query,
							size_t n)
{
	__m256i a = _mm256_setzero_si256(), b = a;
	__m128i sum;

	for (size_t i = 0; i < n; i += CODES_BLOCK) {
		a = _mm256_add_epi32(a, dot_half(code + i, query + i));
		b = _mm256_add_epi32(b, dot_half(code + i + 16, query + i + 16));
	}
	a = _mm256_add_epi32(a, b);
	sum = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
	sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
	sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
	return _mm_cvtsi128_si32(sum);
}
#endif

codes_dot_fn *codes_dot_choose(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return dot_avx2;
#endif
	return codes_dot_plain;
}
