/*
 * The KV cache and attention: what is stored, attention against double precision, and the same bits
 * for a token however a call is cut.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/kernels/kernels.h"
#include "engine/quant/types.h"
#include "tests/engine/kernels/numbers.h"
#include "tests/test.h"

#define OFFSET    64 /* of the layer's part in a page */
#define MAX_PAGES 8

static float number(void)
{
	static uint32_t state = 11;

	return number_next(&state);
}

struct shape {
	enum kv_type type;
	uint32_t heads, group, dim;
	bool causal;
	size_t first, n;
};

struct subject {
	struct attention a;
	uint8_t *pages[MAX_PAGES];
	size_t n_pages, ld; /* of k and v */
	float *k, *v;       /* [n_keys][ld] */
	float *q, *out;
};

/* Pages begin as not-a-number all over: what is not written must not matter. */
static void make(struct subject *s, const struct shape *shape)
{
	const struct kv_shape kv = { shape->type, shape->heads, shape->dim };
	size_t n_keys = shape->first + shape->n, n_heads = (size_t)shape->heads * shape->group;

	*s = (struct subject){ .n_pages = (n_keys + KV_PAGE - 1) / KV_PAGE,
			       .ld = (size_t)shape->heads * shape->dim + 5 };
	assert_true(s->n_pages <= MAX_PAGES);
	assert_int_equal(kv_layer_bytes(&kv) % 64, 0);
	for (size_t i = 0; i < s->n_pages; i++) {
		s->pages[i] = memory_new(OFFSET + kv_layer_bytes(&kv));
		memset(s->pages[i], 0xff, OFFSET + kv_layer_bytes(&kv));
	}
	s->k = memory_new(n_keys * s->ld * sizeof(float));
	s->v = memory_new(n_keys * s->ld * sizeof(float));
	for (size_t i = 0; i < n_keys * s->ld; i++) {
		s->k[i] = 2 * number();
		s->v[i] = 3 * number();
	}
	s->a = (struct attention){
		.kv = kv,
		.n_heads = (uint32_t)n_heads,
		.scale = 1 / sqrtf((float)shape->dim),
		.causal = shape->causal,
		.first = shape->first,
		.n = shape->n,
		.n_keys = n_keys,
		.pages = (const uint8_t *const *)s->pages,
		.page_offset = OFFSET,
		.ldq = n_heads * shape->dim + 1,
		.ldo = n_heads * shape->dim + 2,
	};
	s->q = memory_new(shape->n * s->a.ldq * sizeof(float));
	for (size_t i = 0; i < shape->n * s->a.ldq; i++)
		s->q[i] = 4 * number();
	s->out = memory_new(shape->n * s->a.ldo * sizeof(float));
	for (size_t i = 0; i < shape->n * s->a.ldo; i++)
		s->out[i] = 12345;
	s->a.q = s->q;
	s->a.out = s->out;
}

static void unmake(struct subject *s)
{
	for (size_t i = 0; i < s->n_pages; i++)
		free(s->pages[i]);
	free(s->k), free(s->v), free(s->q), free(s->out);
}

static void store(const struct kernels *k, struct subject *s)
{
	k->kv_store(&s->a.kv, s->pages, OFFSET, 0, s->a.n_keys, s->k, s->v, s->ld);
}

/* Number d of what is stored of a token's head; kernels.h says where it is. */
static double stored(const struct subject *s, bool value, size_t head, size_t token, size_t d)
{
	const uint8_t *part = s->pages[token / KV_PAGE] + OFFSET;
	size_t dim = s->a.kv.head_dim, heads = s->a.kv.n_kv_heads, slot = token % KV_PAGE;
	size_t at = (value ? heads + head : head) * dim * KV_PAGE;
	size_t in = value ? slot * dim + d : d * KV_PAGE + slot, scale;
	uint16_t h;

	if (s->a.kv.type == KV_F16) {
		memcpy(&h, part + 2 * (at + in), 2);
		return (double)quant_f16_to_f32(h);
	}
	scale = (value ? heads + head : head) * dim +
		(value ? slot * (dim / 32) + d / 32 : d / 32 * KV_PAGE + slot);
	memcpy(&h, part + 2 * heads * dim * KV_PAGE + 2 * scale, 2);
	return (double)quant_f16_to_f32(h) * ((const int8_t *)part)[at + in];
}

static void check_stored(const struct subject *s)
{
	size_t dim = s->a.kv.head_dim;

	for (size_t t = 0; t < s->a.n_keys; t++) {
		for (size_t i = 0; i < (size_t)s->a.kv.n_kv_heads * dim; i++) {
			double k = s->k[t * s->ld + i], v = s->v[t * s->ld + i];
			/*
			 * half of a step: of F16 below 4, of 127 quants to 2 and to 3 with a scale
			 * in F16
			 */
			double bound = s->a.kv.type == KV_F16 ? 0x1p-10 : 3 / 127.0 * 0.56;

			assert_true(fabs(stored(s, false, i / dim, t, i % dim) - k) <= bound);
			assert_true(fabs(stored(s, true, i / dim, t, i % dim) - v) <= bound);
		}
	}
}

static void check_token(const struct subject *s, size_t t, size_t head)
{
	const struct attention *a = &s->a;
	size_t n = a->causal ? a->first + t + 1 : a->n_keys, dim = a->kv.head_dim;
	size_t kv = head / (a->n_heads / a->kv.n_kv_heads);
	double p[MAX_PAGES * KV_PAGE], max = -INFINITY, sum = 0;

	for (size_t j = 0; j < n; j++) {
		p[j] = 0;
		for (size_t d = 0; d < dim; d++)
			p[j] += (double)s->q[t * a->ldq + head * dim + d] *
				stored(s, false, kv, j, d);
		p[j] *= (double)a->scale;
		max = fmax(max, p[j]);
	}
	for (size_t j = 0; j < n; j++)
		sum += p[j] = exp(p[j] - max);
	for (size_t d = 0; d < dim; d++) {
		double want = 0, got = (double)s->out[t * a->ldo + head * dim + d];

		for (size_t j = 0; j < n; j++)
			want += p[j] / sum * stored(s, true, kv, j, d);
		if (!(fabs(got - want) <= 2e-5))
			fail_msg("token %zu, head %zu, %zu: %.9g, not %.9g", t, head, d, got, want);
	}
}

static void check_cuts(const struct kernels *k, struct subject *s, void *scratch)
{
	const struct attention whole = s->a;
	size_t bytes = whole.n * whole.ldo * sizeof(float), dim = whole.kv.head_dim;
	size_t group = whole.n_heads / whole.kv.n_kv_heads;
	float *out = memory_new(bytes);

	/* tokens in pieces, heads one by one */
	memcpy(out, s->out, bytes);
	for (size_t i = 0; i < whole.n * whole.ldo; i++)
		s->out[i] = 12345;
	for (size_t t = 0; t < whole.n; t += 5)
		for (size_t h = whole.kv.n_kv_heads; h-- > 0;)
			k->attend(&s->a, t, MIN(t + 5, whole.n), h, h + 1, scratch);
	assert_memory_equal(s->out, out, bytes);
	/* each token as if it had come alone, as it does where text is written */
	for (size_t t = 0; t < whole.n && whole.causal; t++) {
		struct attention one = whole;

		one.first += t;
		one.n = 1;
		one.n_keys = one.first + 1;
		one.q += t * one.ldq;
		one.out = s->out;
		k->attend(&one, 0, 1, 0, whole.kv.n_kv_heads, scratch);
		assert_memory_equal(s->out, out + t * whole.ldo,
				    whole.kv.n_kv_heads * group * dim * sizeof(float));
	}
	free(out);
}

static const struct shape shapes[] = {
	{ KV_F16, 1, 1, 8, true, 0, 1 },      { KV_F16, 2, 1, 64, true, 0, 67 },
	{ KV_F16, 2, 4, 64, true, 100, 9 },   { KV_F16, 1, 3, 40, true, 31, 34 },
	{ KV_F16, 1, 16, 128, true, 60, 13 }, { KV_F16, 1, 5, 80, true, 127, 2 },
	{ KV_F16, 1, 2, 256, true, 62, 4 },   { KV_F16, 1, 7, 24, false, 55, 10 },
	{ KV_F16, 3, 1, 64, false, 0, 30 },   { KV_Q8_0, 1, 1, 32, true, 0, 33 },
	{ KV_Q8_0, 2, 4, 64, true, 100, 9 },  { KV_Q8_0, 1, 16, 32, true, 60, 14 },
	{ KV_Q8_0, 1, 3, 96, true, 63, 2 },   { KV_Q8_0, 1, 1, 256, false, 56, 10 },
	{ KV_F16, 1, 1, 16, true, 0, 200 },   { KV_F16, 1, 40, 16, true, 3, 11 },
};

static void attention_is_right_and_does_not_depend_on_company(void **state)
{
	const struct kernels *k;

	(void)state;
	for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
		void *scratch;

		if (!k->usable()) {
			print_message("%s: not on this processor\n", k->name);
			continue;
		}
		scratch = memory_new(k->attend_scratch);
		for (size_t j = 0; j < ARRAY_LEN(shapes); j++) {
			struct subject s;

			make(&s, &shapes[j]);
			store(k, &s);
			check_stored(&s);
			k->attend(&s.a, 0, s.a.n, 0, s.a.kv.n_kv_heads, scratch);
			for (size_t t = 0; t < s.a.n; t++) {
				for (size_t h = 0; h < s.a.n_heads; h++)
					check_token(&s, t, h);
				for (size_t d = (size_t)s.a.n_heads * s.a.kv.head_dim; d < s.a.ldo;
				     d++)
					assert_true(s.out[t * s.a.ldo + d] == 12345);
			}
			check_cuts(k, &s, scratch);
			unmake(&s);
		}
		free(scratch);
	}
}

/* A cache that one set has written is another's too, to the bit; in pieces of any size. */
static void pages_are_the_same_for_every_set(void **state)
{
	const struct kernels *k, *plain = kernels_choose("portable");

	(void)state;
	for (size_t i = 0; (k = kernels_list(i)) != NULL; i++) {
		for (size_t j = 0; j < ARRAY_LEN(shapes) && k->usable(); j++) {
			uint8_t *want[MAX_PAGES];
			struct subject s;
			size_t bytes;

			make(&s, &shapes[j]);
			s.k[0] = NAN;
			s.k[1] = INFINITY;
			s.v[0] = -INFINITY;
			s.v[1] = 1e20f;
			store(plain, &s);
			bytes = OFFSET + kv_layer_bytes(&s.a.kv);
			for (size_t p = 0; p < s.n_pages; p++) {
				want[p] = memory_new(bytes);
				memcpy(want[p], s.pages[p], bytes);
				memset(s.pages[p], 0xff, bytes);
			}
			for (size_t t = 0, n; t < s.a.n_keys; t += n) {
				n = MIN(1 + t % 50, s.a.n_keys - t);
				k->kv_store(&s.a.kv, s.pages, OFFSET, t, n, s.k + t * s.ld,
					    s.v + t * s.ld, s.ld);
			}
			for (size_t p = 0; p < s.n_pages; p++) {
				assert_memory_equal(s.pages[p], want[p], bytes);
				free(want[p]);
			}
			for (size_t d = 0; d < 8; d++) {
				assert_true(isfinite(stored(&s, false, 0, 0, d)));
				assert_true(isfinite(stored(&s, true, 0, 0, d)));
			}
			unmake(&s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attention_is_right_and_does_not_depend_on_company),
		cmocka_unit_test(pages_are_the_same_for_every_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
