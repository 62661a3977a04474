/* Sequences: the path of a text through the KV cache's tree, and the pages it is writing. */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/cache/cache_private.h"

struct cache_seq {
	struct cache *c;
	uint32_t owner;
	size_t n_configured; /* pages from the root down that are the configuration's */
	uint32_t n_border;   /* tokens of the page behind them that are, too */
	size_t n_own;        /* tokens beyond these that were found */
	uint32_t *path;      /* nodes held, from the root down */
	size_t n_path;
	uint8_t **pages;   /* the path's, then our own */
	uint32_t *indices; /* of `pages` */
	size_t n_pages;
	size_t cap; /* of path, pages, indices */
	int32_t tail[KV_PAGE];
	uint32_t n_tail; /* tokens in the first page of our own */
};

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
	uint32_t page = cache_take(s->c, s->owner);

	if (page == NODE_NONE)
		return false;
	seq_put(s, s->n_pages++, page);
	return true;
}

static void seq_descend(struct cache_seq *s, uint32_t node)
{
	cache_hold(s->c, node);
	seq_put(s, s->n_path, node);
	s->path[s->n_path++] = node;
	s->n_pages = MAX(s->n_pages, s->n_path);
}

static uint32_t seq_node(const struct cache_seq *s)
{
	return s->n_path > 0 ? s->path[s->n_path - 1] : NODE_NONE;
}

/* Whose the page behind the path is, once it is in the tree. */
static uint32_t seq_next_owner(const struct cache_seq *s)
{
	return s->n_path < s->n_configured ? OWNER_CONFIGURED : s->owner;
}

static uint32_t common_prefix(const int32_t *a, const int32_t *b, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i;
}

/* The child that shares most of its first tokens with ids[0..n); *best is how many, 0 if none. */
static uint32_t closest_child(const struct cache *c, uint32_t parent, uint32_t owner,
			      const int32_t *ids, uint32_t n, uint32_t *best)
{
	uint32_t found = NODE_NONE;

	*best = 0;
	for (uint32_t i = cache_first(c, parent, owner); i != NODE_NONE; i = cache_next(c, i)) {
		uint32_t same = common_prefix(c->nodes[i].ids, ids, MIN(n, c->nodes[i].n));

		if (same > *best) {
			*best = same;
			found = i;
		}
	}
	return found;
}

/*
 * The page that shares most with ids[0..n), of the owner's, or at the border of what is the
 * configuration's of that, as far as it goes.
 */
static uint32_t closest_page(const struct cache *c, uint32_t parent, uint32_t owner,
			     uint32_t n_border, const int32_t *ids, uint32_t n, uint32_t *same)
{
	uint32_t found = closest_child(c, parent, owner, ids, n, same), of_all, best;

	if (n_border <= *same)
		return found;
	of_all = closest_child(c, parent, OWNER_CONFIGURED, ids, MIN(n, n_border), &best);
	if (best <= *same)
		return found;
	*same = best;
	return of_all;
}

/* Tokens of the next page that are the configuration's where the page is not. */
static uint32_t seq_border(const struct cache_seq *s)
{
	return s->n_path == s->n_configured ? s->n_border : 0;
}

/* Of a page that begins with what we want, the whole page is copied: the rest is written over. */
static void seq_copy(struct cache_seq *s, const int32_t *ids, uint32_t n)
{
	struct cache *c = s->c;
	uint32_t same, from = closest_page(c, seq_node(s), seq_next_owner(s), seq_border(s), ids, n,
					   &same);

	if (from == NODE_NONE)
		return;
	cache_hold(c, from); /* or making room might take it */
	if (seq_take(s)) {
		memcpy(s->pages[s->n_path], cache_page(c, from), c->page_bytes);
		memcpy(s->tail, ids, same * sizeof(*ids));
		s->n_tail = same;
	}
	cache_release(c, from);
}

/* The place of an owner, OWNER_NONE if it has nothing here. */
static uint32_t find_owner(const struct cache *c, uint64_t id)
{
	for (uint32_t i = 0; i < c->n_owners; i++)
		if (c->owners[i].id == id)
			return i;
	return OWNER_NONE;
}

struct cache_seq *cache_seq_new(struct cache *c, uint64_t owner, size_t n_configured,
				const int32_t *ids, size_t n)
{
	struct cache_seq *s = calloc(1, sizeof(*s));
	size_t want = n > 0 ? n - 1 : 0, done;

	if (s == NULL)
		return NULL;
	s->c = c;
	s->owner = cache_owner(c, owner);
	if (s->owner == OWNER_NONE) {
		free(s);
		return NULL;
	}
	c->owners[s->owner].n_seqs++;
	s->n_configured = n_configured / KV_PAGE;
	s->n_border = n_configured % KV_PAGE;
	if (seq_grow(s, want / KV_PAGE + 1) < 0) {
		cache_seq_free(s);
		return NULL;
	}
	for (done = 0; done + KV_PAGE <= want; done += KV_PAGE) {
		uint32_t child =
			cache_child(c, seq_node(s), seq_next_owner(s), ids + done, KV_PAGE);

		if (child == NODE_NONE)
			break;
		seq_descend(s, child);
	}
	if (done < want)
		seq_copy(s, ids + done, (uint32_t)MIN(want - done, KV_PAGE));
	if (cache_seq_len(s) > n_configured)
		s->n_own = cache_seq_len(s) - n_configured;
	c->n_asked += n;
	c->n_hit += cache_seq_len(s);
	return s;
}

size_t cache_match(const struct cache *c, uint64_t id, size_t n_configured, const int32_t *ids,
		   size_t n)
{
	size_t want = n > 0 ? n - 1 : 0, done;
	uint32_t node = NODE_NONE, owner = find_owner(c, id), next, child, same;

	for (done = 0;; done += KV_PAGE) {
		next = done / KV_PAGE < n_configured / KV_PAGE ? OWNER_CONFIGURED : owner;
		child = done + KV_PAGE <= want ? cache_child(c, node, next, ids + done, KV_PAGE)
					       : NODE_NONE;
		if (child == NODE_NONE)
			break;
		node = child;
	}
	closest_page(c, node, next,
		     done / KV_PAGE == n_configured / KV_PAGE ? n_configured % KV_PAGE : 0,
		     ids + done, (uint32_t)MIN(want - done, KV_PAGE), &same);
	return done + same;
}

size_t cache_seq_len(const struct cache_seq *s)
{
	return s->n_path * KV_PAGE + s->n_tail;
}

size_t cache_seq_own(const struct cache_seq *s)
{
	return s->n_own;
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
				cache_give(s->c, s->indices[--s->n_pages]);
			return ragd_err_set(err, -ENOSPC,
					    "KV cache: all %u pages of %d tokens are in use",
					    (unsigned)s->c->n_pages, KV_PAGE);
		}
	return 0;
}

/* A leaf that holds less than the one to be put next to it is of no use. */
static void drop_prefixes(struct cache *c, uint32_t parent, uint32_t owner, const int32_t *ids,
			  uint32_t n)
{
	uint32_t next;

	for (uint32_t i = cache_first(c, parent, owner); i != NODE_NONE; i = next) {
		const struct node *node = &c->nodes[i];

		next = cache_next(c, i);
		if (node->n < n && common_prefix(node->ids, ids, node->n) == node->n) {
			cache_forget(c, i);
			cache_give(c, i);
		}
	}
}

/* The first n tokens of our first page into the tree, held by nobody yet. */
static uint32_t seq_hang(struct cache_seq *s, uint32_t n)
{
	uint32_t ours = s->indices[s->n_path];

	drop_prefixes(s->c, seq_node(s), seq_next_owner(s), s->tail, n);
	cache_hang(s->c, ours, seq_node(s), seq_next_owner(s), s->tail, n);
	cache_idle_newest(s->c, ours);
	return ours;
}

/* The first page of our own is full: it enters the tree, or gives way to one that says the same. */
static void seq_enter(struct cache_seq *s)
{
	uint32_t node = cache_child(s->c, seq_node(s), seq_next_owner(s), s->tail, KV_PAGE);

	if (node != NODE_NONE)
		cache_give(s->c, s->indices[s->n_path]);
	else
		node = seq_hang(s, KV_PAGE);
	seq_descend(s, node);
	s->n_tail = 0;
}

/*
 * The first page of our own has come to the border: a copy of it, as far as it is the
 * configuration's, enters the tree for all, so that nobody need read the rest of the page again.
 */
static void seq_share_border(struct cache_seq *s)
{
	struct cache *c = s->c;
	uint32_t same, page;

	closest_child(c, seq_node(s), OWNER_CONFIGURED, s->tail, s->n_border, &same);
	page = same < s->n_border ? cache_take(c, s->owner) : NODE_NONE;
	if (page == NODE_NONE)
		return;
	memcpy(cache_page(c, page), s->pages[s->n_path], c->page_bytes);
	drop_prefixes(c, seq_node(s), OWNER_CONFIGURED, s->tail, s->n_border);
	cache_hang(c, page, seq_node(s), OWNER_CONFIGURED, s->tail, s->n_border);
	cache_idle_newest(c, page);
}

int cache_seq_commit(struct cache_seq *s, const int32_t *ids, size_t n)
{
	if (cache_seq_len(s) + n > s->n_pages * KV_PAGE)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		s->tail[s->n_tail++] = ids[i];
		if (s->n_tail == seq_border(s))
			seq_share_border(s);
		if (s->n_tail == KV_PAGE)
			seq_enter(s);
	}
	return 0;
}

/* Keep the last page for copies, unless the tree has as much already. */
static void seq_leave_tail(struct cache_seq *s)
{
	uint32_t same;

	closest_child(s->c, seq_node(s), seq_next_owner(s), s->tail, s->n_tail, &same);
	if (same == s->n_tail)
		return;
	seq_hang(s, s->n_tail);
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
			cache_give(s->c, s->indices[i - 1]);
	while (s->n_path > 0)
		cache_release(s->c, s->path[--s->n_path]);
	s->c->owners[s->owner].n_seqs--;
	free(s->path);
	free(s->pages);
	free(s->indices);
	free(s);
}
