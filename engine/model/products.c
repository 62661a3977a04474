/*
 * Products with matrices, split over threads by rows of weights. Matrices that multiply the same
 * activations make one list of pieces, so that threads meet once for all of them. Pieces begin at
 * whole groups of rows: how they are cut changes no bit of what they give.
 */
#include "engine/model/run.h"

#include <string.h>

#include "base/util.h"

#define PRODUCTS_MAX 3

/* A piece of fewer bytes of weights costs more to hand out than it saves in balance. */
#define PIECE_BYTES ((size_t)48 << 10)

/* Numbers that one thread is through with before others have woken up. */
#define WORK_ALONE ((size_t)16 << 10)

/* Embeddings up to this are those of small models. */
#define FINE_EMBD 256

struct product_job {
	struct run *r;
	struct product list[PRODUCTS_MAX];
	size_t n;
	size_t rows[PRODUCTS_MAX];  /* of a piece */
	size_t first[PRODUCTS_MAX]; /* item that is the matrix's first piece */
	size_t n_items;
};

bool products_fine(const struct model *m)
{
	return m->shape.n_embd <= FINE_EMBD;
}

void products_take(struct run *r, const float *x, size_t cols, bool integer)
{
	r->plain = (struct acts){ .n = r->n, .cols = cols, .x = x, .ldx = cols };
	r->acts = r->plain;
	if (!integer || r->n == 0)
		return;
	acts_init(&r->acts, r->fine ? 2 * r->n : r->n, cols, true, r->acts_memory);
	r->acts.x = r->fine ? r->fine_x : x;
	r->acts.ldx = cols;
}

/* What quantised row i leaves of its numbers. */
static void rest_of(const struct acts *a, size_t i, float *rest)
{
	const float *x = a->x + i * a->ldx;

	for (size_t c = 0; c < a->cols; c++) {
		const struct acts_chunk *chunk = &a->chunks[c / ACTS_CHUNK * a->n + i];
		size_t at = c % ACTS_CHUNK;

		rest[c] = x[c] - chunk->scale[at / PACK_BLOCK] * (float)chunk->q[at];
	}
}

void products_quantise(struct run *r, size_t from, size_t to)
{
	size_t cols = r->acts.cols;

	if (!r->fine) {
		r->k->quantise(&r->acts, from, to);
		return;
	}
	memcpy(r->fine_x + from * cols, r->plain.x + from * cols,
	       (to - from) * cols * sizeof(float));
	r->k->quantise(&r->acts, from, to);
	for (size_t i = from; i < to; i++)
		rest_of(&r->acts, i, r->fine_x + (r->n + i) * cols);
	r->k->quantise(&r->acts, r->n + from, r->n + to);
}

/* out[i][...] = rows [r0, r1) of w times row i of what was taken. */
static void product_rows(struct run *r, const struct packed *w, size_t r0, size_t r1, float *out,
			 size_t ldo, uint8_t *scratch)
{
	bool integer = packed_is_integer(w);
	size_t n = r1 - r0;
	float *parts;

	if (!integer || !r->fine) {
		r->k->matmul(w, r0, r1, integer ? &r->acts : &r->plain, out, ldo, scratch);
		return;
	}
	parts = (float *)(scratch + r->fine_offset);
	r->k->matmul(w, r0, r1, &r->acts, parts, n, scratch);
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < n; k++)
			out[i * ldo + k] = parts[i * n + k] + parts[(r->n + i) * n + k];
}

static size_t piece_rows(const struct run *r, const struct packed *w)
{
	if (r->n <= RUN_FEW)
		return MIN(PIECE_BYTES / MAX(w->group_bytes, 1) + 1, RUN_FEW_ROWS / PACK_ROWS) *
		       PACK_ROWS;
	return r->k->matmul_rows;
}

static void job_add(struct product_job *job, const struct product *p)
{
	size_t rows = piece_rows(job->r, p->w);

	job->list[job->n] = *p;
	job->rows[job->n] = rows;
	job->first[job->n] = job->n_items;
	job->n_items += (p->w->rows + rows - 1) / rows;
	job->n++;
}

static void products_items(void *arg, size_t from, size_t to, unsigned worker)
{
	const struct product_job *job = arg;
	size_t i = 0;

	for (size_t item = from; item < to; item++) {
		const struct product *p;
		size_t r0;

		while (i + 1 < job->n && item >= job->first[i + 1])
			i++;
		p = &job->list[i];
		r0 = (item - job->first[i]) * job->rows[i];
		product_rows(job->r, p->w, r0, MIN(r0 + job->rows[i], p->w->rows), p->out + r0,
			     p->ldo, run_scratch(job->r, worker));
	}
}

void products_run(struct run *r, const struct product *list, size_t n)
{
	struct product_job job = { .r = r };

	if (r->n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		job_add(&job, &list[i]);
	threads_run(r->threads, job.n_items, 1, products_items, &job);
}

struct gated {
	struct product_job job; /* of the gate alone: the other matrix has the same shape */
	const struct layer *l;
};

static void gated_items(void *arg, size_t from, size_t to, unsigned worker)
{
	const struct gated *g = arg;
	const struct product_job *job = &g->job;
	const struct run *r = job->r;
	uint8_t *scratch = run_scratch(r, worker);
	float *up = (float *)(scratch + r->gated_offset);
	size_t ld = r->m->shape.n_ff, rows = job->rows[0];

	for (size_t item = from; item < to; item++) {
		size_t r0 = item * rows, r1 = MIN(r0 + rows, ld), n = r1 - r0;

		product_rows(job->r, &g->l->gate, r0, r1, r->ff + r0, ld, scratch);
		product_rows(job->r, &g->l->up, r0, r1, up, rows, scratch);
		for (size_t i = 0; i < r->n; i++) {
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
	struct gated g = { { .r = r }, l };

	if (r->n == 0)
		return;
	job_add(&g.job, &(struct product){ &l->gate, r->ff, r->m->shape.n_ff });
	threads_run(r->threads, g.job.n_items, 1, gated_items, &g);
}
