/* The KV cache's pages and the tree of what they hold. */
#include "engine/serve/cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/util.h"
#include "engine/serve/cache_private.h"

struct cache_seq {
	struct cache *c;
	uint32_t *path; /* nodes held, from the root down */
	size_t n_path;
	uint8_t **pages;   /* the path's, then our own */
	uint32_t *indices; /* of `pages` */
	size_t n_pages;
	size_t cap; /* of path, pages, indices */
	int32_t tail[KV_PAGE];
	uint32_t n_tail; /* tokens in the first page of our own */
};

uint8_t *cache_page(const struct cache *c, uint32_t page)
{
	return c->memory + (size_t)page * c->page_bytes;
}

int cache_open(size_t page_bytes, size_t n_pages, struct cache **out, struct ragd_err *err)
{
	struct cache *c;

	if (page_bytes == 0 || n_pages == 0 || n_pages >= NODE_NONE ||
	    n_pages > SIZE_MAX / page_bytes)
		return ragd_err_set(err, -EINVAL, "KV cache: %zu pages of %zu bytes", n_pages,
				    page_bytes);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ragd_err_set(err, -ENOMEM, "KV cache: out of memory");
	c->page_bytes = page_bytes;
	c->n_pages = (uint32_t)n_pages;
	c->root_child = c->oldest = c->newest = NODE_NONE;
	c->nodes = calloc(n_pages, sizeof(*c->nodes));
	c->free = malloc(n_pages * sizeof(*c->free));
	c->memory = mmap(NULL, n_pages * page_bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->memory == MAP_FAILED)
		c->memory = NULL;
	if (c->nodes == NULL || c->free == NULL || c->memory == NULL) {
		cache_close(c);
		return ragd_err_set(err, -ENOMEM, "KV cache: no memory for %zu pages of %zu bytes",
				    n_pages, page_bytes);
	}
	/* The stack gives low pages first, and those again: pages never used take no memory. */
	for (uint32_t i = 0; i < c->n_pages; i++)
		c->free[i] = c->n_pages - 1 - i;
	c->n_free = c->n_pages;
	*out = c;
	return 0;
}

void cache_close(struct cache *c)
{
	if (c == NULL)
		return;
	if (c->memory != NULL)
		munmap(c->memory, (size_t)c->n_pages * c->page_bytes);
	free(c->nodes);
	free(c->free);
	free(c);
}

/* ---- the tree ----------------------------------------------------------------------------------- */

static uint32_t *first_child(struct cache *c, uint32_t parent)
{
	return parent == NODE_NONE ? &c->root_child : &c->nodes[parent].child;
}

static uint32_t children(const struct cache *c, uint32_t parent)
{
	return parent == NODE_NONE ? c->root_child : c->nodes[parent].child;
}

void cache_hang(struct cache *c, uint32_t page, uint32_t parent, const int32_t *ids, uint32_t n)
{
	uint32_t *head = first_child(c, parent);
	struct node *node = &c->nodes[page];

	memcpy(node->ids, ids, n * sizeof(*ids));
	node->n = n;
	node->refs = 0;
	node->parent = parent;
	node->child = NODE_NONE;
	node->before = NODE_NONE;
	node->after = *head;
	if (*head != NODE_NONE)
		c->nodes[*head].before = page;
	*head = page;
}

static void unhang(struct cache *c, uint32_t page)
{
	struct node *node = &c->nodes[page];

	if (node->before != NODE_NONE)
		c->nodes[node->before].after = node->after;
	else
		*first_child(c, node->parent) = node->after;
	if (node->after != NODE_NONE)
		c->nodes[node->after].before = node->before;
	node->n = 0;
}

uint32_t cache_child(const struct cache *c, uint32_t parent, const int32_t *ids, uint32_t n)
{
	for (uint32_t i = children(c, parent); i != NODE_NONE; i = c->nodes[i].after)
		if (c->nodes[i].n == n && memcmp(c->nodes[i].ids, ids, n * sizeof(*ids)) == 0)
			return i;
	return NODE_NONE;
}

static uint32_t common(const int32_t *a, const int32_t *b, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i;
}

/* The child that shares most of its first tokens with ids[0..n); *best is how many, 0 if none. */
static uint32_t closest_child(const struct cache *c, uint32_t parent, const int32_t *ids,
			      uint32_t n, uint32_t *best)
{
	uint32_t found = NODE_NONE;

	*best = 0;
	for (uint32_t i = children(c, parent); i != NODE_NONE; i = c->nodes[i].after) {
		uint32_t same = common(c->nodes[i].ids, ids, MIN(n, c->nodes[i].n));

		if (same > *best) {
			*best = same;
			found = i;
		}
	}
	return found;
}

/* ---- the idle --------------------------------------------------------------------------------- */

void cache_idle_newest(struct cache *c, uint32_t page)
{
	struct node *node = &c->nodes[page];

	node->newer = NODE_NONE;
	node->older = c->newest;
	if (c->newest != NODE_NONE)
		c->nodes[c->newest].newer = page;
	else
		c->oldest = page;
	c->newest = page;
	c->n_idle++;
}

void cache_idle_oldest(struct cache *c, uint32_t page)
{
	struct node *node = &c->nodes[page];

	node->older = NODE_NONE;
	node->newer = c->oldest;
	if (c->oldest != NODE_NONE)
		c->nodes[c->oldest].older = page;
	else
		c->newest = page;
	c->oldest = page;
	c->n_idle++;
}

static void idle_remove(struct cache *c, uint32_t page)
{
	struct node *node = &c->nodes[page];

	if (node->older != NODE_NONE)
		c->nodes[node->older].newer = node->newer;
	else
		c->oldest = node->newer;
	if (node->newer != NODE_NONE)
		c->nodes[node->newer].older = node->older;
	else
		c->newest = node->older;
	c->n_idle--;
}

static void hold(struct cache *c, uint32_t page)
{
	if (c->nodes[page].refs++ == 0)
		idle_remove(c, page);
}

static void release(struct cache *c, uint32_t page)
{
	if (--c->nodes[page].refs == 0)
		cache_idle_newest(c, page);
}

static void page_free(struct cache *c, uint32_t page)
{
	c->free[c->n_free++] = page;
}

/* Take an idle leaf out of the tree; its page is the caller's. */
static void forget(struct cache *c, uint32_t page)
{
	idle_remove(c, page);
	unhang(c, page);
}

uint32_t cache_take(struct cache *c)
{
	uint32_t page;

	if (c->n_free > 0)
		return c->free[--c->n_free];
	page = c->oldest;
	if (page == NODE_NONE)
		return NODE_NONE;
	forget(c, page);
	c->n_evicted++;
	return page;
}

/* ---- sequences ---------------------------------------------------------------------------------- */

static int seq_grow(struct cache_seq *s, size_t n_pages)
{
	size_t cap = MAX(n_pages, s->cap * 2);
	uint32_t *path, *indices;
	uint8_t **pages;

	if (n_pages <= s->cap)
		return 0;
	path = realloc(s->path, cap * sizeof(*path));
	if (path != NULL)
		s->path = path;
	pages = realloc(s->pages, cap * sizeof(*pages));
	if (pages != NULL)
		s->pages = pages;
	indices = realloc(s->indices, cap * sizeof(*indices));
	if (indices != NULL)
		s->indices = indices;
	if (path == NULL || pages == NULL || indices == NULL)
		return -ENOMEM;
	s->cap = cap;
	return 0;
}

static void seq_put(struct cache_seq *s, size_t at, uint32_t page)
{
	s->indices[at] = page;
	s->pages[at] = cache_page(s->c, page);
}

/* One more page of our own; there is room for it. */
static bool seq_take(struct cache_seq *s)
{
	uint32_t page = cache_take(s->c);

	if (page == NODE_NONE)
		return false;
	seq_put(s, s->n_pages++, page);
	return true;
}

static void seq_descend(struct cache_seq *s, uint32_t node)
{
	hold(s->c, node);
	seq_put(s, s->n_path, node);
	s->path[s->n_path++] = node;
	s->n_pages = MAX(s->n_pages, s->n_path);
}

static uint32_t seq_node(const struct cache_seq *s)
{
	return s->n_path > 0 ? s->path[s->n_path - 1] : NODE_NONE;
}

/* Of a page that begins with what we want, the whole page is copied: the rest is written over. */
static void seq_copy(struct cache_seq *s, const int32_t *ids, uint32_t n)
{
	struct cache *c = s->c;
	uint32_t same, from = closest_child(c, seq_node(s), ids, n, &same);

	if (from == NODE_NONE)
		return;
	hold(c, from); /* or making room might take it */
	if (seq_take(s)) {
		memcpy(s->pages[s->n_path], cache_page(c, from), c->page_bytes);
		memcpy(s->tail, ids, same * sizeof(*ids));
		s->n_tail = same;
	}
	release(c, from);
}

struct cache_seq *cache_seq_new(struct cache *c, const int32_t *ids, size_t n)
{
	struct cache_seq *s = calloc(1, sizeof(*s));
	size_t want = n > 0 ? n - 1 : 0, done;

	if (s == NULL)
		return NULL;
	s->c = c;
	if (seq_grow(s, want / KV_PAGE + 1) < 0) {
		cache_seq_free(s);
		return NULL;
	}
	for (done = 0; done + KV_PAGE <= want; done += KV_PAGE) {
		uint32_t child = cache_child(c, seq_node(s), ids + done, KV_PAGE);

		if (child == NODE_NONE)
			break;
		seq_descend(s, child);
	}
	if (done < want)
		seq_copy(s, ids + done, (uint32_t)MIN(want - done, KV_PAGE));
	c->n_asked += n;
	c->n_hit += cache_seq_len(s);
	return s;
}

size_t cache_match(const struct cache *c, const int32_t *ids, size_t n)
{
	size_t want = n > 0 ? n - 1 : 0, done;
	uint32_t node = NODE_NONE, child, same;

	for (done = 0; done + KV_PAGE <= want; done += KV_PAGE) {
		child = cache_child(c, node, ids + done, KV_PAGE);
		if (child == NODE_NONE)
			break;
		node = child;
	}
	closest_child(c, node, ids + done, (uint32_t)MIN(want - done, KV_PAGE), &same);
	return done + same;
}

size_t cache_seq_len(const struct cache_seq *s)
{
	return s->n_path * KV_PAGE + s->n_tail;
}

uint8_t *const *cache_seq_pages(const struct cache_seq *s)
{
	return s->pages;
}

int cache_seq_reserve(struct cache_seq *s, size_t len, struct ragd_err *err)
{
	size_t want = len / KV_PAGE + (len % KV_PAGE != 0), had = s->n_pages;

	if (seq_grow(s, want) < 0)
		return ragd_err_set(err, -ENOMEM, "KV cache: out of memory");
	while (s->n_pages < want)
		if (!seq_take(s)) {
			while (s->n_pages > had)
				page_free(s->c, s->indices[--s->n_pages]);
			return ragd_err_set(err, -ENOSPC,
					    "KV cache: all %u pages of %d tokens are in use",
					    (unsigned)s->c->n_pages, KV_PAGE);
		}
	return 0;
}

/* A leaf that holds less than what now stands beside it is of no use. */
static void drop_prefixes(struct cache *c, uint32_t parent, const int32_t *ids, uint32_t n)
{
	uint32_t next;

	for (uint32_t i = children(c, parent); i != NODE_NONE; i = next) {
		const struct node *node = &c->nodes[i];

		next = node->after;
		if (node->n < n && common(node->ids, ids, node->n) == node->n) {
			forget(c, i);
			page_free(c, i);
		}
	}
}

/* The first page of our own is full: it enters the tree, or gives way to one that says the same. */
static void seq_enter(struct cache_seq *s)
{
	struct cache *c = s->c;
	uint32_t parent = seq_node(s), ours = s->indices[s->n_path];
	uint32_t node = cache_child(c, parent, s->tail, KV_PAGE);

	if (node != NODE_NONE) {
		page_free(c, ours);
	} else {
		drop_prefixes(c, parent, s->tail, KV_PAGE);
		cache_hang(c, ours, parent, s->tail, KV_PAGE);
		cache_idle_newest(c, ours);
		node = ours;
	}
	seq_descend(s, node);
	s->n_tail = 0;
}

int cache_seq_commit(struct cache_seq *s, const int32_t *ids, size_t n)
{
	if (cache_seq_len(s) + n > s->n_pages * KV_PAGE)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		s->tail[s->n_tail++] = ids[i];
		if (s->n_tail == KV_PAGE)
			seq_enter(s);
	}
	return 0;
}

/* Keep the last page for copies, unless the tree has as much already. */
static void seq_leave_tail(struct cache_seq *s)
{
	struct cache *c = s->c;
	uint32_t parent = seq_node(s), same, ours = s->indices[s->n_path];

	closest_child(c, parent, s->tail, s->n_tail, &same);
	if (same == s->n_tail)
		return;
	drop_prefixes(c, parent, s->tail, s->n_tail);
	cache_hang(c, ours, parent, s->tail, s->n_tail);
	cache_idle_newest(c, ours);
	s->indices[s->n_path] = NODE_NONE;
}

void cache_seq_free(struct cache_seq *s)
{
	if (s == NULL)
		return;
	if (s->n_tail > 0)
		seq_leave_tail(s);
	for (size_t i = s->n_pages; i > s->n_path; i--)
		if (s->indices[i - 1] != NODE_NONE)
			page_free(s->c, s->indices[i - 1]);
	while (s->n_path > 0)
		release(s->c, s->path[--s->n_path]);
	free(s->path);
	free(s->pages);
	free(s->indices);
	free(s);
}

/* ---- the whole ---------------------------------------------------------------------------------- */

void cache_stats(const struct cache *c, struct cache_stats *out)
{
	out->n_pages = c->n_pages;
	out->n_cached = c->n_idle;
	out->n_held = c->n_pages - c->n_free - c->n_idle;
	out->n_hit_tokens = c->n_hit;
	out->n_asked_tokens = c->n_asked;
	out->n_evicted_pages = c->n_evicted;
}

void cache_trim(struct cache *c)
{
	while (c->oldest != NODE_NONE) {
		uint32_t page = c->oldest;

		forget(c, page);
		page_free(c, page);
	}
	for (uint32_t i = 0; i < c->n_free; i++)
		madvise(cache_page(c, c->free[i]), c->page_bytes, MADV_DONTNEED);
}
