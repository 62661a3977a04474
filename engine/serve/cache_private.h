/* The inside of the KV cache, for its two halves: the tree (cache.c) and its file (cache_file.c). */
#ifndef ENGINE_SERVE_CACHE_PRIVATE_H
#define ENGINE_SERVE_CACHE_PRIVATE_H

#include "engine/compute/kernels.h"
#include "engine/serve/cache.h"

#define NODE_NONE UINT32_MAX

/*
 * What is known of a page. A node of the tree is the page of the same index, so nothing is allocated
 * after cache_open(). The root is no page: index NODE_NONE.
 *
 * Nodes that no sequence holds stand in the list of the idle, least recently released first. A sequence
 * holds its whole path and releases it from the leaf up, so children always stand before their
 * parents, and the head of the list is a leaf.
 */
struct node {
	int32_t ids[KV_PAGE];
	uint32_t
		n; /* tokens; less than KV_PAGE: a leaf that is only ever copied from. 0: not in the tree */
	uint32_t refs; /* sequences whose path it is on */
	uint32_t parent;
	uint32_t child;         /* the first */
	uint32_t before, after; /* siblings */
	uint32_t older, newer;  /* the list of the idle */
};

struct cache {
	uint8_t *memory; /* n_pages * page_bytes */
	size_t page_bytes;
	uint32_t n_pages;
	struct node *nodes;
	uint32_t root_child;
	uint32_t *free; /* a stack of pages */
	uint32_t n_free;
	uint32_t oldest, newest; /* the list of the idle */
	uint32_t n_idle;
	uint64_t n_hit, n_asked, n_evicted;
};

uint8_t *cache_page(const struct cache *c, uint32_t page);
/* A page that nobody has, its node not in the tree; NODE_NONE if every page is held. */
uint32_t cache_take(struct cache *c);
/* The child of `parent` with exactly these n tokens, or NODE_NONE. */
uint32_t cache_child(const struct cache *c, uint32_t parent, const int32_t *ids, uint32_t n);
/* Put a taken page into the tree; it is neither held nor idle yet. */
void cache_hang(struct cache *c, uint32_t page, uint32_t parent, const int32_t *ids, uint32_t n);
/* To the list of the idle: as the one to be kept longest, or as the first to go. */
void cache_idle_newest(struct cache *c, uint32_t page);
void cache_idle_oldest(struct cache *c, uint32_t page);

#endif
