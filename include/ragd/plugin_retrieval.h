/*
 * Part of <ragd/plugin.h>: the operations of retrieval plugins, which store documents and find
 * passages in them.
 */
#ifndef RAGD_PLUGIN_RETRIEVAL_H
#define RAGD_PLUGIN_RETRIEVAL_H

#include <ragd/plugin_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Members and their comments stand in columns. */
/* clang-format off */

/* Owner, group and the rw bits of the mode say who may read and change it, as for a file. */
struct ragd_collection {
	const char *name; /* [a-z0-9][a-z0-9._-]*, at most 64 */
	uid_t       owner;
	gid_t       group;
	uint32_t    mode; /* 0600 .. 0666; r: search and get, w: put and remove */
	uint64_t    n_documents;
	uint64_t    n_passages;
	uint64_t    n_bytes;
	int64_t     updated_s; /* Unix time of the last change */
};

struct ragd_document {
	struct ragd_str        id;         /* UTF-8, 1 to 1024 bytes, no control characters */
	struct ragd_str        title;      /* empty: taken from the document or its id */
	struct ragd_str        media_type; /* "text/markdown"; empty: from the id's extension */
	struct ragd_str        content;    /* the bytes as they were in the owner's file */
	const struct ragd_str *tags;
	size_t                 n_tags;
};

enum ragd_put_status {
	RAGD_PUT_ADDED,
	RAGD_PUT_UPDATED,
	RAGD_PUT_UNCHANGED, /* content, title and tags are already stored as given */
	RAGD_PUT_FAILED,    /* err says why; a document stored before is still there, unchanged */
};

struct ragd_put_result {
	enum ragd_put_status status;
	uint32_t             n_passages;
	struct ragd_err      err;
};

/* A stored document without its content. */
struct ragd_document_info {
	const char *id;
	const char *title;
	const char *media_type;
	const char *digest; /* SHA-256 of the content, 64 hexadecimal digits; "" if not kept */
	uint64_t    n_bytes;
	uint32_t    n_passages;
	int64_t     updated_s;
};

struct ragd_query {
	uint32_t               size;
	struct ragd_str        text;
	uint32_t               k;           /* hits wanted, 1 to 1000 */
	const char *const     *collections; /* only these, as far as the caller may read them */
	size_t                 n_collections; /* 0: all that the caller may read */
	const struct ragd_str *tags;        /* only documents that have all of these */
	size_t                 n_tags;
	bool                   per_document; /* only the best passage of each document */
};

/*
 * From text[from] up to the next run, the bytes of a hit's text are those of the document from
 * content[to] on. Both ascend.
 */
struct ragd_run {
	uint32_t from;
	uint32_t to;
};

struct ragd_hit {
	const char            *collection;
	const char            *document; /* its id */
	struct ragd_passage    passage;
	uint64_t               start; /* in the document, the passage is content[start .. end) */
	uint64_t               end;
	const struct ragd_run *runs;    /* NULL: passage.text is content[start .. end) verbatim */
	size_t                 n_runs;
	float                  lexical; /* the parts of the score, each in [0, 1] */
	float                  vector;
};

/* Of the collections that the caller may read. */
struct ragd_retrieval_stats {
	uint32_t size;
	uint64_t n_collections;
	uint64_t n_documents;
	uint64_t n_passages;
	uint64_t n_vectors; /* passages in the vector index now */
	uint32_t dim;       /* floats of a vector; 0: no embedder yet */
	uint64_t n_bytes;   /* on disk, of all collections; 0 unless the caller is admin */
	uint64_t n_waiting; /* passages that will get a vector: until then words alone find them */
	uint32_t waiting_s; /* about how many seconds until they have; 0: not known, or none wait */
	char     encoder[RAGD_STAMP_SIZE]; /* the plugin that makes the vectors; "": learned here */
	char     trouble[240]; /* why there is no search by meaning at present; "" if there is */
	uint64_t n_foreign; /* passages, about, in a language that the encoder hardly knows */
};

/*
 * Every operation checks call->caller against the owner, group and mode of the collection. It
 * returns -EACCES if the caller may not do this, and -ENOENT if there is no such collection or the
 * caller may neither read nor write it: for this caller it doesn't exist, except that its name is
 * taken (collection_put returns -EACCES). Neither results, scores and vectors nor the time that a
 * call takes depend on the content of documents that the caller may not read. Filters apply before
 * ranking. What put, remove and the collection calls have acknowledged survives kill -9, and the
 * next search finds it.
 */
struct ragd_retrieval_ops {
	uint32_t size; /* sizeof(struct ragd_retrieval_ops) */

	/* Create it, or change its group and mode (owner or admin) or its owner (admin). */
	int (*collection_put)(void *self, const struct ragd_call *call,
			      const struct ragd_collection *c, bool *created, struct ragd_err *err);
	int (*collection_remove)(void *self, const struct ragd_call *call, const char *name,
				 struct ragd_err *err);
	/* Those that the caller may read. */
	int (*collections)(void *self, const struct ragd_call *call,
			   const struct ragd_collection **out, size_t *n, struct ragd_err *err);

	/*
	 * Add or replace n documents; results[i] is about docs[i]. If one fails, the others are
	 * stored all the same; an error is returned only if none could be (-ENOSPC, -EACCES). A
	 * caller that may write but not read gets RAGD_PUT_UPDATED for every document stored, so
	 * that it cannot tell whether there was one before.
	 */
	int (*put)(void *self, const struct ragd_call *call, const char *collection,
		   const struct ragd_document *docs, size_t n, struct ragd_put_result *results,
		   struct ragd_err *err);
	/* To a caller that may write but not read, 0 even if there was no such document. */
	int (*remove)(void *self, const struct ragd_call *call, const char *collection,
		      struct ragd_str id, struct ragd_err *err);
	/*
	 * Up to `limit` documents in the order of their ids, from the first one after the id
	 * `after`.
	 */
	int (*list)(void *self, const struct ragd_call *call, const char *collection,
		    struct ragd_str after, size_t limit, const struct ragd_document_info **out,
		    size_t *n, struct ragd_err *err);
	int (*get)(void *self, const struct ragd_call *call, const char *collection,
		   struct ragd_str id, struct ragd_document_info *info, struct ragd_str *content,
		   struct ragd_err *err);

	/* Best first. It is no error to find nothing. */
	int (*search)(void *self, const struct ragd_call *call, const struct ragd_query *query,
		      const struct ragd_hit **hits, size_t *n, struct ragd_err *err);
	/* Any thread; doesn't block. */
	void (*stats)(void *self, const struct ragd_caller *caller,
		      struct ragd_retrieval_stats *out);

	/*
	 * As for inference; may be NULL. -EAGAIN while the caller may read nothing that an embedder
	 * could have been trained on.
	 */
	int (*embed)(void *self, const struct ragd_call *call, const struct ragd_embed *req,
		     struct ragd_embeddings *out, struct ragd_err *err);
	/*
	 * Have all vectors of a collection (owner or admin) made again, in the background: those in
	 * use serve until the new ones are complete, and stats says how many passages wait. Returns
	 * at once; a crash does not undo it. -ENOTSUP if nothing makes them but the plugin itself.
	 * May be NULL.
	 */
	int (*reindex)(void *self, const struct ragd_call *call, const char *collection,
		       struct ragd_err *err);
};

/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
