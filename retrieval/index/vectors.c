#include "retrieval/index/vectors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "retrieval/index/codes_search.h"
#include "retrieval/index/embed.h"
#include "retrieval/index/f16.h"
#include "retrieval/index/nearest.h"
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
	codes_free(v->codes);
	free(v->passages);
	v->codes = NULL;
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

/* For n vectors, in the index and in the table. */
static int make_room(struct vectors *v, uint32_t n)
{
	if (v->codes == NULL && (v->codes = codes_new(v->dim)) == NULL)
		return -ENOMEM;
	if (n > v->cap) {
		uint32_t cap = MAX(n, v->cap + v->cap / 2);
		uint32_t *p = realloc(v->passages, cap * sizeof(*p));

		if (p == NULL)
			return -ENOMEM;
		v->passages = p;
		v->cap = cap;
	}
	return codes_grow(v->codes, n);
}

static struct catalog_page *page_of(const struct catalog *c, uint32_t passage)
{
	return c->pages[passage / CATALOG_PAGE];
}

void vectors_add(struct vectors *v, struct catalog *c, uint32_t first, uint32_t n,
		 const uint16_t *f16)
{
	float row[EMBED_DIM_MAX];

	if (make_room(v, v->n + n) < 0) {
		v->whole = false;
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t passage = first + i, at = v->n++;

		for (uint32_t j = 0; j < v->dim; j++)
			row[j] = f16_to_float(f16[(size_t)i * v->dim + j]);
		codes_set(v->codes, at, row);
		v->passages[at] = passage;
		page_of(c, passage)->place[v->side][passage % CATALOG_PAGE] = at + 1;
	}
	v->changed = true;
}

/* The last vector takes the place of one that goes. */
static void remove_place(struct vectors *v, struct catalog *c, uint32_t at)
{
	uint32_t last = v->n - 1, moved = v->passages[last];

	if (at != last) {
		codes_move(v->codes, at, last);
		v->passages[at] = moved;
		page_of(c, moved)->place[v->side][moved % CATALOG_PAGE] = at + 1;
	}
	codes_shrink(v->codes, last);
	v->n = last;
}

void vectors_remove(struct vectors *v, struct catalog *c, const struct catalog_document *d)
{
	for (uint32_t i = 0; v->n > 0 && i < d->n_passages; i++) {
		uint32_t passage = d->first_passage + i;
		uint32_t *place = &page_of(c, passage)->place[v->side][passage % CATALOG_PAGE];

		if (*place == 0)
			continue;
		remove_place(v, c, *place - 1);
		*place = 0;
		v->changed = true;
	}
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
	return v->whole && (v->codes == NULL || !codes_is_damaged(v->codes));
}

uint64_t vectors_count(const struct vectors *v)
{
	return v->n;
}

ssize_t vectors_search(const struct vectors *v, const struct codes_query *q, size_t k,
		       struct near *out, struct ragd_err *err)
{
	struct nearest nearest = { .k = MIN(k, v->n) };

	if (nearest.k == 0)
		return 0;
	nearest.hits = malloc(nearest.k * sizeof(*nearest.hits));
	if (nearest.hits == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a search");
	if (codes_search(v->codes, q, &nearest) < 0) {
		free(nearest.hits);
		return ragd_err_set(err, -ENOMEM, "out of memory for a search");
	}
	for (size_t i = 0; i < nearest.n; i++)
		out[i] = (struct near){ v->passages[nearest.hits[i].place],
					nearest.hits[i].product };
	free(nearest.hits);
	return (ssize_t)nearest.n;
}

float vectors_cosine(const struct vectors *v, const struct catalog_page *page, uint32_t place,
		     const struct codes_query *q)
{
	uint32_t at = page->place[v->side][place];

	if (at == 0 || page->collection[place] != v->collection)
		return VECTORS_NONE;
	return codes_product(v->codes, at - 1, q);
}
