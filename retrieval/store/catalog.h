/*
 * What every search must know of every passage, in memory: its collection, its document, its
 * length. Loaded from SQLite when the store opens; afterwards the writer applies each commit to it
 * before it acknowledges, under the lock that searches hold for reading. Eighteen bytes a passage.
 */
#ifndef RETRIEVAL_CATALOG_H
#define RETRIEVAL_CATALOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "retrieval/store/acl.h"

/*
 * Ids are counted up and never used again while the process lives, so that a search which read
 * postings before a commit can at worst miss what it names, never take one passage for another.
 */
#define CATALOG_ID_MAX UINT32_MAX

struct embedder;
struct vectors;

/* An embedder and the vectors it made. They belong to the store: the catalog frees neither. */
struct embedding_index {
	struct embedder *embedder; /* NULL: nothing learned */
	struct vectors *vectors;
	/*
	 * With an encoder: the first passage that the background work has not come to yet. Ids are
	 * never used again, so that all below have a vector or will not get one. That work's alone.
	 */
	uint32_t encode_from;
};

struct catalog_collection {
	uint32_t id;
	char name[ACL_NAME_MAX + 1];
	struct acl acl;
	bool shown; /* false: being made or removed, to be told to no caller */
	uint64_t n_documents;
	uint64_t n_passages;
	uint64_t n_bytes;
	uint64_t sum_length; /* of its passages: BM25 needs the mean */
	int64_t updated_s;

	/*
	 * What search by meaning knows of it, learned from nothing but its own passages. Changed on
	 * the writer's thread with the catalog locked for writing: read there, or with the catalog
	 * locked for reading. `next` is learned and being filled while `now` serves.
	 */
	struct embedding_index now;
	struct embedding_index next;
	int64_t generation; /* of `now` as it is stored; 0: none. For opening the store. */
	bool renewal;       /* a `next` is to be begun, although the encoder is the same */

	/* Of the background maintenance. */
	uint64_t gave_up_at;   /* passages when they taught nothing; 0: they did */
	int64_t written_ms;    /* last, see clock_ms; 0: not since the store opened */
	int64_t busy_since_ms; /* first of the writes between which there was no quiet */
};

#define CATALOG_PAGE 1024 /* passages in a page */

/* Passages with ids [k * CATALOG_PAGE ..): none of its passages alive, no page. */
struct catalog_page {
	uint32_t collection[CATALOG_PAGE]; /* 0: not alive */
	uint32_t document[CATALOG_PAGE];
	uint32_t place[2][CATALOG_PAGE]; /* of its vector, + 1, see vectors.h; 0: none */
	uint16_t length[CATALOG_PAGE];
	uint32_t n_live;
	uint32_t dense; /* its number among the pages that exist, for arrays in parallel */
};

struct catalog {
	pthread_rwlock_t lock; /* the caller takes it */

	struct catalog_collection **collections; /* by id; NULL where there is none */
	uint32_t n_collections;                  /* the highest id + 1 */

	struct catalog_page **pages; /* by passage / CATALOG_PAGE */
	uint32_t n_pages;
	uint32_t n_dense; /* page->dense is below */
	uint32_t *free_dense;
	uint32_t n_free_dense;
	uint32_t cap_free_dense;

	uint64_t n_documents;
	uint64_t n_passages;
};

int catalog_init(struct catalog *c);
void catalog_fini(struct catalog *c);

/* Not shown at first, so that it can be made before the commit that makes it. -ENOMEM. */
int catalog_add_collection(struct catalog *c, uint32_t id, const char *name, const struct acl *acl,
			   int64_t updated_s);
/* Its passages must have been removed. */
void catalog_drop_collection(struct catalog *c, uint32_t id);
/* By id; NULL if there is none (any more). */
static inline struct catalog_collection *catalog_collection(const struct catalog *c, uint32_t id)
{
	return id < c->n_collections ? c->collections[id] : NULL;
}
/* One that is shown, or NULL. */
struct catalog_collection *catalog_find(const struct catalog *c, const char *name);

struct catalog_document {
	uint32_t id;
	uint32_t collection;
	uint32_t first_passage;
	uint32_t n_passages;
	const uint16_t *lengths;
	uint64_t n_bytes;
};

/*
 * Room for a document that will be added, so that adding cannot fail after a commit. -ENOMEM, or
 * -EOVERFLOW when ids have run out.
 */
int catalog_reserve(struct catalog *c, const struct catalog_document *d, struct ragd_err *err);
void catalog_add(struct catalog *c, const struct catalog_document *d);
void catalog_remove(struct catalog *c, const struct catalog_document *d);
/* Free the pages that a removal left empty; once all changes of a commit were applied. */
void catalog_sweep(struct catalog *c, const struct catalog_document *removed);

/* The page and place of a living passage; NULL for one that is not. */
static inline const struct catalog_page *catalog_at(const struct catalog *c, uint32_t passage,
						    uint32_t *place)
{
	uint32_t n = passage / CATALOG_PAGE;
	const struct catalog_page *page = n < c->n_pages ? c->pages[n] : NULL;

	*place = passage % CATALOG_PAGE;
	return page != NULL && page->collection[*place] != 0 ? page : NULL;
}

#endif
