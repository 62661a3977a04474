/* Forward passes: their memory, and segments of sequences as rows and tiles of one pass. */
#include "engine/model/run.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/util.h"
#include "engine/model/shape.h"

/* More than any step takes; sizes stay far from overflow. */
#define TOKENS_MAX ((size_t)1 << 20)
/* Pages of an encoder beyond what one text of max_tokens needs: many short texts in a round. */
#define PAGES_MORE 32
#define ALIGN      64

/* ---- memory --------------------------------------------------------------------------------- */

/* Hands out parts of r->memory, or only counts where that is NULL. */
struct carver {
	uint8_t *base;
	size_t at;
};

static void *carve_room(struct carver *c, size_t n, size_t size)
{
	size_t at = c->at;

	c->at += (n * size + ALIGN - 1) / ALIGN * ALIGN;
	return c->base != NULL ? c->base + at : NULL;
}

static size_t acts_most(const struct run *r, size_t n)
{
	size_t a = acts_bytes(n, r->m->shape.n_embd);
	size_t b = acts_bytes(n, (size_t)shape_dim(r->m, DIM_Q));
	size_t c = acts_bytes(n, r->m->shape.n_ff);

	return MAX(MAX(a, b), c);
}

static void run_carve(struct run *r, struct carver *c)
{
	const struct model_shape *s = &r->m->shape;
	size_t n = r->max_tokens, f = sizeof(float), n_q = (size_t)shape_dim(r->m, DIM_Q);
	size_t kernel = MAX(r->k->matmul_scratch, r->k->attend_scratch);
	size_t rows = MAX(n * r->k->matmul_rows, (size_t)RUN_FEW * RUN_FEW_ROWS);

	r->ld_qkv = (size_t)shape_dim(r->m, DIM_QKV);
	r->spans = carve_room(c, n, sizeof(*r->spans));
	r->tiles = carve_room(c, n, sizeof(*r->tiles));
	r->blocks = carve_room(c, n, sizeof(*r->blocks));
	r->x = carve_room(c, n * s->n_embd, f);
	r->h = carve_room(c, n * s->n_embd, f);
	r->delta = carve_room(c, n * s->n_embd, f);
	r->qkv = r->ff = carve_room(c, n * MAX(s->n_ff, r->ld_qkv + n_q), f);
	r->att = r->qkv != NULL ? r->qkv + n * r->ld_qkv : NULL;
	r->cosine = carve_room(c, n * r->m->rope.n_dims / 2, f);
	r->sine = carve_room(c, n * r->m->rope.n_dims / 2, f);
	r->out = carve_room(
		c, r->max_outputs * (s->causal ? MAX(s->n_vocab, s->n_embd) : s->n_embd), f);
	r->acts_memory = carve_room(c, acts_most(r, r->fine ? 2 * n : n), 1);
	if (r->fine)
		r->fine_x = carve_room(c, 2 * n * MAX(MAX(s->n_embd, s->n_ff), n_q), f);
	r->gated_offset = (kernel + ALIGN - 1) / ALIGN * ALIGN;
	r->fine_offset = r->gated_offset + (rows * f + ALIGN - 1) / ALIGN * ALIGN;
	r->scratch_bytes =
		r->fine_offset + (r->fine ? (2 * rows * f + ALIGN - 1) / ALIGN * ALIGN : 0);
	r->scratch = carve_room(c, r->n_threads, r->scratch_bytes);
	r->page_list = carve_room(c, r->n_pages, sizeof(*r->page_list));
	r->page_memory = carve_room(c, r->n_pages, r->kv_bytes);
}

static void pages_list(struct run *r)
{
	for (size_t i = 0; i < r->n_pages; i++)
		r->page_list[i] = r->page_memory + i * r->kv_bytes;
}

static struct run run_of(const struct model *m, enum kv_type type, size_t max_tokens,
			 size_t max_outputs, unsigned n_threads)
{
	struct run r = {
		.m = m, .k = m->kernels, .n_threads = n_threads, .fine = products_fine(m)
	};

	/* An encoder's keys and values live for a layer: nothing is saved by rounding them. */
	r.kv = (struct kv_shape){ m->shape.causal ? type : KV_F16, m->shape.n_kv_heads,
				  m->shape.head_dim };
	r.kv_bytes = kv_layer_bytes(&r.kv);
	r.attention_scale = (float)(1 / sqrt((double)m->shape.head_dim));
	r.max_tokens = MIN(MAX(max_tokens, 1), TOKENS_MAX);
	r.max_outputs = MIN(max_outputs, r.max_tokens);
	if (!m->shape.causal)
		r.n_pages = r.max_tokens / KV_PAGE + PAGES_MORE;
	return r;
}

size_t run_bytes(const struct model *m, size_t max_tokens, size_t max_outputs, unsigned n_threads)
{
	struct run r = run_of(m, KV_F16, max_tokens, max_outputs, n_threads);
	struct carver c = { NULL, 0 };

	run_carve(&r, &c);
	return c.at;
}

int run_new(const struct model *m, struct threads *t, enum kv_type type, size_t max_tokens,
	    size_t max_outputs, struct run **out, struct ragd_err *err)
{
	struct carver c = { NULL, 0 };
	struct run *r;

	if (max_tokens == 0 || max_tokens > TOKENS_MAX || max_outputs > max_tokens)
		return ragd_err_set(err, -EINVAL, "run: passes of %zu tokens and %zu outputs",
				    max_tokens, max_outputs);
	if (m->shape.causal && type == KV_Q8_0 && m->shape.head_dim % 32 != 0)
		return ragd_err_set(err, -EINVAL,
				    "run: a KV cache of type Q8_0 needs heads of a multiple of 32 "
				    "numbers, those of the model have %u",
				    (unsigned)m->shape.head_dim);
	r = malloc(sizeof(*r));
	if (r == NULL)
		return ragd_err_set(err, -ENOMEM, "run: out of memory");
	*r = run_of(m, type, max_tokens, max_outputs, threads_n(t));
	r->threads = t;
	run_carve(r, &c);
	r->memory_bytes = c.at;
	c.base = mmap(NULL, r->memory_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (c.base == MAP_FAILED) {
		free(r);
		return ragd_err_set(err, -ENOMEM, "run: out of memory for %zu bytes of scratch",
				    c.at);
	}
	r->memory = c.base;
	c.at = 0;
	run_carve(r, &c);
	pages_list(r);
	*out = r;
	return 0;
}

void run_trim(struct run *r)
{
	madvise(r->memory, r->memory_bytes, MADV_DONTNEED);
	pages_list(r);
}

void run_between(struct run *r, void (*fn)(void *arg), void *arg)
{
	r->between = fn;
	r->between_arg = arg;
}

void run_free(struct run *r)
{
	if (r == NULL)
		return;
	munmap(r->memory, r->memory_bytes);
	free(r);
}

/* ---- a pass --------------------------------------------------------------------------------- */

static int segment_check(const struct run *r, const struct segment *s, size_t i,
			 struct ragd_err *err)
{
	const struct model_shape *shape = &r->m->shape;

	if (s->n == 0 || s->n > r->max_tokens || s->n_outputs > s->n)
		return ragd_err_set(err, -EINVAL, "run: segment %zu has %zu tokens, %zu outputs", i,
				    s->n, s->n_outputs);
	if (s->first > shape->n_context || s->n > shape->n_context - s->first)
		return ragd_err_set(err, -EINVAL,
				    "run: segment %zu has %zu tokens from position %zu on, but "
				    "the model's context has %u",
				    i, s->n, s->first, (unsigned)shape->n_context);
	if (shape->causal ? s->pages == NULL : s->first != 0)
		return ragd_err_set(err, -EINVAL, "run: segment %zu %s", i,
				    shape->causal ? "has no pages" : "begins inside a text");
	for (size_t t = 0; t < s->n; t++)
		if (s->ids[t] < 0 || (uint32_t)s->ids[t] >= shape->n_vocab)
			return ragd_err_set(err, -EINVAL,
					    "run: token %d is none of the vocabulary's %u",
					    (int)s->ids[t], (unsigned)shape->n_vocab);
	return 0;
}

static int pass_check(const struct run *r, const struct segment *segments, size_t n,
		      enum run_output what, struct ragd_err *err)
{
	size_t tokens = 0, outputs = 0;

	if (what == RUN_LOGITS && !r->m->shape.causal)
		return ragd_err_set(err, -EINVAL, "run: a model of architecture '%s' has no logits",
				    r->m->arch->name);
	for (size_t i = 0; i < n; i++) {
		int rc = segment_check(r, &segments[i], i, err);

		if (rc < 0)
			return rc;
		tokens += segments[i].n;
		outputs += segments[i].n_outputs;
		if (tokens > r->max_tokens || outputs > r->max_outputs)
			return ragd_err_set(err, -EINVAL,
					    "run: more than %zu tokens or %zu outputs in a pass",
					    r->max_tokens, r->max_outputs);
	}
	return 0;
}

/* Tokens [from, to) of a span in tiles that end where (token + shift) is a multiple of `size`. */
static size_t tiles_cut(struct tile *tiles, uint32_t span, size_t to, size_t shift, size_t size)
{
	size_t n = 0;

	for (size_t from = 0; from < to;) {
		size_t end = MIN((from + shift) / size * size + size - shift, to);

		tiles[n++] = (struct tile){ span, (uint32_t)from, (uint32_t)end };
		from = end;
	}
	return n;
}

void run_blocks(struct run *r, bool wanted)
{
	r->n_blocks = 0;
	for (size_t i = 0; i < r->n_segments; i++)
		r->n_blocks += tiles_cut(r->blocks + r->n_blocks, (uint32_t)i,
					 wanted ? r->spans[i].n_out : r->spans[i].n, 0,
					 MAX(r->k->attend_tokens, 1));
}

int run_forward(struct run *r, const struct segment *segments, size_t n, enum run_output what,
		const float **rows, struct ragd_err *err)
{
	int rc = pass_check(r, segments, n, what, err);

	if (rc < 0)
		return rc;
	r->segments = segments;
	r->n_segments = n;
	r->what = what;
	r->n = r->n_outputs = r->n_tiles = 0;
	for (size_t i = 0; i < n; i++) {
		const struct segment *s = &segments[i];

		r->spans[i] = (struct run_span){ r->n,     s->n,         s->first,
						 s->pages, r->n_outputs, s->n_outputs };
		r->n += s->n;
		r->n_outputs += s->n_outputs;
		r->n_tiles +=
			tiles_cut(r->tiles + r->n_tiles, (uint32_t)i, s->n, s->first, KV_PAGE);
	}
	run_blocks(r, false);
	r->m->arch->forward(r);
	*rows = r->out;
	return 0;
}
