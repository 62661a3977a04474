#include "retrieval/index/codes_search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define ROWS_MIN   4096 /* whose signs differ least: no fewer, nor for each that is wanted */
#define ROWS_EACH  16
#define ROWS_SHARE 6 /* and n * this / dim: the fewer signs there are, the less they tell */
#define COUNTED    8 /* of so many rows one is: enough to tell how many have no more */
#define CACHE_LINE 64

static void scan_rows(const struct codes *c, const struct codes_query *q, struct nearest *near)
{
	for (size_t at = 0; at < c->n; at++)
		nearest_add(near, (uint32_t)at, codes_product(c, at, q));
}

static void query_signs(const struct codes_query *q, uint32_t n_words, uint64_t *out)
{
	memset(out, 0, n_words * sizeof(*out));
	for (uint32_t i = 0; i < q->n; i++)
		out[i / 64] |= (uint64_t)(q->v[i] > 0) << (i % 64);
}

/* In how many signs each row differs. Returns what some `wanted` rows have at most. */
static uint16_t scan_signs(const struct codes *c, const struct codes_query *q, size_t wanted,
			   uint16_t *differ)
{
	codes_differ_fn *scan = codes_differ_choose();
	uint64_t signs[CODES_DIM_MAX / 64];
	uint32_t counts[CODES_DIM_MAX + 1] = { 0 };
	size_t n = 0;
	uint16_t most = 0;

	query_signs(q, c->sign_words, signs);
	scan(c->signs, c->n, c->sign_words, signs, differ);
	for (size_t at = 0; at < c->n; at += COUNTED)
		counts[differ[at]]++;
	while (most < CODES_DIM_MAX && (n += counts[most]) < wanted / COUNTED)
		most++;
	return most;
}

static void prefetch_row(const struct codes *c, size_t at)
{
	const int8_t *row = codes_row(c, at);

	__builtin_prefetch(codes_scale(c, at));
	for (uint32_t i = 0; i < c->stride; i += CACHE_LINE)
		__builtin_prefetch(row + i);
}

/* Rows far apart: the next is asked for while one is multiplied. */
static void scan_chosen(const struct codes *c, const struct codes_query *q, const uint16_t *differ,
			uint16_t most, struct nearest *near)
{
	size_t last = c->n; /* none yet */

	for (size_t at = 0; at < c->n; at++) {
		if (differ[at] > most)
			continue;
		prefetch_row(c, at);
		if (last < c->n)
			nearest_add(near, (uint32_t)last, codes_product(c, last, q));
		last = at;
	}
	if (last < c->n)
		nearest_add(near, (uint32_t)last, codes_product(c, last, q));
}

int codes_search(const struct codes *c, const struct codes_query *q, struct nearest *near)
{
	size_t wanted = MAX(MAX(ROWS_MIN, ROWS_EACH * near->k), c->n * ROWS_SHARE / c->dim);

	if (c->n <= CODES_SCAN_MAX || wanted >= c->n) {
		scan_rows(c, q, near);
	} else {
		uint16_t *differ = malloc(c->n * sizeof(*differ));

		if (differ == NULL)
			return -ENOMEM;
		scan_chosen(c, q, differ, scan_signs(c, q, wanted, differ), near);
		free(differ);
	}
	nearest_sort(near);
	return 0;
}
