#include "tools/model/microbench.h"

#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/util.h"

#define CHAINS 10 /* independent: enough for two units that take four or five steps each */

#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 10")
#endif

/* Without it the compiler would see that all chains are the same. */
#define KEEP(x) __asm__ volatile("" : "+v"(x))

/* n times: one step of each chain s[k]; then all of them in s[0]. */
/* clang-format off */
#define CHAINS_RUN(s, n, step, add)                                             \
	do {                                                                    \
		for (size_t i = 0; i < (n); i++) {                              \
			UNROLL for (int k = 0; k < CHAINS; k++) {               \
				(s)[k] = step;                                  \
				KEEP((s)[k]);                                   \
			}                                                       \
		}                                                               \
		UNROLL for (int k = 1; k < CHAINS; k++)                         \
			(s)[0] = add((s)[0], (s)[k]);                           \
	} while (0)
/* clang-format on */

/* ---- plain ---------------------------------------------------------------------------------- */

static bool always_usable(void)
{
	return true;
}

static uint64_t plain_read(const uint8_t *p, size_t len)
{
	uint64_t sum[8] = { 0 }, v[8];

	for (size_t i = 0; i < len; i += sizeof(v)) {
		memcpy(v, p + i, sizeof(v));
		for (int k = 0; k < 8; k++)
			sum[k] ^= v[k];
	}
	return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}

static uint64_t plain_f32(size_t n)
{
	float s[32];

	for (int k = 0; k < 32; k++)
		s[k] = (float)k;
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 32; k++)
			s[k] = s[k] * 0.999f + 0.001f;
	for (int k = 1; k < 32; k++)
		s[0] += s[k];
	return (uint64_t)s[0];
}

#ifdef __x86_64__
/* ---- AVX2 ----------------------------------------------------------------------------------- */

#define AVX2 __attribute__((target("avx2,fma")))

static bool avx2_usable(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

AVX2 static uint64_t avx2_end(__m256i v)
{
	uint64_t out[4];

	_mm256_storeu_si256((__m256i *)out, v);
	return out[0] ^ out[1] ^ out[2] ^ out[3];
}

AVX2 static uint64_t avx2_read(const uint8_t *p, size_t len)
{
	__m256i sum[4] = { _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
			   _mm256_setzero_si256() };

	for (size_t i = 0; i < len; i += 128)
		for (size_t k = 0; k < 4; k++)
			sum[k] = _mm256_xor_si256(
				sum[k], _mm256_load_si256((const __m256i *)(p + i + 32 * k)));
	return avx2_end(_mm256_xor_si256(_mm256_xor_si256(sum[0], sum[1]),
					 _mm256_xor_si256(sum[2], sum[3])));
}

AVX2 static uint64_t avx2_f32(size_t n)
{
	__m256 s[CHAINS], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);

	UNROLL for (int k = 0; k < CHAINS; k++) s[k] = x;
	CHAINS_RUN(s, n, _mm256_fmadd_ps(s[k], x, y), _mm256_add_ps);
	return avx2_end(_mm256_castps_si256(s[0]));
}

/* What AVX-512 has one instruction for. */
AVX2 static inline __m256i avx2_dot(__m256i sum, __m256i a, __m256i b)
{
	__m256i t = _mm256_maddubs_epi16(a, b);

	KEEP(t);
	return _mm256_add_epi32(sum, _mm256_madd_epi16(t, _mm256_set1_epi16(1)));
}

AVX2 static uint64_t avx2_int8(size_t n)
{
	__m256i s[CHAINS], a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5);

	UNROLL for (int k = 0; k < CHAINS; k++) s[k] = a;
	CHAINS_RUN(s, n, avx2_dot(s[k], a, b), _mm256_add_epi32);
	return avx2_end(s[0]);
}

/* ---- AVX-512, with VNNI --------------------------------------------------------------------- */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vnni")))

static bool avx512_usable(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vnni");
}

/* _mm512_reduce_add_epi64() adds signed numbers, which may overflow. */
AVX512 static uint64_t avx512_end(__m512i v)
{
	uint64_t out[8];

	_mm512_storeu_si512(out, v);
	return out[0] ^ out[1] ^ out[2] ^ out[3] ^ out[4] ^ out[5] ^ out[6] ^ out[7];
}

AVX512 static uint64_t avx512_read(const uint8_t *p, size_t len)
{
	__m512i sum[4] = { _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
			   _mm512_setzero_si512() };

	for (size_t i = 0; i < len; i += 256)
		for (size_t k = 0; k < 4; k++)
			sum[k] = _mm512_xor_si512(sum[k], _mm512_load_si512(p + i + 64 * k));
	return avx512_end(_mm512_xor_si512(_mm512_xor_si512(sum[0], sum[1]),
					   _mm512_xor_si512(sum[2], sum[3])));
}

AVX512 static uint64_t avx512_f32(size_t n)
{
	__m512 s[CHAINS], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);

	UNROLL for (int k = 0; k < CHAINS; k++) s[k] = x;
	CHAINS_RUN(s, n, _mm512_fmadd_ps(s[k], x, y), _mm512_add_ps);
	return avx512_end(_mm512_castps_si512(s[0]));
}

AVX512 static uint64_t avx512_int8(size_t n)
{
	__m512i s[CHAINS], a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);

	UNROLL for (int k = 0; k < CHAINS; k++) s[k] = a;
	CHAINS_RUN(s, n, _mm512_dpbusd_epi32(s[k], a, b), _mm512_add_epi32);
	return avx512_end(s[0]);
}
#endif

/* ---- the table ------------------------------------------------------------------------------ */

static const struct microbench all[] = {
#ifdef __x86_64__
	{ .usable = avx512_usable,
	  .read = avx512_read,
	  .int8 = avx512_int8,
	  .int8_ops = (size_t)CHAINS * 64 * 2,
	  .f32 = avx512_f32,
	  .f32_ops = (size_t)CHAINS * 16 * 2 },
	{ .usable = avx2_usable,
	  .read = avx2_read,
	  .int8 = avx2_int8,
	  .int8_ops = (size_t)CHAINS * 32 * 2,
	  .f32 = avx2_f32,
	  .f32_ops = (size_t)CHAINS * 8 * 2 },
#endif
	{ .usable = always_usable,
	  .read = plain_read,
	  .f32 = plain_f32,
	  .f32_ops = (size_t)32 * 2 },
};

const struct microbench *microbench_choose(void)
{
	size_t i = 0;

	while (!all[i].usable())
		i++;
	return &all[i];
}
