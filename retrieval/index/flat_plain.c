#include "retrieval/index/flat.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "retrieval/index/dense.h"

struct flat {
	float *data; /* [cap][dim] */
	size_t n, cap;
	uint32_t dim;
};

static const char magic[] = { 'r', 'a', 'g', 'd', 'f', 'l', 'a', 't' };

struct flat_header {
	char magic[8];
	uint32_t dim;
	uint32_t reserved;
	uint64_t n;
};

struct flat *flat_new(uint32_t dim)
{
	struct flat *f = calloc(1, sizeof(*f));

	if (f != NULL)
		f->dim = dim;
	return f;
}

void flat_free(struct flat *f)
{
	if (f == NULL)
		return;
	free(f->data);
	free(f);
}

size_t flat_count(const struct flat *f)
{
	return f->n;
}

float *flat_data(const struct flat *f)
{
	return f->data;
}

static int flat_resize(struct flat *f, size_t cap)
{
	float *data = reallocarray(f->data, MAX(cap, (size_t)1), f->dim * sizeof(*data));

	if (data == NULL)
		return -ENOMEM;
	f->data = data;
	f->cap = cap;
	return 0;
}

int flat_grow(struct flat *f, size_t n)
{
	if (n <= f->n)
		return 0;
	if (n > f->cap && flat_resize(f, MAX(n, f->cap + f->cap / 2)) < 0)
		return -ENOMEM;
	memset(f->data + f->n * f->dim, 0, (n - f->n) * f->dim * sizeof(*f->data));
	f->n = n;
	return 0;
}

void flat_shrink(struct flat *f, size_t n)
{
	f->n = MIN(n, f->n);
	(void)flat_resize(f, f->n); /* if it fails, it keeps what it has */
}

/* ---- the nearest: a heap of k, the worst of them on top -------------------------------------- */

static bool hit_is_worse(const struct flat_hit *a, const struct flat_hit *b)
{
	return a->product != b->product ? a->product < b->product : a->place > b->place;
}

/* What stands at the top sinks to where it belongs. */
static void heap_sink(struct flat_hit *heap, size_t n)
{
	struct flat_hit top = heap[0];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < n) {
		if (child + 1 < n && hit_is_worse(&heap[child + 1], &heap[child]))
			child++;
		if (!hit_is_worse(&heap[child], &top))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = top;
}

static void heap_rise(struct flat_hit *heap, size_t at)
{
	struct flat_hit last = heap[at];

	for (; at > 0 && hit_is_worse(&last, &heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = last;
}

int flat_search(const struct flat *f, const float *q, size_t k, struct flat_hit *out,
		struct ragd_err *err)
{
	size_t n = 0;

	(void)err;
	for (size_t i = 0; i < f->n; i++) {
		struct flat_hit hit = { i, dense_dot(f->data + i * f->dim, q, f->dim) };

		if (n < k) {
			out[n] = hit;
			heap_rise(out, n++);
		} else if (k > 0 && hit_is_worse(&out[0], &hit)) {
			out[0] = hit;
			heap_sink(out, n);
		}
	}
	while (n > 1) { /* the worst goes to the end, and so on */
		struct flat_hit worst = out[0];

		out[0] = out[--n];
		heap_sink(out, n);
		out[n] = worst;
	}
	return 0;
}

/* ---- as a file ------------------------------------------------------------------------------- */

int flat_write(const struct flat *f, FILE *file)
{
	struct flat_header h = { .dim = f->dim, .n = f->n };

	memcpy(h.magic, magic, sizeof(h.magic));
	errno = 0;
	if (fwrite(&h, sizeof(h), 1, file) != 1 ||
	    fwrite(f->data, f->dim * sizeof(*f->data), f->n, file) != f->n)
		return errno != 0 ? -errno : -EIO;
	return 0;
}

int flat_read(FILE *file, uint32_t dim, size_t n_min, struct flat **out)
{
	struct flat_header h;
	struct stat st;
	struct flat *f;
	int rc;

	if (fstat(fileno(file), &st) < 0 || fread(&h, sizeof(h), 1, file) != 1 ||
	    memcmp(h.magic, magic, sizeof(magic)) != 0 || h.dim != dim || h.n < n_min ||
	    h.n > (uint64_t)st.st_size / (dim * sizeof(*f->data)))
		return -EBADMSG;
	f = flat_new(dim);
	rc = f != NULL ? flat_grow(f, h.n) : -ENOMEM;
	if (rc == 0 && fread(f->data, dim * sizeof(*f->data), f->n, file) != f->n)
		rc = -EBADMSG;
	if (rc < 0) {
		flat_free(f);
		return rc;
	}
	*out = f;
	return 0;
}
