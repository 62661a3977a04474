/*
 * libragd: how programs in C and C++ talk to a running ragd, over its Unix socket.
 *
 *     struct ragd_client *c;
 *     struct ragd_answer *a;
 *     struct ragd_ask ask = { 0 };
 *     struct ragd_err err;
 *
 *     ask.question = "What is the default size of the thread pool?";
 *     if (ragd_client_open(NULL, &c, &err) < 0 || ragd_client_ask(c, &ask, NULL, &a, &err) < 0)
 *             return fprintf(stderr, "%s\n", err.msg), 1;
 *     puts(ragd_answer_text(a));
 *
 *     cc example.c $(pkg-config --cflags --libs ragd)
 *
 * Contract, for every function unless it says otherwise
 * -----------------------------------------------------
 * calls      Synchronous: they return once the reply is complete. Connections are kept and reused.
 * threads    One handle per thread. Only ragd_client_cancel() may be called from another thread.
 *            The library keeps no state that handles share.
 * results    Opaque, owned by the caller, freed with the _free() of their type, which accepts NULL.
 *            What accessors return is borrowed from the result and lives as long as it does.
 *            Strings are UTF-8 and, unless the declaration says otherwise, never NULL: a member
 *            that the daemon left out is "". An accessor that takes an index returns NULL once
 *            the index is past the last row, so that loops need no count.
 * arguments  Borrowed for the length of the call. Zero the structs before you fill them; zero and
 *            NULL mean the default. Text is UTF-8.
 * growth     Rows that accessors return may gain members at their end. Structs that the caller
 *            fills change only with the soname.
 * errors     0, or a negative errno with one sentence in *err, which may be NULL. Other
 *            out-parameters are written only on success. When the daemon refuses, the sentence is
 *            the daemon's own; ragd_client_status() and ragd_client_code() say which refusal it
 *            was.
 *
 *     -ENOENT        404: no such assistant, collection, document, answer, policy or endpoint;
 *                    or no socket
 *     -EINVAL        400: the request, or an argument, is not valid
 *     -EACCES        403, or the socket's permissions
 *     -EFBIG         413: more than the daemon's limit
 *     -EILSEQ        422, 415: a document that cannot be read
 *     -EBUSY         429: the queue is full; try again after a second
 *     -EAGAIN        503, 409: starting, draining or not ready
 *     -ETIMEDOUT     408, 504, or the handle's own timeout
 *     -ENOSPC        507: the daemon's disk is full
 *     -EREMOTEIO     500: the daemon's log says why, under the request id
 *     -ECONNREFUSED  nothing listens on the socket
 *     -ECONNRESET    the connection broke before the reply was complete
 *     -EPROTO        the reply does not come from ragd
 *     -ECANCELED     ragd_client_cancel(), or a callback asked to stop
 *     -ENOMEM        out of memory
 */
#ifndef RAGD_CLIENT_H
#define RAGD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RAGD_API __attribute__((visibility("default")))
#else
#define RAGD_API
#endif

/* ---- the handle ------------------------------------------------------------------------------ */

struct ragd_client;

/*
 * Find a daemon. socket is the path of its socket. If it is NULL and $RAGD_SOCKET is set, that path
 * alone is tried; if that is not set either, $XDG_RUNTIME_DIR/ragd/ragd.sock (without that variable
 * /tmp/ragd-UID/ragd.sock) and then /run/ragd/ragd.sock. The first that accepts a connection is
 * used. The error lists the places that were tried and says how to start a daemon.
 */
RAGD_API int ragd_client_open(const char *socket, struct ragd_client **out, struct ragd_err *err);
RAGD_API void ragd_client_close(struct ragd_client *c);

/* The path in use. */
RAGD_API const char *ragd_client_socket(const struct ragd_client *c);

/* How long a whole call may take; 0, the default: as long as the daemon's own deadlines allow. */
RAGD_API void ragd_client_timeout(struct ragd_client *c, unsigned timeout_ms);

/*
 * Make the call in progress return -ECANCELED soon or, if there is none, the next call at once.
 * May be called from any thread and from a signal handler.
 */
RAGD_API void ragd_client_cancel(struct ragd_client *c);

/* Of the last call: HTTP status (0: no reply), `code` of its error, request id; "" if none. */
RAGD_API int ragd_client_status(const struct ragd_client *c);
RAGD_API const char *ragd_client_code(const struct ragd_client *c);
RAGD_API const char *ragd_client_request_id(const struct ragd_client *c);

/* "0.1.0" */
RAGD_API const char *ragd_client_version(void);

/* A place where ragd_client_open(NULL) looks, and what it finds there. */
struct ragd_place {
	const char *from; /* the variable it comes from, or "system" */
	char path[256];   /* "" if the variable is not set */
	int rc;           /* 0: it accepts connections; else why not, as -errno */
};

/* Fills up to n places, in the order in which they are tried; returns how many. */
RAGD_API size_t ragd_client_places(struct ragd_place *out, size_t n);

/* ---- answers --------------------------------------------------------------------------------- */

struct ragd_answer;

struct ragd_turn {
	const char *role; /* "user", "assistant", "system" */
	const char *text;
};

struct ragd_ask {
	const char *assistant;         /* NULL: "default" */
	const char *question;          /* NULL if the last of turns is the question */
	const struct ragd_turn *turns; /* the conversation before it */
	size_t n_turns;
	const char *const *collections; /* look only in these of the assistant's collections */
	size_t n_collections;
	unsigned k;          /* passages, 1..50 */
	const char *options; /* further members of the request, as a JSON object:
	                                   {"max_tokens":200,"temperature":0,"seed":1} */
};

/* A place in the answer and what it rests on. */
struct ragd_citation {
	unsigned n;                  /* the [n] in the text */
	size_t mark_start, mark_end; /* where the mark stands, in characters of the text */
	const char *collection;
	const char *document;
	const char *title;
	const char *heading;
	uint64_t start, end; /* bytes of the document as it was added */
	const char *quote;   /* the text at that place */
	double score;
};

/* A document that the answer cites. */
struct ragd_source {
	unsigned n;
	const char *collection;
	const char *document;
	const char *title;
	const char *heading;
};

/* What a filter found. */
struct ragd_flag {
	const char *stage; /* "prompt", "document", "response" */
	const char *plugin;
	const char *category;
	const char *rule;
	const char *action; /* "steer", "redact", "block" */
	double score;
};

/*
 * Callbacks of a streamed answer, on the calling thread; each may be NULL. One that returns
 * non-zero ends the call with -ECANCELED, and the daemon stops working on the answer. They must
 * not use the handle except for ragd_client_cancel().
 */
struct ragd_events {
	/* A citation, before the text that contains its mark. Borrowed during the callback. */
	int (*citation)(void *arg, const struct ragd_citation *cite);
	/* The next piece of the text: whole characters, NUL-terminated. */
	int (*text)(void *arg, const char *text, size_t len);
	/* The complete answer, borrowed, once; not after an error. */
	int (*done)(void *arg, const struct ragd_answer *answer);
	void *arg;
};

/*
 * Ask. With events the answer is streamed, and out may be NULL; without, it arrives whole. An
 * answer that is blocked or abstains is no error: see ragd_answer_blocked_by() and
 * ragd_answer_abstained().
 */
RAGD_API int ragd_client_ask(struct ragd_client *c, const struct ragd_ask *ask,
			     const struct ragd_events *events, struct ragd_answer **out,
			     struct ragd_err *err);
RAGD_API void ragd_answer_free(struct ragd_answer *a);

RAGD_API const char *ragd_answer_id(const struct ragd_answer *a); /* for feedback */
RAGD_API const char *ragd_answer_assistant(const struct ragd_answer *a);
RAGD_API const char *ragd_answer_text(const struct ragd_answer *a);
RAGD_API const char *ragd_answer_finish(const struct ragd_answer *a); /* "stop", "length",
                                                                        "content_filter" */
RAGD_API bool ragd_answer_grounded(const struct ragd_answer *a);
/* Nothing in the documents supports an answer; the text says so. */
RAGD_API bool ragd_answer_abstained(const struct ragd_answer *a);
/* NULL if nothing blocked it; else the text is a refusal. */
RAGD_API const struct ragd_flag *ragd_answer_blocked_by(const struct ragd_answer *a);
RAGD_API const struct ragd_flag *ragd_answer_redaction(const struct ragd_answer *a, size_t i);
RAGD_API unsigned ragd_answer_dropped_sentences(const struct ragd_answer *a);
RAGD_API const struct ragd_citation *ragd_answer_citation(const struct ragd_answer *a, size_t i);
RAGD_API const struct ragd_source *ragd_answer_source(const struct ragd_answer *a, size_t i);
/* The reply as JSON; a streamed answer in the shape of an unstreamed one. */
RAGD_API const char *ragd_answer_json(const struct ragd_answer *a);

/*
 * rating: "up" or "down"; what follows it may be NULL. Only the user who received the answer, or an
 * administrator, may rate it.
 */
struct ragd_feedback {
	const char *answer_id;
	const char *rating;
	const char *reason; /* wrong, not_in_sources, unsafe, refused, incomplete, other */
	const char *comment;
	const char *better;
};

/* id may be NULL; otherwise *id takes the rating's id, which the caller ragd_free()s. */
RAGD_API int ragd_client_feedback(struct ragd_client *c, const struct ragd_feedback *feedback,
				  char **id, struct ragd_err *err);

/* Bytes of a long reply as they arrive; non-zero ends the call with -ECANCELED. */
typedef int (*ragd_bytes_cb)(void *arg, const void *data, size_t len);

/* All ratings as JSON lines; for administrators. */
RAGD_API int ragd_client_feedback_export(struct ragd_client *c, ragd_bytes_cb sink, void *arg,
					 struct ragd_err *err);

/* ---- search ---------------------------------------------------------------------------------- */

struct ragd_hits;

struct ragd_search {
	const char *query;
	unsigned k;                     /* 0: 10 */
	const char *const *collections; /* none: all the caller may read */
	size_t n_collections;
	const char *const *tags;
	size_t n_tags;
	bool per_document; /* the best passage of each document only */
};

struct ragd_hit_row {
	const char *collection;
	const char *document;
	const char *title;
	const char *heading;
	const char *text;
	uint64_t start, end; /* bytes of the document */
	double score, lexical, vector;
};

RAGD_API int ragd_client_search(struct ragd_client *c, const struct ragd_search *search,
				struct ragd_hits **out, struct ragd_err *err);
RAGD_API const struct ragd_hit_row *ragd_hits_at(const struct ragd_hits *hits, size_t i);
RAGD_API const char *ragd_hits_json(const struct ragd_hits *hits);
RAGD_API void ragd_hits_free(struct ragd_hits *hits);

/* ---- collections ----------------------------------------------------------------------------- */

struct ragd_collections;

struct ragd_collection_row {
	const char *name;
	const char *owner, *group; /* names where the system has them, else numbers */
	const char *mode;          /* "0640" */
	uint64_t documents, passages, bytes;
	int64_t updated; /* seconds since 1970 */
};

RAGD_API int ragd_client_collections(struct ragd_client *c, struct ragd_collections **out,
				     struct ragd_err *err);
/* The same with one row. */
RAGD_API int ragd_client_collection(struct ragd_client *c, const char *name,
				    struct ragd_collections **out, struct ragd_err *err);
/* Create or change it; owner, group, mode ("0640") may be NULL. Returns 1 if it is new, else 0. */
RAGD_API int ragd_client_collection_set(struct ragd_client *c, const char *name, const char *owner,
					const char *group, const char *mode, struct ragd_err *err);
/* Removes it with its documents. */
RAGD_API int ragd_client_collection_remove(struct ragd_client *c, const char *name,
					   struct ragd_err *err);
/*
 * Have its vectors made again in the background; searches use the old ones until then. json may be
 * NULL, or takes the reply, which the caller ragd_free()s.
 */
RAGD_API int ragd_client_reindex(struct ragd_client *c, const char *name, char **json,
				 struct ragd_err *err);
RAGD_API const struct ragd_collection_row *ragd_collections_at(const struct ragd_collections *l,
							       size_t i);
RAGD_API const char *ragd_collections_json(const struct ragd_collections *l);
RAGD_API void ragd_collections_free(struct ragd_collections *l);

/* ---- documents ------------------------------------------------------------------------------- */

struct ragd_documents;
struct ragd_added;

/* One to add. */
struct ragd_new_document {
	const char *id;
	const char *title;      /* NULL: the document's own, else the id */
	const char *media_type; /* NULL: from the extension of the id */
	const char *const *tags;
	size_t n_tags;
	const void *data; /* any bytes; what is not UTF-8 is sent as base64 */
	size_t len;
};

/* What became of one. */
struct ragd_added_row {
	const char *id;
	const char *status; /* "added", "updated", "unchanged", "failed" */
	const char *code;   /* why it failed: the code and the message */
	const char *error;
	uint64_t passages;
};

struct ragd_document_row {
	const char *id;
	const char *title;
	const char *media_type;
	const char *digest; /* what ragd_digest() gives for the content */
	uint64_t bytes, passages;
	int64_t updated; /* seconds since 1970 */
};

/*
 * Add or replace n documents (at most 10,000) in one request. Each is independent: one that cannot
 * be stored fails in its own row, and the others are stored. What is reported as stored is durable,
 * and the next search finds it.
 */
RAGD_API int ragd_client_add(struct ragd_client *c, const char *collection,
			     const struct ragd_new_document *docs, size_t n,
			     struct ragd_added **out, struct ragd_err *err);
/* One document as the body of a request of its own, for large ones; its tags are not sent. */
RAGD_API int ragd_client_put(struct ragd_client *c, const char *collection,
			     const struct ragd_new_document *doc, struct ragd_added **out,
			     struct ragd_err *err);
/* Rows in the order of docs. */
RAGD_API const struct ragd_added_row *ragd_added_at(const struct ragd_added *added, size_t i);
RAGD_API const char *ragd_added_json(const struct ragd_added *added);
RAGD_API void ragd_added_free(struct ragd_added *added);

/* A page of up to limit (0: 100) documents after the id `after` (NULL: from the first). */
RAGD_API int ragd_client_documents(struct ragd_client *c, const char *collection, const char *after,
				   unsigned limit, struct ragd_documents **out,
				   struct ragd_err *err);
/* The same with one row. */
RAGD_API int ragd_client_document(struct ragd_client *c, const char *collection, const char *id,
				  struct ragd_documents **out, struct ragd_err *err);
RAGD_API const struct ragd_document_row *ragd_documents_at(const struct ragd_documents *l,
							   size_t i);
/* What to pass as `after` for the next page; NULL after the last. */
RAGD_API const char *ragd_documents_next(const struct ragd_documents *l);
RAGD_API const char *ragd_documents_json(const struct ragd_documents *l);
RAGD_API void ragd_documents_free(struct ragd_documents *l);

RAGD_API int ragd_client_document_remove(struct ragd_client *c, const char *collection,
					 const char *id, struct ragd_err *err);
/* The bytes as they were added, in pieces. */
RAGD_API int ragd_client_content(struct ragd_client *c, const char *collection, const char *id,
				 ragd_bytes_cb sink, void *arg, struct ragd_err *err);

#define RAGD_DIGEST_HEX 64

/*
 * SHA-256 in lower-case hexadecimal, and a NUL: the `digest` that the daemon keeps of a document.
 */
RAGD_API void ragd_digest(const void *data, size_t len, char out[RAGD_DIGEST_HEX + 1]);

/* ---- filters and vectors --------------------------------------------------------------------- */

struct ragd_verdicts;
struct ragd_vectors;

struct ragd_moderate {
	const char *const *texts;
	size_t n_texts;     /* at most 256 */
	const char *policy; /* NULL: the default assistant's */
	const char *stage;  /* NULL: "prompt"; "document", "response" */
};

struct ragd_verdict_row {
	bool flagged;
	const char *action; /* "allow", "steer", "redact", "block" */
	double score;
	const char *text; /* after redaction */
	const char *note;
};

struct ragd_category_row {
	const char *name;
	bool flagged;
	double score;
};

RAGD_API int ragd_client_moderate(struct ragd_client *c, const struct ragd_moderate *moderate,
				  struct ragd_verdicts **out, struct ragd_err *err);
/* One row per text, in the same order. */
RAGD_API const struct ragd_verdict_row *ragd_verdicts_at(const struct ragd_verdicts *v, size_t i);
/* The j-th category of the i-th verdict. */
RAGD_API const struct ragd_category_row *ragd_verdicts_category(const struct ragd_verdicts *v,
								size_t i, size_t j);
/* The j-th rule that the i-th text matched; NULL past the last. */
RAGD_API const char *ragd_verdicts_rule(const struct ragd_verdicts *v, size_t i, size_t j);
RAGD_API const char *ragd_verdicts_json(const struct ragd_verdicts *v);
RAGD_API void ragd_verdicts_free(struct ragd_verdicts *v);

/* Vectors of up to 256 texts; assistant may be NULL. */
RAGD_API int ragd_client_embed(struct ragd_client *c, const char *assistant,
			       const char *const *texts, size_t n, struct ragd_vectors **out,
			       struct ragd_err *err);
/* The i-th, [dim]; NULL past the last. */
RAGD_API const float *ragd_vectors_at(const struct ragd_vectors *v, size_t i);
RAGD_API size_t ragd_vectors_dim(const struct ragd_vectors *v);
RAGD_API void ragd_vectors_free(struct ragd_vectors *v);

/* ---- the daemon itself ----------------------------------------------------------------------- */

/* The reply as the daemon wrote it (JSON, except for metrics), which the caller ragd_free()s. */
RAGD_API int ragd_client_assistants(struct ragd_client *c, char **json, struct ragd_err *err);
RAGD_API int ragd_client_system_card(struct ragd_client *c, char **json, struct ragd_err *err);
RAGD_API int ragd_client_daemon(struct ragd_client *c, char **json,
				struct ragd_err *err); /* /v1/status */
RAGD_API int ragd_client_plugins(struct ragd_client *c, char **json, struct ragd_err *err);
RAGD_API int ragd_client_health(struct ragd_client *c, char **json, struct ragd_err *err);
RAGD_API int ragd_client_metrics(struct ragd_client *c, char **text, struct ragd_err *err);
/* Read the configuration again; for administrators. json may be NULL. */
RAGD_API int ragd_client_reload(struct ragd_client *c, char **json, struct ragd_err *err);

/*
 * Any other endpoint. body may be NULL; type is its Content-Type. *reply is NUL-terminated; the
 * caller ragd_free()s it. reply_len may be NULL.
 */
RAGD_API int ragd_client_request(struct ragd_client *c, const char *method, const char *path,
				 const char *type, const void *body, size_t len, char **reply,
				 size_t *reply_len, struct ragd_err *err);

RAGD_API void ragd_free(void *p);

#ifdef __cplusplus
}
#endif

#endif
