/*
 * The blocks as they lie in a file, for the plain loops and the kernels. All little endian, no
 * padding, aligned to two bytes at most. Sixteen-bit floats are uint16_t: see quant_f16_to_f32.
 */
#ifndef ENGINE_QUANT_BLOCKS_H
#define ENGINE_QUANT_BLOCKS_H

#include <assert.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the blocks of a file are used where they lie: a little-endian machine is needed"
#endif

#define QUANT_BLOCK   32  /* numbers in a block of the plain types */
#define QUANT_SUPER   256 /* numbers in a block of the K types and IQ4_XS */
#define QUANT_SCALES4 12  /* bytes of eight pairs of 6-bit scale and minimum */

/* x[i] = d * qs[i] */
struct quant_q8_0 {
	uint16_t d;
	int8_t qs[32];
};

/* x[i] = d * (q[i] - 8); byte j holds q[j] below and q[j + 16] above, here and in the next four. */
struct quant_q4_0 {
	uint16_t d;
	uint8_t qs[16];
};

/* x[i] = d * q[i] + m */
struct quant_q4_1 {
	uint16_t d;
	uint16_t m;
	uint8_t qs[16];
};

/* x[i] = d * (q[i] - 16); bit i of qh is the fifth of q[i]. */
struct quant_q5_0 {
	uint16_t d;
	uint8_t qh[4];
	uint8_t qs[16];
};

/* x[i] = d * q[i] + m */
struct quant_q5_1 {
	uint16_t d;
	uint16_t m;
	uint8_t qh[4];
	uint8_t qs[16];
};

/* x[i] = d * quant_iq4_values[q[i]] */
struct quant_iq4_nl {
	uint16_t d;
	uint8_t qs[16];
};

/*
 * 16 groups of 16: x = d * (scales & 15) * q - dmin * (scales >> 4). Half h of qs (32 bytes) holds
 * numbers 128 h …: bits 2 k of its byte l are q[128 h + 32 k + l].
 */
struct quant_q2_k {
	uint8_t scales[16];
	uint8_t qs[64];
	uint16_t d;
	uint16_t dmin;
};

/*
 * 16 groups of 16: x = d * (scale - 32) * (q - 4), q's low two bits in qs as in Q2_K, its third is
 * bit i / 32 of hmask[i % 32]. Scale j: four bits in scales[j % 8] (below for j < 8, else above),
 * two in bits 2 (j / 4) of scales[8 + j % 4].
 */
struct quant_q3_k {
	uint8_t hmask[32];
	uint8_t qs[64];
	uint8_t scales[12];
	uint16_t d;
};

/*
 * 8 groups of 32: x = d * scale * q - dmin * min, both of quant_scale4(). Bytes 32 k … of qs hold
 * group 2 k below and 2 k + 1 above.
 */
struct quant_q4_k {
	uint16_t d;
	uint16_t dmin;
	uint8_t scales[QUANT_SCALES4];
	uint8_t qs[128];
};

/* The same with a fifth bit: bit g of qh[i % 32] for group g. */
struct quant_q5_k {
	uint16_t d;
	uint16_t dmin;
	uint8_t scales[QUANT_SCALES4];
	uint8_t qh[32];
	uint8_t qs[128];
};

/*
 * 16 groups of 16: x = d * scales * (q - 32). Half h, quarter k of it (32 numbers): low four bits
 * in ql[64 h + 32 (k % 2) …], below for k < 2, else above; high two in bits 2 k of qh[32 h …].
 */
struct quant_q6_k {
	uint8_t ql[128];
	uint8_t qh[64];
	int8_t scales[16];
	uint16_t d;
};

/*
 * 8 groups of 32: x = d * (scale - 32) * quant_iq4_values[q]; 16 bytes of qs a group, as in IQ4_NL.
 * Scale g: four bits in scales_l[g / 2] (below for even g), two in bits 2 g of scales_h.
 */
struct quant_iq4_xs {
	uint16_t d;
	uint16_t scales_h;
	uint8_t scales_l[4];
	uint8_t qs[128];
};

static_assert(sizeof(struct quant_q8_0) == 34, "Q8_0");
static_assert(sizeof(struct quant_q4_0) == 18, "Q4_0");
static_assert(sizeof(struct quant_q4_1) == 20, "Q4_1");
static_assert(sizeof(struct quant_q5_0) == 22, "Q5_0");
static_assert(sizeof(struct quant_q5_1) == 24, "Q5_1");
static_assert(sizeof(struct quant_iq4_nl) == 18, "IQ4_NL");
static_assert(sizeof(struct quant_q2_k) == 84, "Q2_K");
static_assert(sizeof(struct quant_q3_k) == 110, "Q3_K");
static_assert(sizeof(struct quant_q4_k) == 144, "Q4_K");
static_assert(sizeof(struct quant_q5_k) == 176, "Q5_K");
static_assert(sizeof(struct quant_q6_k) == 210, "Q6_K");
static_assert(sizeof(struct quant_iq4_xs) == 136, "IQ4_XS");

/* The sixteen levels of the IQ4 types. */
extern const int8_t quant_iq4_values[16];

/* Scale and minimum (0 to 63) of group g of a Q4_K or Q5_K block. */
static inline void quant_scale4(const uint8_t scales[QUANT_SCALES4], unsigned g, uint8_t *scale,
				uint8_t *min)
{
	if (g < 4) {
		*scale = scales[g] & 63;
		*min = scales[g + 4] & 63;
	} else {
		*scale = (uint8_t)((scales[g + 4] & 15) | (scales[g - 4] >> 6) << 4);
		*min = (uint8_t)(scales[g + 4] >> 4 | (scales[g] >> 6) << 4);
	}
}

/* Scale (-32 to 31) of group g of a Q3_K block. */
static inline int quant_scale3(const uint8_t scales[12], unsigned g)
{
	unsigned low = g < 8 ? scales[g] & 15 : scales[g - 8] >> 4;
	unsigned high = scales[8 + g % 4] >> 2 * (g / 4) & 3;

	return (int)(low | high << 4) - 32;
}

/* Scale (-32 to 31) of group g of an IQ4_XS block. */
static inline int quant_scale_iq4(const struct quant_iq4_xs *b, unsigned g)
{
	unsigned low = b->scales_l[g / 2] >> 4 * (g % 2) & 15;
	unsigned high = (unsigned)b->scales_h >> 2 * g & 3;

	return (int)(low | high << 4) - 32;
}

#endif
