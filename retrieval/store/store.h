/*
 * The store: collections of documents on disk, found by words and by meaning. The operations are
 * those of struct ragd_retrieval_ops in <ragd/plugin.h>, where they are described.
 *
 * SQLite (write-ahead log) is the source of truth. What put, remove and the collection calls have
 * acknowledged is on disk, and the next search finds it; the vector index is a cache of it. Any
 * number of threads may call at once.
 */
#ifndef RETRIEVAL_STORE_H
#define RETRIEVAL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

struct store;

/* What the owner may want to log; `detail` is one line. */
enum store_event {
	STORE_REPAIRED,        /* the last process ended without closing the store */
	STORE_REINDEXED,       /* the full-text index was built again */
	STORE_VECTORS_REBUILT, /* the file of vectors was missing, old or damaged */
	STORE_LEARNED,         /* the embedder has learned (again) from the documents */
	STORE_ENCODED,         /* the encoder has made all vectors of a collection */
	STORE_TROUBLE,         /* what goes on without it failed; it will be tried again */
};

/*
 * What turns texts into vectors, outside of the store; embed and card are as in struct ragd_host.
 * The functions are called from any thread, from when the store is open until it is closed.
 */
struct store_encoder {
	const char *name; /* NULL or "": none, so that vectors are learned from the passages */
	int (*embed)(void *arg, const char *name, const struct ragd_call *call,
		     const struct ragd_embed *req, struct ragd_embeddings *out,
		     struct ragd_err *err);
	int (*card)(void *arg, const char *name, struct ragd_embed_card *out, struct ragd_err *err);
	void *arg;
};

#define STORE_RERANK_MAX 200 /* hits that a search may have reranked */

/*
 * What says how relevant passages are to a question, outside of the store; rerank is as in struct
 * ragd_host, called from any thread. The name lives as long as the store.
 */
struct store_reranker {
	const char *name; /* NULL: none */
	uint32_t top;     /* the first hits that it is asked about, up to STORE_RERANK_MAX */
	int64_t time_ms;  /* that a search waits for it */
	int (*rerank)(void *arg, const char *name, const struct ragd_call *call,
		      const struct ragd_rerank *req, double *scores, struct ragd_err *err);
	void *arg;
};

/* Of an encoder's work in the background, on all collections. */
struct store_progress {
	uint64_t n_vectors;  /* passages that have one in use */
	uint64_t n_waiting;  /* passages that wait for one */
	uint32_t waiting_s;  /* about how long; 0: not known, or none wait */
	uint64_t n_encoded;  /* passages that got one since the store was opened */
	uint64_t n_failures; /* calls that failed, and passages that the encoder refused */
};

typedef void (*store_event_cb)(void *arg, enum store_event event, const char *detail);

struct store_options {
	const char *dir;         /* exists and is writable; used by this store alone */
	const char *language;    /* a Snowball name; NULL: "english" */
	uint32_t passage_target; /* bytes, see chunk.h; 0: its default */
	uint32_t passage_max;    /* bytes; 0: its default */
	size_t max_document;     /* bytes; 0: 32 MiB */
	struct store_encoder encoder;
	struct store_reranker reranker;
	uint32_t dim;         /* floats of a learned vector; 0: 128 */
	double weight_vector; /* see fuse.h, 0 .. 1; < 0: its default */
	store_event_cb event; /* from any thread; NULL: not told */
	/* After each step of an encoder's work, on the thread that does it; NULL: not told. */
	void (*progress)(void *arg, const struct store_progress *p);
	void *event_arg;   /* of both */
	int64_t max_pages; /* of the database, for tests of a full disk; 0: no bound */
};

/*
 * Open or create the store in options->dir. -EBUSY: another process has it; -EBADMSG: damaged,
 * nothing was changed; -ENOTSUP: made by a newer ragd; -EINVAL: not a store, unknown language.
 */
int store_open(const struct store_options *options, struct store **out, struct ragd_err *err);
/* Accepts NULL. No call may be in progress. */
void store_close(struct store *s);

int store_collection_put(struct store *s, const struct ragd_call *call,
			 const struct ragd_collection *c, bool *created, struct ragd_err *err);
int store_collection_remove(struct store *s, const struct ragd_call *call, const char *name,
			    struct ragd_err *err);
int store_collections(struct store *s, const struct ragd_call *call,
		      const struct ragd_collection **out, size_t *n, struct ragd_err *err);

int store_put(struct store *s, const struct ragd_call *call, const char *collection,
	      const struct ragd_document *docs, size_t n, struct ragd_put_result *results,
	      struct ragd_err *err);
int store_remove(struct store *s, const struct ragd_call *call, const char *collection,
		 struct ragd_str id, struct ragd_err *err);
int store_list(struct store *s, const struct ragd_call *call, const char *collection,
	       struct ragd_str after, size_t limit, const struct ragd_document_info **out,
	       size_t *n, struct ragd_err *err);
int store_get(struct store *s, const struct ragd_call *call, const char *collection,
	      struct ragd_str id, struct ragd_document_info *info, struct ragd_str *content,
	      struct ragd_err *err);
int store_search(struct store *s, const struct ragd_call *call, const struct ragd_query *query,
		 const struct ragd_hit **hits, size_t *n, struct ragd_err *err);
void store_stats(struct store *s, const struct ragd_caller *caller,
		 struct ragd_retrieval_stats *out);
int store_embed(struct store *s, const struct ragd_call *call, const struct ragd_embed *req,
		struct ragd_embeddings *out, struct ragd_err *err);
/* Have the encoder make all vectors again; the old ones serve until then. */
int store_reindex(struct store *s, const struct ragd_call *call, const char *name,
		  struct ragd_err *err);
/*
 * Postings, vectors and tagged documents that searches have read so far: what a search reads must
 * not depend on what its caller may not read.
 */
uint64_t store_looked_at(struct store *s);
/*
 * Do now what the store would do by itself once it is left alone (train on what was added), and
 * wait until it is done.
 */
int store_settle(struct store *s, struct ragd_err *err);

#endif
