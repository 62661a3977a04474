#include "retrieval/store/catalog.h"

#include <stdlib.h>
#include <string.h>

int catalog_init(struct catalog *c)
{
	pthread_rwlockattr_t attr;
	int rc;

	memset(c, 0, sizeof(*c));
	pthread_rwlockattr_init(&attr);
	/* Searches overlap; without this the writer could wait forever. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	rc = -pthread_rwlock_init(&c->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return rc;
}

void catalog_fini(struct catalog *c)
{
	for (uint32_t i = 0; i < c->n_collections; i++)
		free(c->collections[i]);
	for (uint32_t i = 0; i < c->n_pages; i++)
		free(c->pages[i]);
	free(c->collections);
	free(c->pages);
	free(c->free_dense);
	pthread_rwlock_destroy(&c->lock);
}

/* Grow an array of pointers, zeroed, to hold index `at`. */
static int slots_grow(void ***array, uint32_t *n, uint32_t at)
{
	size_t want = (size_t)at + 1;
	void **p;

	if (at < *n)
		return 0;
	if (want < *n + (size_t)*n / 2)
		want = *n + (size_t)*n / 2;
	p = realloc(*array, want * sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	memset(p + *n, 0, (want - *n) * sizeof(*p));
	*array = p;
	*n = (uint32_t)want;
	return 0;
}

int catalog_add_collection(struct catalog *c, uint32_t id, const char *name, const struct acl *acl,
			   int64_t updated_s)
{
	struct catalog_collection *col = calloc(1, sizeof(*col));

	if (col == NULL || slots_grow((void ***)&c->collections, &c->n_collections, id) < 0) {
		free(col);
		return -ENOMEM;
	}
	col->id = id;
	snprintf(col->name, sizeof(col->name), "%s", name);
	col->acl = *acl;
	col->updated_s = updated_s;
	c->collections[id] = col;
	return 0;
}

void catalog_drop_collection(struct catalog *c, uint32_t id)
{
	if (id >= c->n_collections || c->collections[id] == NULL)
		return;
	free(c->collections[id]);
	c->collections[id] = NULL;
}

struct catalog_collection *catalog_find(const struct catalog *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_collections; i++) {
		struct catalog_collection *col = c->collections[i];

		if (col != NULL && col->shown && strcmp(col->name, name) == 0)
			return col;
	}
	return NULL;
}

static int page_new(struct catalog *c, uint32_t n)
{
	struct catalog_page *page;

	if (c->n_free_dense == 0 && c->n_dense >= c->cap_free_dense) {
		/* As many places as pages, so that giving a number back never allocates. */
		uint32_t cap = c->n_dense + c->n_dense / 2 + 16;
		uint32_t *p = realloc(c->free_dense, cap * sizeof(*p));

		if (p == NULL)
			return -ENOMEM;
		c->free_dense = p;
		c->cap_free_dense = cap;
	}
	page = calloc(1, sizeof(*page));
	if (page == NULL)
		return -ENOMEM;
	page->dense = c->n_free_dense > 0 ? c->free_dense[--c->n_free_dense] : c->n_dense++;
	c->pages[n] = page;
	return 0;
}

static void page_free(struct catalog *c, uint32_t n)
{
	c->free_dense[c->n_free_dense++] = c->pages[n]->dense;
	free(c->pages[n]);
	c->pages[n] = NULL;
}

int catalog_reserve(struct catalog *c, const struct catalog_document *d, struct ragd_err *err)
{
	uint64_t end = (uint64_t)d->first_passage + d->n_passages;

	if (end > CATALOG_ID_MAX)
		return ragd_err_set(
			err, -EOVERFLOW,
			"the store has given out all %u ids of passages: make a new one",
			CATALOG_ID_MAX);
	for (uint64_t n = d->first_passage / CATALOG_PAGE; n * CATALOG_PAGE < end; n++)
		if (slots_grow((void ***)&c->pages, &c->n_pages, (uint32_t)n) < 0 ||
		    (c->pages[n] == NULL && page_new(c, (uint32_t)n) < 0))
			return ragd_err_set(err, -ENOMEM, "out of memory for more passages");
	return 0;
}

void catalog_add(struct catalog *c, const struct catalog_document *d)
{
	struct catalog_collection *col = c->collections[d->collection];

	for (uint32_t i = 0; i < d->n_passages; i++) {
		uint32_t id = d->first_passage + i;
		struct catalog_page *page = c->pages[id / CATALOG_PAGE];
		uint32_t at = id % CATALOG_PAGE;

		page->collection[at] = d->collection;
		page->document[at] = d->id;
		page->length[at] = d->lengths[i];
		page->n_live++;
		col->sum_length += d->lengths[i];
	}
	col->n_documents++;
	col->n_passages += d->n_passages;
	col->n_bytes += d->n_bytes;
	c->n_documents++;
	c->n_passages += d->n_passages;
}

void catalog_remove(struct catalog *c, const struct catalog_document *d)
{
	struct catalog_collection *col = c->collections[d->collection];

	for (uint32_t i = 0; i < d->n_passages; i++) {
		uint32_t id = d->first_passage + i;
		struct catalog_page *page = c->pages[id / CATALOG_PAGE];
		uint32_t at = id % CATALOG_PAGE;

		col->sum_length -= page->length[at];
		page->collection[at] = 0;
		page->n_live--;
	}
	col->n_documents--;
	col->n_passages -= d->n_passages;
	col->n_bytes -= d->n_bytes;
	c->n_documents--;
	c->n_passages -= d->n_passages;
}

void catalog_sweep(struct catalog *c, const struct catalog_document *removed)
{
	uint64_t end = (uint64_t)removed->first_passage + removed->n_passages;

	for (uint64_t n = removed->first_passage / CATALOG_PAGE; n * CATALOG_PAGE < end; n++)
		if (c->pages[n] != NULL && c->pages[n]->n_live == 0)
			page_free(c, (uint32_t)n);
}
