/*
 * The inside of the KV cache: pages and their tree (cache.c), sequences (cache_seq.c), the file
 * (cache_file.c).
 */
#ifndef ENGINE_CACHE_CACHE_PRIVATE_H
#define ENGINE_CACHE_CACHE_PRIVATE_H

#include "engine/cache/cache.h"
#include "engine/kernels/kernels.h"

#define NODE_NONE UINT32_MAX

/*
 * What is known of a page. A node of the tree is the page of the same index. The root is no page:
 * index NODE_NONE.
 *
 * Nodes that no sequence holds stand in the list of their owner's idle ones, least recently
 * released first. A sequence holds its whole path and releases it from the leaf up, so children
 * always stand before their parents, and the head of an owner's list is a leaf. Of the
 * configuration's it may have pages of others behind it, which are in other lists: n_behind counts
 * them.
 */
struct node {
	int32_t ids[KV_PAGE];
	uint32_t n; /* tokens; below KV_PAGE: a leaf, only ever copied from; 0: not in the tree */
	uint32_t refs;  /* sequences whose path it is on */
	uint32_t owner; /* index; of a page that is not in the tree, too */
	uint32_t parent;
	uint32_t child;         /* the first of the same owner */
	uint32_t n_behind;      /* pages of other owners whose parent it is */
	uint32_t before, after; /* siblings */
	uint32_t older, newer;  /* the list of the idle */
};

/* What pages belong to. The one of index 0 is the configuration. */
struct owner {
	uint64_t id;
	uint32_t top; /* the first of its nodes whose parent is the root or the configuration's */
	uint32_t oldest, newest; /* the list of the idle */
	uint32_t n_idle;
	uint32_t n_pages; /* in the tree, or in sequences */
	uint32_t n_seqs;  /* without these and pages its place is free */
};

#define OWNER_CONFIGURED 0
#define OWNER_NONE       UINT32_MAX /* of an owner without pages */

struct cache {
	uint8_t *memory; /* n_pages * page_bytes */
	size_t page_bytes;
	uint32_t n_pages;
	struct node *nodes;
	struct owner *owners;
	uint32_t n_owners, cap_owners;
	uint32_t *free; /* a stack of pages */
	uint32_t n_free;
	uint32_t n_idle; /* of all owners */
	uint64_t n_hit, n_asked, n_evicted;
};

uint8_t *cache_page(const struct cache *c, uint32_t page);
/* The index of an owner, made if need be; OWNER_NONE when out of memory. */
uint32_t cache_owner(struct cache *c, uint64_t id);
/*
 * A page for this owner, its node not in the tree; NODE_NONE if every page is held. Where none is
 * free, the owner with most of them gives the one that it has not used for longest.
 */
uint32_t cache_take(struct cache *c, uint32_t owner);
/* Give a page back that is not in the tree. */
void cache_give(struct cache *c, uint32_t page);

/* An owner's children of `parent`, one after another, NODE_NONE at the end. */
uint32_t cache_first(const struct cache *c, uint32_t parent, uint32_t owner);
uint32_t cache_next(const struct cache *c, uint32_t node);
/* The one with exactly these n tokens, or NODE_NONE. */
uint32_t cache_child(const struct cache *c, uint32_t parent, uint32_t owner, const int32_t *ids,
		     uint32_t n);
/* Put a taken page into the tree as this owner's; it is neither held nor idle yet. */
void cache_hang(struct cache *c, uint32_t page, uint32_t parent, uint32_t owner, const int32_t *ids,
		uint32_t n);
/* Take an idle leaf out of the tree; its page stays its owner's, for cache_give(). */
void cache_forget(struct cache *c, uint32_t page);

/* A sequence more, or less, has the node on its path. */
void cache_hold(struct cache *c, uint32_t page);
void cache_release(struct cache *c, uint32_t page);
/* To the list of the idle: as the one to be kept longest, or as the first to go. */
void cache_idle_newest(struct cache *c, uint32_t page);
void cache_idle_oldest(struct cache *c, uint32_t page);

#endif
