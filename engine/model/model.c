/*
 * Opening a model: shape, tensors, and the weights packed into one mapping. The pages of the file are
 * given back while they are packed, so that the two forms are never in memory together.
 */
#include "engine/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/util.h"
#include "engine/model/arch.h"

#define PACK_ALIGN 64
#define HUGE_PAGE  ((size_t)2 << 20)
/* Bytes of the file that are packed between two calls of progress(). */
#define PACK_STEP ((size_t)8 << 20)

static struct matrix matrix_of(const struct gguf_tensor *t)
{
	return (struct matrix){ t->type, (uint32_t)t->dims[0], (uint32_t)t->dims[1], t->data };
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

/* Bytes of all packed matrices, and numbers in all vectors. */
static int model_measure(const struct bindings *b, size_t *packed, size_t *floats,
			 struct ragd_err *err)
{
	*packed = *floats = 0;
	for (size_t i = 0; i < b->n; i++) {
		struct matrix m = matrix_of(b->list[i].tensor);
		size_t bytes;

		if (b->list[i].rule->use == USE_VECTOR)
			*floats += m.cols;
		if (b->list[i].rule->use != USE_MATRIX)
			continue;
		bytes = pack_bytes(&m);
		if (bytes > SIZE_MAX / 2 || *packed > SIZE_MAX / 2)
			return ragd_err_set(err, -EINVAL, "model: its weights are too large");
		*packed += (bytes + PACK_ALIGN - 1) / PACK_ALIGN * PACK_ALIGN;
	}
	return 0;
}

/* ---- packing -------------------------------------------------------------------------------- */

struct packing {
	const struct model_options *opt;
	const struct gguf *gguf;
	size_t done, all; /* bytes of the file */
	struct matrix matrix;
	uint8_t *out;
	size_t first; /* group that item 0 stands for */
};

static void pack_items(void *arg, size_t from, size_t to, unsigned worker)
{
	struct packing *p = arg;

	(void)worker;
	pack_groups(&p->matrix, p->out, p->first + from, p->first + to);
}

static int matrix_pack(struct packing *p, const struct gguf_tensor *t, struct ragd_err *err)
{
	size_t n = pack_n_groups(&p->matrix), group_bytes = t->n_bytes / p->matrix.rows * PACK_ROWS;
	size_t step = PACK_STEP / group_bytes + 1, before = p->done;
	struct threads *threads = p->opt->threads;

	for (p->first = 0; p->first < n; p->first += step) {
		size_t items = MIN(step, n - p->first);
		size_t end = MIN((p->first + items) * group_bytes, t->n_bytes);

		threads_run(threads, items, items / (4 * threads_n(threads)) + 1, pack_items, p);
		gguf_forget(p->gguf, t->data, end);
		p->done = before + end;
		if (p->opt->progress != NULL &&
		    !p->opt->progress(p->opt->progress_arg, (double)p->done / (double)p->all))
			return ragd_err_set(err, -ECANCELED, "open a model: given up");
	}
	return 0;
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

/* Bindings to where they go: vectors as floats, matrices packed. */
static int weights_load(struct model *m, const struct model_options *opt, const struct bindings *b,
			size_t floats, struct ragd_err *err)
{
	struct packing p = { .opt = opt, .gguf = m->gguf };
	size_t at = 0;
	float *next;
	int rc = 0;

	m->packed = packed_map(m->packed_bytes, opt->huge_pages);
	m->vectors = next = calloc(floats + 1, sizeof(float));
	if (m->packed == NULL || m->vectors == NULL)
		return ragd_err_set(err, -ENOMEM, "model: out of memory for %zu MiB of weights",
				    m->packed_bytes >> 20);
	for (size_t i = 0; i < b->n; i++)
		p.all += b->list[i].rule->use == USE_MATRIX ? b->list[i].tensor->n_bytes : 0;
	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		const struct binding *one = &b->list[i];

		switch (one->rule->use) {
		case USE_MATRIX:
			p.matrix = matrix_of(one->tensor);
			p.out = m->packed + at;
			rc = matrix_pack(&p, one->tensor, err);
			*(struct packed *)one->to = pack_view(&p.matrix, p.out);
			at += (pack_bytes(&p.matrix) + PACK_ALIGN - 1) / PACK_ALIGN * PACK_ALIGN;
			break;
		case USE_VECTOR:
			row_read(one->tensor, 0, next);
			*(const float **)one->to = next;
			next += one->tensor->dims[0];
			break;
		case USE_ROWS:
			*(const struct gguf_tensor **)one->to = one->tensor;
			break;
		case USE_NONE:
			break;
		}
	}
	return rc;
}

/* opt: NULL for an outline. */
static int model_make(const struct gguf *g, const struct kernels *kernels,
		      const struct model_options *opt, struct model **out, struct ragd_err *err)
{
	struct model *m = calloc(1, sizeof(*m));
	struct bindings b = { 0 };
	size_t floats;
	int rc;

	if (m == NULL)
		return ragd_err_set(err, -ENOMEM, "open a model: out of memory");
	m->kernels = kernels != NULL ? kernels : kernels_choose(NULL);
	rc = model_read(m, g, &b, err);
	if (rc == 0)
		rc = model_measure(&b, &m->packed_bytes, &floats, err);
	m->shape.weight_bytes = m->packed_bytes;
	if (rc == 0 && opt != NULL)
		rc = weights_load(m, opt, &b, floats, err);
	if (rc == 0 && opt != NULL)
		rc = rope_factors(m, err);
	bindings_fini(&b);
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
