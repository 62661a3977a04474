#include "retrieval/index/vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "retrieval/index/dense.h"
#include "retrieval/index/f16.h"
#include "retrieval/index/vectors_private.h"

struct vectors *vectors_new(uint32_t collection, uint32_t dim, unsigned side)
{
	struct vectors *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->collection = collection;
	v->dim = dim;
	v->side = side;
	v->whole = true;
	return v;
}

static void vectors_forget(struct vectors *v)
{
	flat_free(v->flat);
	free(v->passages);
	v->flat = NULL;
	v->passages = NULL;
	v->n = 0;
	v->cap = 0;
}

void vectors_free(struct vectors *v)
{
	if (v == NULL)
		return;
	vectors_forget(v);
	free(v);
}

static float *data_of(const struct vectors *v)
{
	return v->flat != NULL ? flat_data(v->flat) : NULL;
}

/* Places 0 .. n in the index and in the table; what is behind the living ones is zeros. */
static int make_room(struct vectors *v, uint32_t n)
{
	if (v->flat == NULL && (v->flat = flat_new(v->dim)) == NULL)
		return -ENOMEM;
	if (n > v->cap) {
		uint32_t cap = MAX(n, v->cap + v->cap / 2);
		uint32_t *p = realloc(v->passages, cap * sizeof(*p));

		if (p == NULL)
			return -ENOMEM;
		v->passages = p;
		v->cap = cap;
	}
	return flat_grow(v->flat, n);
}

static struct catalog_page *page_of(const struct catalog *c, uint32_t passage)
{
	return c->pages[passage / CATALOG_PAGE];
}

void vectors_add(struct vectors *v, struct catalog *c, uint32_t first, uint32_t n,
		 const uint16_t *f16)
{
	float *data;

	if (make_room(v, v->n + n) < 0) {
		v->whole = false;
		return;
	}
	data = data_of(v);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t passage = first + i, at = v->n++;
		float *to = data + (size_t)at * v->dim;

		for (uint32_t j = 0; j < v->dim; j++)
			to[j] = f16_to_float(f16[(size_t)i * v->dim + j]);
		v->passages[at] = passage;
		page_of(c, passage)->place[v->side][passage % CATALOG_PAGE] = at + 1;
	}
	v->changed = true;
}

/* Give memory back once most of it is unused. */
static void vectors_trim(struct vectors *v)
{
	size_t n = flat_count(v->flat);

	if (n >= 1024 && n >= 2 * (size_t)v->n)
		flat_shrink(v->flat, v->n);
}

void vectors_remove(struct vectors *v, struct catalog *c, const struct catalog_document *d)
{
	float *data = data_of(v);

	if (data == NULL)
		return;
	for (uint32_t i = 0; i < d->n_passages; i++) {
		uint32_t passage = d->first_passage + i;
		uint32_t *place = &page_of(c, passage)->place[v->side][passage % CATALOG_PAGE];
		uint32_t at = *place - 1, last = v->n - 1, moved;

		if (*place == 0)
			continue;
		moved = v->passages[last];
		memmove(data + (size_t)at * v->dim, data + (size_t)last * v->dim,
			v->dim * sizeof(*data));
		memset(data + (size_t)last * v->dim, 0, v->dim * sizeof(*data));
		v->passages[at] = moved;
		page_of(c, moved)->place[v->side][moved % CATALOG_PAGE] = at + 1;
		*place = 0;
		v->n--;
	}
	v->changed = true;
	vectors_trim(v);
}

void vectors_clear(struct vectors *v, struct catalog *c)
{
	for (uint32_t i = 0; i < v->n; i++) {
		uint32_t passage = v->passages[i];

		page_of(c, passage)->place[v->side][passage % CATALOG_PAGE] = 0;
	}
	vectors_forget(v);
}

bool vectors_whole(const struct vectors *v)
{
	return v->whole;
}

uint64_t vectors_count(const struct vectors *v)
{
	return v->n;
}

ssize_t vectors_search(const struct vectors *v, const float *q, size_t k, struct near *out,
		       struct ragd_err *err)
{
	struct flat_hit *hits;
	ssize_t n = 0;
	int rc;

	if (v->n == 0)
		return 0;
	k = MIN(k, v->n);
	hits = malloc(k * sizeof(*hits));
	if (hits == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a search");
	rc = flat_search(v->flat, q, k, hits, err);
	for (size_t i = 0; rc == 0 && i < k; i++)
		if (hits[i].place < v->n)
			out[n++] = (struct near){ v->passages[hits[i].place], hits[i].product };
	free(hits);
	return rc < 0 ? rc : n;
}

float vectors_cosine(const struct vectors *v, const struct catalog_page *page, uint32_t place,
		     const float *q)
{
	uint32_t at = page->place[v->side][place];

	if (at == 0 || page->collection[place] != v->collection)
		return VECTORS_NONE;
	return dense_dot(data_of(v) + (size_t)(at - 1) * v->dim, q, v->dim);
}
