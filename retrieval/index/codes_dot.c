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

/* ---- signs ----------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void rows_differ(const uint64_t *rows, size_t n_rows,
							      size_t n_words, const uint64_t *query,
							      uint16_t *out)
{
	for (size_t i = 0; i < n_rows; i++, rows += n_words) {
		unsigned n = 0;

		for (size_t w = 0; w < n_words; w++)
			n += (unsigned)__builtin_popcountll(rows[w] ^ query[w]);
		out[i] = (uint16_t)n;
	}
}

void codes_differ_plain(const uint64_t *rows, size_t n_rows, size_t n_words, const uint64_t *query,
			uint16_t *out)
{
	rows_differ(rows, n_rows, n_words, query, out);
}

#ifdef __x86_64__
/* Of 384 numbers are most encoders' vectors: with the number known, the loop is unrolled. */
__attribute__((target("popcnt"))) static void differ_popcnt(const uint64_t *rows, size_t n_rows,
							    size_t n_words, const uint64_t *query,
							    uint16_t *out)
{
	if (n_words == 6)
		rows_differ(rows, n_rows, 6, query, out);
	else
		rows_differ(rows, n_rows, n_words, query, out);
}
#endif

/* ---- what this processor has ----------------------------------------------------------------- */

codes_differ_fn *codes_differ_choose(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("popcnt"))
		return differ_popcnt;
#endif
	return codes_differ_plain;
}

codes_dot_fn *codes_dot_choose(void)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return dot_avx2;
#endif
	return codes_dot_plain;
}
