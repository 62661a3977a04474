/*
 * The KV cache: pages of KV_PAGE tokens, shared between sequences that begin with the same tokens.
 * A radix tree over token ids, a page to a node, remembers what was computed: a new sequence takes
 * the pages of the longest prefix that is there (and a copy of the part of a page that still fits),
 * so a system prompt or the earlier turns of a conversation are read once. Every reuse compares the
 * token ids themselves, never a hash alone.
 *
 * Every page has an owner: the configuration, where all its tokens and all before them come from
 * there, else the client that asked. What an owner finds is the configuration's pages and its own,
 * so that nobody can learn from a hit, or from the time that one saves, what another has asked.
 *
 * Pages are counted by reference; those that no sequence holds are given up when room is needed: of
 * the owner that has most pages, least recently used and leaves first.
 *
 * One thread at a time.
 */
#ifndef ENGINE_CACHE_CACHE_H
#define ENGINE_CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

/* The owner of what the configuration says; no other has this number. */
#define CACHE_CONFIGURED UINT64_MAX

struct cache;
struct cache_seq; /* the tokens and pages of one sequence */

/*
 * n_pages pages of page_bytes each, as one reservation whose memory is taken when pages are first
 * used and given back by cache_trim() and cache_clear(). -ENOMEM.
 */
int cache_open(size_t page_bytes, size_t n_pages, struct cache **out, struct ragd_err *err);
void cache_close(struct cache *c);

/*
 * Begin a sequence of this owner's with ids[0..n), of which the first n_configured come from the
 * configuration, whoever asks: those are for all, the others for the owner alone. Takes what is
 * cached of it, at most n - 1 tokens, since the last one has to be computed to go on.
 * cache_seq_len() tells how many. NULL when out of memory.
 */
struct cache_seq *cache_seq_new(struct cache *c, uint64_t owner, size_t n_configured,
				const int32_t *ids, size_t n);
/* Tokens that cache_seq_new() would find, without taking them. */
size_t cache_match(const struct cache *c, uint64_t owner, size_t n_configured, const int32_t *ids,
		   size_t n);
/*
 * Tokens beyond the configuration's that cache_seq_new() found: those depend on what the owner
 * asked before and on nothing else. Whether the configuration's were there depends on others.
 */
size_t cache_seq_own(const struct cache_seq *s);

/* Tokens whose keys and values are in the pages. */
size_t cache_seq_len(const struct cache_seq *s);
/*
 * Pages for `len` tokens in all: pages that are missing are taken (evicting what no sequence
 * holds). -ENOSPC: every page is held by some sequence; nothing was changed.
 */
int cache_seq_reserve(struct cache_seq *s, size_t len, struct ragd_err *err);
/* The page table for a forward pass: valid until the sequence changes. */
uint8_t *const *cache_seq_pages(const struct cache_seq *s);
/*
 * The forward pass has written the keys and values of ids[0..n) behind the present ones: whole
 * pages enter the tree. Pages that another sequence entered with the same tokens for the same owner
 * meanwhile are taken over and ours freed.
 */
int cache_seq_commit(struct cache_seq *s, const int32_t *ids, size_t n);
/* Ends the sequence; a last page that is not full stays in the tree too, for copies. */
void cache_seq_free(struct cache_seq *s);

struct cache_stats {
	size_t n_pages;          /* in all */
	size_t n_held;           /* by sequences */
	size_t n_cached;         /* in the tree and held by nobody */
	uint64_t n_hit_tokens;   /* taken from the tree since the start */
	uint64_t n_asked_tokens; /* of sequences begun */
	uint64_t n_evicted_pages;
};
void cache_stats(const struct cache *c, struct cache_stats *out);
/* Forget everything that no sequence holds, and give its memory back to the system. */
void cache_clear(struct cache *c);
/*
 * The same but for what the configuration owns, for a cache that has been idle: that is little, and
 * the next prompt begins with it.
 */
void cache_trim(struct cache *c);

/*
 * Write the tree with its pages to a file (temporary file, fsync, rename; a full disk leaves
 * nothing), and read it back; owners and all. The file is its owner's alone (0600), and one that
 * others could read or write is -EPERM. `stamp` names what the pages depend on (model digest, KV
 * type, shape, kernel set): another stamp, or a file that is damaged (a checksum tells), is -ESTALE
 * and -EBADMSG, and the cache stays as it was. What does not fit is left out, of every owner the
 * least recently used first.
 */
int cache_save(const struct cache *c, const char *path, const char *stamp, struct ragd_err *err);
int cache_load(struct cache *c, const char *path, const char *stamp, struct ragd_err *err);

#endif
