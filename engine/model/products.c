/*
 * Products with matrices, split over threads by rows of weights. Matrices that multiply the same
 * activations make one list of pieces, so that threads meet once for all of them. Pieces begin at whole
 * groups of rows: how they are cut changes no bit of what they give.
 */
#include "base/util.h"
#include "engine/model/run.h"

#define PRODUCTS_MAX 3

/* A piece of fewer bytes of weights costs more to hand out than it saves in balance. */
#define PIECE_BYTES ((size_t)48 << 10)

/* Numbers that one thread is through with before others have woken up. */
#define WORK_ALONE ((size_t)16 << 10)

struct job {
	struct run *r;
	struct product list[PRODUCTS_MAX];
	size_t n;
	struct acts plain;          /* the same activations as floats */
	size_t rows[PRODUCTS_MAX];  /* of a piece */
	size_t first[PRODUCTS_MAX]; /* item that is the matrix's first piece */
	size_t n_items;
};

static size_t piece_rows(const struct run *r, const struct packed *w)
{
	if (r->acts.n <= RUN_FEW)
		return MIN(PIECE_BYTES / MAX(w->group_bytes, 1) + 1, RUN_FEW_ROWS / PACK_ROWS) *
		       PACK_ROWS;
	return r->k->matmul_rows;
}

static const struct acts *job_acts(const struct job *job, const struct packed *w)
{
	return packed_is_integer(w) ? &job->r->acts : &job->plain;
}

static void job_add(struct job *job, const struct product *p)
{
	size_t rows = piece_rows(job->r, p->w);

	job->list[job->n] = *p;
	job->rows[job->n] = rows;
	job->first[job->n] = job->n_items;
	job->n_items += (p->w->rows + rows - 1) / rows;
	job->n++;
}

static struct job job_of(struct run *r)
{
	struct job job = { .r = r, .plain = r->acts };

	job.plain.integer = false;
	return job;
}

static void products_items(void *arg, size_t from, size_t to, unsigned worker)
{
	const struct job *job = arg;

	for (size_t i = 0; i < job->n && from < to; i++) {
		const struct product *p = &job->list[i];
		size_t rows = job->rows[i], end = job->first[i] + (p->w->rows + rows - 1) / rows;
		size_t r0, r1;

		if (from >= end)
			continue;
		end = MIN(end, to);
		r0 = (from - job->first[i]) * rows;
		r1 = MIN((end - job->first[i]) * rows, p->w->rows);
		job->r->k->matmul(p->w, r0, r1, job_acts(job, p->w), p->out + r0, p->ldo,
				  run_scratch(job->r, worker));
		from = end;
	}
}

void products_run(struct run *r, const struct product *list, size_t n)
{
	struct job job = job_of(r);

	if (r->acts.n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		job_add(&job, &list[i]);
	threads_run(r->threads, job.n_items, 1, products_items, &job);
}

struct gated {
	struct job job; /* of the gate alone: the other matrix has the same shape */
	const struct layer *l;
};

static void gated_items(void *arg, size_t from, size_t to, unsigned worker)
{
	const struct gated *g = arg;
	const struct job *job = &g->job;
	const struct run *r = job->r;
	uint8_t *scratch = run_scratch(r, worker);
	float *up = (float *)(scratch + r->gated_offset);
	size_t ld = r->m->shape.n_ff, rows = job->rows[0];

	for (size_t item = from; item < to; item++) {
		size_t r0 = item * rows, r1 = MIN(r0 + rows, ld), n = r1 - r0;

		r->k->matmul(&g->l->gate, r0, r1, job_acts(job, &g->l->gate), r->ff + r0, ld,
			     scratch);
		r->k->matmul(&g->l->up, r0, r1, job_acts(job, &g->l->up), up, rows, scratch);
		for (size_t i = 0; i < r->acts.n; i++) {
			float *gate_row = r->ff + i * ld + r0, *up_row = up + i * rows;

			if (g->l->gate_bias != NULL)
				r->k->add(gate_row, g->l->gate_bias + r0, n);
			if (g->l->up_bias != NULL)
				r->k->add(up_row, g->l->up_bias + r0, n);
			r->k->silu_mul(gate_row, up_row, gate_row, n);
		}
	}
}

void run_over(struct run *r, size_t n, size_t grain, size_t work, threads_fn fn, void *arg)
{
	if (n == 0)
		return;
	if (work < WORK_ALONE)
		fn(arg, 0, n, 0);
	else
		threads_run(r->threads, n, grain, fn, arg);
}

void products_gated(struct run *r, const struct layer *l)
{
	struct gated g = { job_of(r), l };

	if (r->acts.n == 0)
		return;
	job_add(&g.job, &(struct product){ &l->gate, r->ff, r->m->shape.n_ff });
	threads_run(r->threads, g.job.n_items, 1, gated_items, &g);
}
