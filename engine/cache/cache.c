/* The KV cache's pages, the tree of what they hold, and whose they are. */
#include "engine/cache/cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/cache/cache_private.h"

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
	c->nodes = calloc(n_pages, sizeof(*c->nodes));
	c->free = malloc(n_pages * sizeof(*c->free));
	c->memory = mmap(NULL, n_pages * page_bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (c->memory == MAP_FAILED)
		c->memory = NULL;
	if (c->nodes == NULL || c->free == NULL || c->memory == NULL ||
	    cache_owner(c, CACHE_CONFIGURED) != OWNER_CONFIGURED) {
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
	free(c->owners);
	free(c->free);
	free(c);
}

/* ---- owners --------------------------------------------------------------------------------- */

static bool has_left(const struct owner *o)
{
	return o->id != CACHE_CONFIGURED && o->n_pages == 0 && o->n_seqs == 0;
}

uint32_t cache_owner(struct cache *c, uint64_t id)
{
	uint32_t at = c->n_owners;

	for (uint32_t i = c->n_owners; i-- > 0;) {
		if (c->owners[i].id == id)
			return i;
		if (has_left(&c->owners[i]))
			at = i;
	}
	if (at == c->cap_owners) {
		uint32_t cap = MAX(2 * c->cap_owners, 8u);
		struct owner *owners = reallocarray(c->owners, cap, sizeof(*owners));

		if (owners == NULL)
			return OWNER_NONE;
		c->owners = owners;
		c->cap_owners = cap;
	}
	c->n_owners = MAX(c->n_owners, at + 1);
	c->owners[at] = (struct owner){
		.id = id, .top = NODE_NONE, .oldest = NODE_NONE, .newest = NODE_NONE
	};
	return at;
}

/* ---- the tree ------------------------------------------------------------------------------- */

/* Whether the parent keeps its children of this owner itself; else the owner does. */
static bool keeps_children(const struct cache *c, uint32_t parent, uint32_t owner)
{
	return parent != NODE_NONE && c->nodes[parent].owner == owner;
}

static uint32_t *siblings_head(struct cache *c, uint32_t parent, uint32_t owner)
{
	return keeps_children(c, parent, owner) ? &c->nodes[parent].child : &c->owners[owner].top;
}

/* The first node from i on that is a child of parent: an owner's top nodes have several. */
static uint32_t with_parent(const struct cache *c, uint32_t i, uint32_t parent)
{
	while (i != NODE_NONE && c->nodes[i].parent != parent)
		i = c->nodes[i].after;
	return i;
}

uint32_t cache_first(const struct cache *c, uint32_t parent, uint32_t owner)
{
	if (owner == OWNER_NONE)
		return NODE_NONE;
	if (keeps_children(c, parent, owner))
		return c->nodes[parent].child;
	return with_parent(c, c->owners[owner].top, parent);
}

uint32_t cache_next(const struct cache *c, uint32_t node)
{
	return with_parent(c, c->nodes[node].after, c->nodes[node].parent);
}

void cache_hang(struct cache *c, uint32_t page, uint32_t parent, uint32_t owner, const int32_t *ids,
		uint32_t n)
{
	uint32_t *head = siblings_head(c, parent, owner);
	struct node *node = &c->nodes[page];

	memcpy(node->ids, ids, n * sizeof(*ids));
	c->owners[node->owner].n_pages--;
	c->owners[owner].n_pages++;
	node->n = n;
	node->refs = 0;
	node->owner = owner;
	node->parent = parent;
	node->child = NODE_NONE;
	node->n_behind = 0;
	node->before = NODE_NONE;
	node->after = *head;
	if (*head != NODE_NONE)
		c->nodes[*head].before = page;
	*head = page;
	if (parent != NODE_NONE && !keeps_children(c, parent, owner))
		c->nodes[parent].n_behind++;
}

static void node_unhang(struct cache *c, uint32_t page)
{
	struct node *node = &c->nodes[page];

	if (node->before != NODE_NONE)
		c->nodes[node->before].after = node->after;
	else
		*siblings_head(c, node->parent, node->owner) = node->after;
	if (node->after != NODE_NONE)
		c->nodes[node->after].before = node->before;
	if (node->parent != NODE_NONE && !keeps_children(c, node->parent, node->owner))
		c->nodes[node->parent].n_behind--;
	node->n = 0;
}

uint32_t cache_child(const struct cache *c, uint32_t parent, uint32_t owner, const int32_t *ids,
		     uint32_t n)
{
	for (uint32_t i = cache_first(c, parent, owner); i != NODE_NONE; i = cache_next(c, i))
		if (c->nodes[i].n == n && memcmp(c->nodes[i].ids, ids, n * sizeof(*ids)) == 0)
			return i;
	return NODE_NONE;
}

/* ---- the idle ------------------------------------------------------------------------------- */

void cache_idle_newest(struct cache *c, uint32_t page)
{
	struct node *node = &c->nodes[page];
	struct owner *o = &c->owners[node->owner];

	node->newer = NODE_NONE;
	node->older = o->newest;
	if (o->newest != NODE_NONE)
		c->nodes[o->newest].newer = page;
	else
		o->oldest = page;
	o->newest = page;
	o->n_idle++;
	c->n_idle++;
}

void cache_idle_oldest(struct cache *c, uint32_t page)
{
	struct node *node = &c->nodes[page];
	struct owner *o = &c->owners[node->owner];

	node->older = NODE_NONE;
	node->newer = o->oldest;
	if (o->oldest != NODE_NONE)
		c->nodes[o->oldest].older = page;
	else
		o->newest = page;
	o->oldest = page;
	o->n_idle++;
	c->n_idle++;
}

static void idle_remove(struct cache *c, uint32_t page)
{
	struct node *node = &c->nodes[page];
	struct owner *o = &c->owners[node->owner];

	if (node->older != NODE_NONE)
		c->nodes[node->older].newer = node->newer;
	else
		o->oldest = node->newer;
	if (node->newer != NODE_NONE)
		c->nodes[node->newer].older = node->older;
	else
		o->newest = node->older;
	o->n_idle--;
	c->n_idle--;
}

void cache_hold(struct cache *c, uint32_t page)
{
	if (c->nodes[page].refs++ == 0)
		idle_remove(c, page);
}

void cache_release(struct cache *c, uint32_t page)
{
	if (--c->nodes[page].refs == 0)
		cache_idle_newest(c, page);
}

/* ---- pages ---------------------------------------------------------------------------------- */

void cache_give(struct cache *c, uint32_t page)
{
	c->owners[c->nodes[page].owner].n_pages--;
	c->free[c->n_free++] = page;
}

void cache_forget(struct cache *c, uint32_t page)
{
	idle_remove(c, page);
	node_unhang(c, page);
}

/*
 * The page of an owner's that may go first. Only the configuration's may have others' behind them.
 */
static uint32_t first_to_go(const struct cache *c, uint32_t owner)
{
	uint32_t page = c->owners[owner].oldest;

	while (page != NODE_NONE &&
	       (c->nodes[page].n_behind > 0 || c->nodes[page].child != NODE_NONE))
		page = c->nodes[page].newer;
	return page;
}

/*
 * Of the owner that would have most, `asking` counted with the page that it asks for: whoever reads
 * much pushes out what it read itself before it pushes out anything of others.
 */
static uint32_t page_to_evict(const struct cache *c, uint32_t asking)
{
	uint32_t found = NODE_NONE, most = 0;

	for (uint32_t i = 0; i < c->n_owners; i++) {
		uint32_t has = c->owners[i].n_pages + (i == asking), page;

		if (has <= most || c->owners[i].n_idle == 0)
			continue;
		page = first_to_go(c, i);
		if (page == NODE_NONE)
			continue;
		found = page;
		most = has;
	}
	return found;
}

uint32_t cache_take(struct cache *c, uint32_t owner)
{
	uint32_t page;

	if (c->n_free == 0) {
		page = page_to_evict(c, owner);
		if (page == NODE_NONE)
			return NODE_NONE;
		cache_forget(c, page);
		cache_give(c, page);
		c->n_evicted++;
	}
	page = c->free[--c->n_free];
	c->nodes[page].owner = owner;
	c->owners[owner].n_pages++;
	return page;
}

/* ---- the whole ------------------------------------------------------------------------------ */

void cache_stats(const struct cache *c, struct cache_stats *out)
{
	out->n_pages = c->n_pages;
	out->n_cached = c->n_idle;
	out->n_held = c->n_pages - c->n_free - c->n_idle;
	out->n_hit_tokens = c->n_hit;
	out->n_asked_tokens = c->n_asked;
	out->n_evicted_pages = c->n_evicted;
}

/*
 * The memory of free pages, to the system. Ours are no multiples of the system's pages: only what a
 * run of free ones covers whole can go.
 */
static void free_memory(struct cache *c)
{
	size_t system_page = (size_t)sysconf(_SC_PAGESIZE);

	for (uint32_t i = 0; i < c->n_free; i++) /* taking one says whose it is */
		c->nodes[c->free[i]].owner = OWNER_NONE;
	for (uint32_t from = 0, to; from < c->n_pages; from = to + 1) {
		size_t start, end;

		for (to = from; to < c->n_pages && c->nodes[to].owner == OWNER_NONE; to++)
			;
		start = (from * c->page_bytes + system_page - 1) / system_page * system_page;
		end = to * c->page_bytes / system_page * system_page;
		if (start < end)
			madvise(c->memory + start, end - start, MADV_DONTNEED);
	}
}

/* Forget what no sequence holds of the owners from `first` on. */
static void owners_trim(struct cache *c, uint32_t first)
{
	/* The configuration's last: the others' are behind them. */
	for (uint32_t i = c->n_owners; i-- > first;)
		while (c->owners[i].oldest != NODE_NONE) {
			uint32_t page = c->owners[i].oldest;

			cache_forget(c, page);
			cache_give(c, page);
		}
	free_memory(c);
}

void cache_clear(struct cache *c)
{
	owners_trim(c, OWNER_CONFIGURED);
}

void cache_trim(struct cache *c)
{
	owners_trim(c, OWNER_CONFIGURED + 1);
}
