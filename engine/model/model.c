/*
 * Opening a model: shape, tensors, and the weights packed into one mapping. The file is read piece
 * by piece, so that the two forms are never in memory together, into memory that nobody else can
 * change.
 */
#include "engine/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/util.h"
#include "engine/gguf/gguf.h"
#include "engine/model/bind.h"
#include "engine/model/shape.h"

#define PACK_ALIGN 64
#define HUGE_PAGE  ((size_t)2 << 20)
/* Bytes of the file that are packed between two calls of progress(). */
#define PACK_STEP ((size_t)8 << 20)

static struct weight_matrix matrix_of(const struct gguf_tensor *t)
{
	return (struct weight_matrix){ t->type, (uint32_t)t->dims[0], (uint32_t)t->dims[1], NULL };
}

static size_t mapping_bytes(size_t packed)
{
	return (packed + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
}

static void model_fini(struct model *m)
{
	if (m->packed != NULL)
		munmap(m->packed, mapping_bytes(m->packed_bytes));
	free(m->vectors);
	free(m->rows);
	free(m->rope.frequency);
	free(m->layers);
}

static int arch_refuse(struct ragd_str name, struct ragd_err *err)
{
	char list[120] = "";
	size_t len = 0;

	for (size_t i = 0; arch_at(i) != NULL && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i > 0 ? ", " : "",
					arch_at(i)->name);
	return ragd_err_set(err, -ENOTSUP,
			    "model: architecture '%.*s' is not supported; what is: %s",
			    (int)MIN(name.len, 40), name.s, list);
}

/* Shape and bindings: all that can be known without touching the weights. */
static int model_read(struct model *m, const struct gguf *g, struct bindings *b,
		      struct ragd_err *err)
{
	struct ragd_str name;
	int rc;

	m->gguf = g;
	if (!gguf_str(g, "general.architecture", &name))
		return ragd_err_set(err, -EINVAL, "model: 'general.architecture' is missing");
	for (size_t i = 0; (m->arch = arch_at(i)) != NULL; i++)
		if (strlen(m->arch->name) == name.len &&
		    memcmp(m->arch->name, name.s, name.len) == 0)
			break;
	if (m->arch == NULL)
		return arch_refuse(name, err);
	rc = shape_read(m, err);
	if (rc < 0)
		return rc;
	if (m->shape.n_layers > gguf_n_tensors(g)) /* before memory is taken for them */
		return ragd_err_set(err, -EINVAL, "model: %u layers, but %zu tensors",
				    (unsigned)m->shape.n_layers, gguf_n_tensors(g));
	m->layers = calloc(m->shape.n_layers, sizeof(*m->layers));
	if (m->layers == NULL)
		return ragd_err_set(err, -ENOMEM, "open a model: out of memory");
	return bind_tensors(m, b, err);
}

/*
 * The binding that packs the tensor of this one, or NULL: a matrix that serves as a table, too, is
 * there.
 */
static const struct binding *packs_same(const struct bindings *b, const struct binding *rows)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->list[i].rule->use == USE_MATRIX && b->list[i].tensor == rows->tensor)
			return &b->list[i];
	return NULL;
}

struct sizes {
	size_t packed; /* bytes of all packed matrices */
	size_t floats; /* numbers in all vectors */
	size_t rows;   /* bytes of all tables that are not packed */
};

static size_t size_aligned(size_t bytes)
{
	return (bytes + PACK_ALIGN - 1) / PACK_ALIGN * PACK_ALIGN;
}

static int model_measure(const struct bindings *b, struct sizes *out, struct ragd_err *err)
{
	*out = (struct sizes){ 0 };
	for (size_t i = 0; i < b->n; i++) {
		struct weight_matrix m = matrix_of(b->list[i].tensor);
		size_t bytes;

		if (b->list[i].rule->use == USE_VECTOR)
			out->floats += m.cols;
		if (b->list[i].rule->use == USE_ROWS && packs_same(b, &b->list[i]) == NULL)
			out->rows += size_aligned(b->list[i].tensor->n_bytes);
		if (b->list[i].rule->use != USE_MATRIX)
			continue;
		bytes = pack_bytes(&m);
		if (bytes > SIZE_MAX / 2 || out->packed > SIZE_MAX / 2)
			return ragd_err_set(err, -EINVAL, "model: its weights are too large");
		out->packed += size_aligned(bytes);
	}
	return 0;
}

/* ---- packing -------------------------------------------------------------------------------- */

struct loading {
	const struct model_options *opt;
	const struct gguf *gguf;
	size_t done, all; /* bytes of the file */
	uint8_t *piece;   /* of the file, to be packed */
	size_t piece_bytes;
	/* What goes to whom now. */
	struct weight_matrix matrix; /* rows in `piece` */
	uint8_t *out;
};

static void pack_items(void *arg, size_t from, size_t to, unsigned worker)
{
	struct loading *l = arg;

	(void)worker;
	pack_groups(&l->matrix, l->out, from, to);
}

static int tell_progress(struct loading *l, size_t bytes, struct ragd_err *err)
{
	l->done += bytes;
	if (l->opt->progress == NULL ||
	    l->opt->progress(l->opt->progress_arg, (double)l->done / (double)l->all))
		return 0;
	return ragd_err_set(err, -ECANCELED, "open a model: given up");
}

static bool piece_room(struct loading *l, size_t bytes)
{
	if (bytes > l->piece_bytes) {
		free(l->piece);
		l->piece = malloc(bytes);
		l->piece_bytes = l->piece != NULL ? bytes : 0;
	}
	return l->piece != NULL;
}

static int matrix_load(struct loading *l, const struct gguf_tensor *t, uint8_t *out,
		       struct ragd_err *err)
{
	struct weight_matrix all = matrix_of(t);
	size_t row_bytes = t->n_bytes / all.rows, n_threads = threads_n(l->opt->threads);
	size_t step = (PACK_STEP / (row_bytes * PACK_ROWS) + 1) * PACK_ROWS, n; /* rows */
	int rc = 0;

	if (!piece_room(l, MIN(step, all.rows) * row_bytes))
		return ragd_err_set(err, -ENOMEM, "open a model: out of memory");
	for (size_t row = 0; rc == 0 && row < all.rows; row += n) {
		n = MIN(step, all.rows - row);
		rc = gguf_tensor_read(l->gguf, t, row * row_bytes, l->piece, n * row_bytes, err);
		if (rc < 0)
			break;
		l->matrix = (struct weight_matrix){ all.type, all.cols, (uint32_t)n, l->piece };
		l->out = out + row / PACK_ROWS * pack_view(&all, out).group_bytes;
		threads_run(l->opt->threads, pack_n_groups(&l->matrix),
			    pack_n_groups(&l->matrix) / (4 * n_threads) + 1, pack_items, l);
		rc = tell_progress(l, n * row_bytes, err);
	}
	return rc;
}

static int vector_load(struct loading *l, const struct gguf_tensor *t, float *out,
		       struct ragd_err *err)
{
	int rc;

	if (!piece_room(l, t->n_bytes))
		return ragd_err_set(err, -ENOMEM, "open a model: out of memory");
	rc = gguf_tensor_read(l->gguf, t, 0, l->piece, t->n_bytes, err);
	if (rc == 0)
		quant_unpack(t->type, l->piece, out, t->dims[0]);
	return rc;
}

static int rows_load(struct loading *l, const struct gguf_tensor *t, uint8_t *out,
		     struct ragd_err *err)
{
	int rc = 0;

	for (size_t at = 0, n; rc == 0 && at < t->n_bytes; at += n) {
		n = MIN(PACK_STEP, t->n_bytes - at);
		rc = gguf_tensor_read(l->gguf, t, at, out + at, n, err);
		if (rc == 0)
			rc = tell_progress(l, n, err);
	}
	return rc;
}

/* Memory for the packed weights, which begins and ends at borders of huge pages. */
static uint8_t *packed_map(size_t packed, bool huge)
{
	size_t bytes = mapping_bytes(packed), head;
	uint8_t *all;

	all = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	head = -(uintptr_t)all & (HUGE_PAGE - 1);
	if (head > 0)
		munmap(all, head);
	munmap(all + head + bytes, HUGE_PAGE - head);
	madvise(all + head, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	return all + head;
}

/* Where the next of each kind goes. */
struct places {
	uint8_t *packed, *rows;
	float *vector;
};

/* A binding to where it goes: a vector as floats, a matrix packed, a table as it is. */
static int binding_load(struct loading *l, const struct bindings *b, const struct binding *one,
			struct places *to, struct ragd_err *err)
{
	struct weight_matrix m = matrix_of(one->tensor);
	const struct binding *same;
	int rc = 0;

	switch (one->rule->use) {
	case USE_MATRIX:
		rc = matrix_load(l, one->tensor, to->packed, err);
		*(struct packed *)one->to = pack_view(&m, to->packed);
		to->packed += size_aligned(pack_bytes(&m));
		break;
	case USE_VECTOR:
		rc = vector_load(l, one->tensor, to->vector, err);
		*(const float **)one->to = to->vector;
		to->vector += m.cols;
		break;
	case USE_ROWS:
		same = packs_same(b, one);
		*(struct rows *)one->to = (struct rows){ m.type, m.cols, m.rows, NULL, NULL };
		if (same != NULL) {
			((struct rows *)one->to)->packed = same->to;
			break;
		}
		((struct rows *)one->to)->data = to->rows;
		rc = rows_load(l, one->tensor, to->rows, err);
		to->rows += size_aligned(one->tensor->n_bytes);
		break;
	case USE_NONE:
		break;
	}
	return rc;
}

static int weights_load(struct model *m, const struct model_options *opt, const struct bindings *b,
			const struct sizes *sizes, struct ragd_err *err)
{
	struct loading l = { .opt = opt, .gguf = m->gguf };
	struct places to;
	int rc = 0;

	m->packed = packed_map(m->packed_bytes, opt->huge_pages);
	m->vectors = calloc(sizes->floats + 1, sizeof(float));
	m->rows = malloc(sizes->rows + 1);
	if (m->packed == NULL || m->vectors == NULL || m->rows == NULL)
		return ragd_err_set(err, -ENOMEM, "model: out of memory for %zu MiB of weights",
				    (m->packed_bytes + sizes->rows) >> 20);
	to = (struct places){ m->packed, m->rows, m->vectors };
	for (size_t i = 0; i < b->n; i++)
		if (b->list[i].rule->use == USE_MATRIX ||
		    (b->list[i].rule->use == USE_ROWS && packs_same(b, &b->list[i]) == NULL))
			l.all += b->list[i].tensor->n_bytes;
	for (size_t i = 0; rc == 0 && i < b->n; i++)
		rc = binding_load(&l, b, &b->list[i], &to, err);
	free(l.piece);
	return rc == 0 ? gguf_unchanged(m->gguf, err) : rc;
}

/* opt: NULL for an outline. */
static int model_make(const struct gguf *g, const struct kernels *kernels,
		      const struct model_options *opt, struct model **out, struct ragd_err *err)
{
	struct model *m = calloc(1, sizeof(*m));
	struct bindings b = { 0 };
	struct sizes sizes = { 0 };
	int rc;

	if (m == NULL)
		return ragd_err_set(err, -ENOMEM, "open a model: out of memory");
	m->kernels = kernels != NULL ? kernels : kernels_choose(NULL);
	rc = model_read(m, g, &b, err);
	if (rc == 0)
		rc = model_measure(&b, &sizes, err);
	m->packed_bytes = m->shape.weight_bytes = sizes.packed;
	m->shape.table_bytes = sizes.rows;
	if (rc == 0 && opt != NULL)
		rc = weights_load(m, opt, &b, &sizes, err);
	if (rc == 0 && opt != NULL)
		rc = rope_factors(m, err);
	bindings_fini(&b);
	m->gguf = NULL;
	if (rc < 0) {
		model_close(m);
		return rc;
	}
	*out = m;
	return 0;
}

int model_open(const struct gguf *g, const struct model_options *opt, struct model **out,
	       struct ragd_err *err)
{
	return model_make(g, opt->kernels, opt, out, err);
}

int model_outline(const struct gguf *g, const struct kernels *kernels, struct model **out,
		  struct ragd_err *err)
{
	return model_make(g, kernels, NULL, out, err);
}

void model_close(struct model *m)
{
	if (m == NULL)
		return;
	model_fini(m);
	free(m);
}

const struct model_shape *model_shape(const struct model *m)
{
	return &m->shape;
}

const struct kernels *model_kernels(const struct model *m)
{
	return m->kernels;
}

size_t model_page_bytes(const struct model *m, enum kv_type type)
{
	struct kv_shape s = { type, m->shape.n_kv_heads, m->shape.head_dim };

	return m->shape.n_layers * kv_layer_bytes(&s);
}
