#include "tools/model/measure.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/util.h"
#include "tools/model/microbench.h"

#define MEMORY   ((size_t)256 << 20) /* no cache holds it */
#define PIECE    ((size_t)1 << 20)
#define OPS      ((size_t)10000) /* rounds in a piece of arithmetic: some tenths of a millisecond */
#define PIECES   64              /* of arithmetic for each thread */
#define LEAST_US 60000
#define ROUNDS   3 /* the best of */

struct measure {
	struct threads *threads;
	const struct microbench *loops;
	uint8_t *memory;
	_Atomic uint64_t sink; /* results have to go somewhere */
};

static void write_cb(void *arg, size_t from, size_t to, unsigned worker)
{
	struct measure *m = arg;

	(void)worker;
	memset(m->memory + from * PIECE, (int)from + 1, (to - from) * PIECE);
}

static void read_cb(void *arg, size_t from, size_t to, unsigned worker)
{
	struct measure *m = arg;

	(void)worker;
	m->sink ^= m->loops->read(m->memory + from * PIECE, (to - from) * PIECE);
}

static void int8_cb(void *arg, size_t from, size_t to, unsigned worker)
{
	struct measure *m = arg;

	(void)worker;
	m->sink ^= m->loops->int8((to - from) * OPS);
}

static void f32_cb(void *arg, size_t from, size_t to, unsigned worker)
{
	struct measure *m = arg;

	(void)worker;
	m->sink ^= m->loops->f32((to - from) * OPS);
}

/*
 * The best of some rounds: what disturbs one only slows it. `amount`: of one call of threads_run().
 */
static double measure_rate(struct measure *m, size_t n_items, threads_fn fn, double amount)
{
	double best = 0, now;
	int64_t start, us;
	int n;

	for (int i = 0; i < ROUNDS; i++) {
		start = clock_us();
		n = 0;
		do {
			threads_run(m->threads, n_items, 1, fn, m);
			n++;
			us = clock_us() - start;
		} while (us < LEAST_US);
		now = amount * n / (double)us * 1e6;
		best = MAX(best, now);
	}
	return best;
}

int measure_open(struct threads *t, struct measure **out, struct ragd_err *err)
{
	struct measure *m = calloc(1, sizeof(*m));

	if (m != NULL)
		m->memory = aligned_alloc((size_t)2 << 20, MEMORY);
	if (m == NULL || m->memory == NULL) {
		free(m);
		return ragd_err_set(err, -ENOMEM, "measure: out of memory");
	}
	m->threads = t;
	m->loops = microbench_choose();
	madvise(m->memory, MEMORY, MADV_HUGEPAGE);
	threads_run(t, MEMORY / PIECE, 1, write_cb, m);
	*out = m;
	return 0;
}

void measure_close(struct measure *m)
{
	if (m == NULL)
		return;
	free(m->memory);
	free(m);
}

double measure_read(struct measure *m)
{
	return measure_rate(m, MEMORY / PIECE, read_cb, (double)MEMORY);
}

double measure_int8(struct measure *m)
{
	size_t n = (size_t)PIECES * threads_n(m->threads);

	if (m->loops->int8 == NULL)
		return 0;
	return measure_rate(m, n, int8_cb, (double)(n * OPS * m->loops->int8_ops));
}

double measure_f32(struct measure *m)
{
	size_t n = (size_t)PIECES * threads_n(m->threads);

	return measure_rate(m, n, f32_cb, (double)(n * OPS * m->loops->f32_ops));
}
