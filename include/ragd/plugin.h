/*
 * The plugin ABI: everything that a ragd plugin and the daemon know about each other.
 *
 * A plugin is one shared object that exports one symbol, `ragd_plugin`: a const descriptor, which
 * the loader validates before any code of the plugin runs. All it needs is this header and the C
 * library:
 *
 *     cc -shared -fPIC -fvisibility=hidden -o my_filter.so my_filter.c
 *
 * The contract, for every call unless it says otherwise
 * -----------------------------------------------------
 * threads    open and close run once each, never at the same time as another call on the instance.
 *            Every other operation may be called from several threads at once. A call may block,
 *            but it holds one of the daemon's few pool threads while it does.
 * data       Plain data in, plain data out. Arguments are borrowed for the length of the call (for
 *            generate: until done() has been called). They never point into structures of the
 *            daemon that a copy could not replace, so a plugin could also run in a process of its
 *            own.
 * results    Come from call->alloc() or live as long as the instance. The caller copies or uses
 *            them before it resets the call. Never free() them, and never return a pointer into an
 *            argument, except to a text that is returned unchanged.
 * text       UTF-8, not NUL-terminated (struct ragd_str); offsets and lengths are in bytes. Names
 *            are NUL-terminated C strings.
 * errors     0 or a negative errno, with one sentence in *err. Other out-parameters are written
 *            only on success. A plugin never exits, aborts or prints.
 * validation The host checks what comes back before anyone uses it: return codes, actions, names,
 *            lengths without a pointer, UTF-8, spans, citations, numbers. Whatever this header does
 *            not allow is the plugin's fault: it is logged with the plugin's name, counted, and
 *            treated like any other failure, so nothing of that result is used.
 * deadline   call->deadline_ms. A call that notices it has passed returns -ETIMEDOUT. A call that
 *            does not come back is given up; what it returns later is ignored.
 *
 * How it grows
 * ------------
 * Within one RAGD_PLUGIN_ABI members are only ever added, and only at the end of structs that begin
 * with their `size` (in the descriptor it comes second). Whoever makes a struct sets its size;
 * whoever was built with another header goes by it:
 *
 *   tables     The descriptor and the table of operations are the plugin's. Where they end, the
 *              host takes the rest for NULL; what they have beyond its own, it leaves out.
 *   arguments  The host sets the size of what it passes. RAGD_HAS(query, k) tells whether a member
 *              is there; only members that came after the first version of this ABI need the
 *              question.
 *   results    The host passes a struct that is zero but for its size. Fill it with RAGD_FILL,
 *              which writes no further than that size: an assignment, `*out = …`, could.
 *   arrays     Their elements (passages, messages, findings, hits …) keep their size, and structs
 *              without a size their members.
 *
 * Any other change raises RAGD_PLUGIN_ABI, and the loader refuses every number but its own.
 */
#ifndef RAGD_PLUGIN_H
#define RAGD_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ragd/err.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Members and their comments stand in columns. */
/* clang-format off */

#define RAGD_PLUGIN_ABI 3

#define RAGD_EXPORT __attribute__((visibility("default")))

enum ragd_kind {
	RAGD_KIND_INFERENCE = 1,
	RAGD_KIND_RETRIEVAL = 2,
	RAGD_KIND_SAFETY    = 3,
};

/* A run of bytes, not NUL-terminated. { NULL, 0 } is the empty text. */
struct ragd_str {
	const char *s;
	size_t      len;
};

#define RAGD_STR(literal) ((struct ragd_str){ (literal), sizeof(literal) - 1 })

/*
 * Copy *from, of `size` bytes, to *out, but no further than *out reaches. Both begin with their
 * size; that of *out is the host's and stays.
 */
static inline void ragd_fill(void *out, const void *from, size_t size)
{
	uint32_t room;

	memcpy(&room, out, sizeof(room));
	if (room < size)
		size = room;
	if (size > sizeof(room))
		memcpy((char *)out + sizeof(room), (const char *)from + sizeof(room),
		       size - sizeof(room));
}

/*
 * RAGD_FILL(out, .action = RAGD_BLOCK, .message = RAGD_STR("No.")); members not named become zero.
 */
#define RAGD_FILL(out, ...)                                                                        \
	ragd_fill((out), &(const __typeof__(*(out))){ __VA_ARGS__ }, sizeof(*(out)))

/* Does the struct at p, which the other side made, reach as far as this member? */
#define RAGD_HAS(p, member)                                                                        \
	((p)->size >= offsetof(__typeof__(*(p)), member) + sizeof((p)->member))

/* ---- options ------------------------------------------------------------------------------ */

/*
 * Of a path: relative ones start from the configuration file's folder, and a reload after a change
 * of the file, or of files in the folder, opens the plugin again.
 */
enum ragd_option_type { /*  in the configuration file               ragd_value.   */
	RAGD_OPT_BOOL,     /* yes | no                                b                */
	RAGD_OPT_INT,      /* a whole number                          i                */
	RAGD_OPT_FLOAT,    /* a number                                f                */
	RAGD_OPT_SIZE,     /* bytes; units KiB, MiB, GiB, TiB         i                */
	RAGD_OPT_DURATION, /* milliseconds; units ms, s, min, h, d    i                */
	RAGD_OPT_STRING,   /* any text                                s                */
	RAGD_OPT_PATH,     /* a file, or a folder of files; see above s, absolute      */
	RAGD_OPT_CHOICE,   /* one word of `choices`                   s                */
	RAGD_OPT_LIST,     /* { "a", "b" }                            list, NULL-ended */
};

/* One row feeds the parser, the defaults, `rag plugins` and the manual page. */
struct ragd_option {
	const char           *name;    /* NULL ends the table */
	enum ragd_option_type type;
	const char           *dflt;    /* as written in the file; lists: separated by commas */
	double                min;     /* numbers only; min == max: no bound */
	double                max;
	const char           *choices; /* RAGD_OPT_CHOICE: words separated by '|' */
	const char           *help;    /* one sentence */
	/*
	 * May every user see its value? false: administrators only, as befits whatever names files,
	 * hosts, people or the thing that is being guarded.
	 */
	bool                  everyone;
};

struct ragd_value {
	const char *name;
	union {
		bool               b;
		int64_t            i;
		double             f;
		const char        *s;    /* never NULL; "" when unset */
		const char *const *list; /* never NULL */
	};
};

/*
 * One value for each row of the plugin's table, in the same order; lives as long as the instance.
 */
struct ragd_config {
	size_t                   n;
	const struct ragd_value *values;
};

/* The value of an option of the plugin's own table; NULL for a name that is not in it. */
static inline const struct ragd_value *ragd_config_get(const struct ragd_config *cfg,
						       const char *name)
{
	for (size_t i = 0; i < cfg->n; i++)
		if (strcmp(cfg->values[i].name, name) == 0)
			return &cfg->values[i];
	return NULL;
}

/* ---- the caller, and the frame of every call ------------------------------------------------- */

/* What the kernel says about the client (SO_PEERCRED, SO_PEERGROUPS). */
struct ragd_caller {
	uint32_t     size;
	uid_t        uid;
	gid_t        gid;
	const gid_t *groups; /* supplementary */
	size_t       n_groups;
	bool         admin; /* root or the daemon's own user */
};

struct ragd_call {
	uint32_t                  size;
	const struct ragd_caller *caller;
	const char               *request_id;  /* for logs; [A-Za-z0-9_-] */
	int64_t                   deadline_ms; /* CLOCK_MONOTONIC; 0: none */
	/*
	 * Zeroed memory for results; NULL if n * size overflows or the request's budget is spent.
	 */
	void *(*alloc)(const struct ragd_call *call, size_t n, size_t size);
	/* True once nobody is waiting for the answer any more: stop and return -ECANCELED. */
	bool (*cancelled)(const struct ragd_call *call);
};

/* ---- inference ----------------------------------------------------------------------------- */

/* A model card in brief; strings live as long as the instance, NULL where unknown. */
struct ragd_card {
	uint32_t    size;
	const char *name;
	const char *family;
	uint64_t    n_parameters; /* 0: not a neural model */
	const char *quantisation;
	uint32_t    n_context; /* tokens; 0: no limit */
	const char *licence;
	const char *digest;  /* "sha256:…" of the weights */
	const char *summary; /* one or two sentences: what it is for, what it cannot do */
};

enum ragd_role { RAGD_ROLE_SYSTEM, RAGD_ROLE_USER, RAGD_ROLE_ASSISTANT };

struct ragd_message {
	enum ragd_role  role;
	struct ragd_str text;
};

/* What retrieval found and inspection kept. Prompts and citations number passages from 1. */
struct ragd_passage {
	struct ragd_str title;   /* of the document */
	struct ragd_str heading; /* "Chapter > Section"; may be empty */
	struct ragd_str text;
	float           score; /* higher is better */
};

/* A number to add to the logit of a token of the model's own vocabulary. */
struct ragd_bias {
	int32_t token;
	float   add;
};

struct ragd_sampling {
	uint32_t               size;
	uint32_t               max_tokens; /* 0: the plugin's default */
	float                  temperature;
	float                  top_p;
	float                  min_p;
	uint32_t               top_k; /* 0: off */
	uint64_t               seed;  /* the same seed gives the same text */
	const struct ragd_str *stop;
	size_t                 n_stop;
	float                  presence_penalty;  /* -2 .. 2: once for a token that has occurred */
	float                  frequency_penalty; /* -2 .. 2: for each of its occurrences */
	const struct ragd_bias *bias;
	size_t                 n_bias;
};

/*
 * One answer to write. `messages` is the whole prompt as composed: policy, history, passages,
 * question. `question` and `passages` are parts of it again, for a plugin that reads rather than
 * generates.
 */
struct ragd_generate {
	uint32_t                   size;
	const struct ragd_message *messages;
	size_t                     n_messages;
	struct ragd_str            question;
	const struct ragd_passage *passages;
	size_t                     n_passages;
	bool                       grounded; /* answer from the passages alone, if they do answer */
	const struct ragd_sampling *sampling; /* never NULL */
	/*
	 * This many bytes at the beginning of messages[0].text come from the configuration alone
	 * and are the same for every caller. Whatever a plugin caches of a prompt may serve other
	 * callers up to here and no further.
	 */
	size_t                     n_configured;
};

enum ragd_finish {
	RAGD_FINISH_STOP,   /* the answer is complete */
	RAGD_FINISH_LENGTH, /* max_tokens or the context is used up */
	RAGD_FINISH_NO_ANSWER, /* the passages don't answer the question; the text may say so */
};

struct ragd_usage {
	uint32_t size;     /* the plugin sets it: sizeof(struct ragd_usage) */
	uint32_t n_prompt; /* tokens */
	uint32_t n_cached; /* of these, taken over from an earlier prompt; at most n_prompt */
	uint32_t n_output;
};

/*
 * Where generated text goes. Both functions may be called from any thread, also from within
 * generate, but not at the same time for one sink, and not after done. Neither blocks.
 */
struct ragd_sink {
	uint32_t size;
	/*
	 * The next bytes of the answer: UTF-8, not cut inside a character. Returns 0; -ECANCELED if
	 * nobody is waiting any more or the bytes were not valid; -ENOBUFS if the answer has
	 * reached the host's limit. After either error the plugin stops and calls done.
	 */
	int (*text)(struct ragd_sink *sink, const char *text, size_t len);
	/* Exactly once. If rc < 0, err (borrowed) says why, and finish and usage are ignored. */
	void (*done)(struct ragd_sink *sink, int rc, enum ragd_finish finish,
		     const struct ragd_usage *usage, const struct ragd_err *err);
};

struct ragd_score {
	double logprob; /* natural logarithm of P(continuation | prompt); finite */
};

struct ragd_inference_ops {
	uint32_t size; /* sizeof(struct ragd_inference_ops) */

	/* The model that answers. Any thread; doesn't block. */
	void (*card)(void *self, struct ragd_card *out);

	/*
	 * Write one answer into the sink. Runs on a pool thread. A plugin with threads of its own
	 * queues the work and returns at once; a simple one writes the answer and calls done before
	 * it returns. call, req and sink stay valid until done has returned. If generate returns an
	 * error, it must not call done.
	 */
	int (*generate)(void *self, const struct ragd_call *call, const struct ragd_generate *req,
			struct ragd_sink *sink, struct ragd_err *err);

	/* The rest may be NULL: the plugin can't do that. */

	/* n texts to n unit vectors: out[i * dim .. (i + 1) * dim), finite, from call->alloc. */
	int (*embed)(void *self, const struct ragd_call *call, const struct ragd_str *texts,
		     size_t n, const float **out, uint32_t *dim, struct ragd_err *err);
	/*
	 * How probable each continuation of the prompt is, as a guard model or a reranker needs it.
	 */
	int (*score)(void *self, const struct ragd_call *call, struct ragd_str prompt,
		     const struct ragd_str *continuations, size_t n, struct ragd_score *out,
		     struct ragd_err *err);
	/* The number of tokens in a text, or a negative errno. */
	ssize_t (*count)(void *self, struct ragd_str text, struct ragd_err *err);
};

/* ---- retrieval ----------------------------------------------------------------------------- */

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
	RAGD_PUT_UNCHANGED, /* content, title and tags are what is stored already */
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
 * From text[from] to the next run, the bytes of a hit's text are those of the document from
 * content[to]. Both ascend.
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
	uint64_t n_vectors; /* passages in the vector index at present */
	uint32_t dim;       /* floats of a vector; 0: no embedder yet */
	uint64_t n_bytes;   /* on disk, of all collections; 0 unless the caller is admin */
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
	int (*embed)(void *self, const struct ragd_call *call, const struct ragd_str *texts,
		     size_t n, const float **out, uint32_t *dim, struct ragd_err *err);
};

/* ---- safety -------------------------------------------------------------------------------- */

enum ragd_stage {
	RAGD_STAGE_PROMPT,   /* a message that a client sends */
	RAGD_STAGE_DOCUMENT, /* a retrieved passage, before it enters a prompt */
	RAGD_STAGE_RESPONSE, /* the answer that inference writes */
};

/* In order of strength: of several verdicts the strongest holds. */
enum ragd_action {
	RAGD_ALLOW,
	RAGD_STEER,  /* go on, with verdict.note added to the system prompt */
	RAGD_REDACT, /* go on with verdict.text in place of the text */
	RAGD_BLOCK,  /* refuse the prompt or response; leave the passage out */
};

struct ragd_finding {
	enum ragd_action action;
	const char      *category; /* "pii.email", "S1", "injection": a stable name for programs */
	const char      *rule;     /* that fired, at most 512 bytes; NULL if it has no name */
	float            score;    /* 0 .. 1 */
	size_t           start;    /* byte offsets into the checked text; start == end: all of it */
	size_t           end;
};

struct ragd_screen {
	uint32_t                   size;
	enum ragd_stage            stage;
	struct ragd_str            text;     /* empty for stream_open */
	struct ragd_str            question; /* document, response: the question */
	const struct ragd_passage *passages; /* response: the evidence it may rest on */
	size_t                     n_passages;
	bool                       grounded; /* response: only what a passage supports may leave */
};

struct ragd_verdict {
	uint32_t                   size;
	enum ragd_action           action;
	const struct ragd_finding *findings;
	size_t                     n_findings;
	struct ragd_str            text;    /* RAGD_REDACT: all of it, redacted; may be { "", 0 } */
	struct ragd_str            note;    /* RAGD_STEER: sentences for the system prompt */
	struct ragd_str            message; /* RAGD_BLOCK: for the user; may be empty */
};

/* The part of a passage that a released sentence rests on. */
struct ragd_cite {
	size_t   at;      /* offset in the released text where the citation goes */
	uint32_t passage; /* index into screen.passages */
	uint32_t start;   /* passages[passage].text[start .. end) supports it; whole characters */
	uint32_t end;
	float    score; /* 0 .. 1 */
};

/* What one call of stream_feed lets out. */
struct ragd_release {
	uint32_t                   size;
	enum ragd_action           action; /* RAGD_BLOCK: nothing may leave after `text` */
	/*
	 * May leave now, redacted where necessary. If it ends inside a character, the host keeps
	 * that beginning until the rest arrives.
	 */
	struct ragd_str            text;
	const struct ragd_finding *findings; /* offsets in all of the stream's input */
	size_t                     n_findings;
	const struct ragd_cite    *cites; /* in order of `at` */
	size_t                     n_cites;
	struct ragd_str            message; /* RAGD_BLOCK: for the user; may be empty */
};

/* For ragd_safety_ops.traits. */
#define RAGD_SAFETY_GROUNDS 1u /* it cites evidence: the daemon runs it last, and only on answers */

struct ragd_safety_ops {
	uint32_t size; /* sizeof(struct ragd_safety_ops) */
	uint32_t traits;
	uint32_t stages; /* bits (1 << stage): the stages at which it is asked */
	/*
	 * The most bytes of input that stream_feed holds back before it is told `last`. The daemon
	 * publishes the sum over the filters of a policy.
	 */
	size_t (*holdback)(void *self);

	int (*check)(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		     struct ragd_verdict *out, struct ragd_err *err);

	/*
	 * The same for a response that arrives in pieces. Calls on one stream come one at a time,
	 * but from different threads. Pieces may be cut anywhere, even inside a character; what is
	 * released over the whole stream must not depend on where. `last` releases or redacts all
	 * that was held. The memory of screen (the evidence) stays valid until stream_close. All
	 * three may be NULL: then the daemon holds back the whole answer and calls check.
	 */
	int (*stream_open)(void *self, const struct ragd_call *call,
			   const struct ragd_screen *screen, void **stream, struct ragd_err *err);
	int (*stream_feed)(void *stream, const struct ragd_call *call, const char *text, size_t len,
			   bool last, struct ragd_release *out, struct ragd_err *err);
	void (*stream_close)(void *stream);
};

/* ---- the host, the descriptor -------------------------------------------------------------- */

enum ragd_log_level { RAGD_LOG_ERR = 3, RAGD_LOG_WARN = 4, RAGD_LOG_INFO = 6, RAGD_LOG_DEBUG = 7 };

/* Services of the daemon, valid from open to close. Any thread may call them. */
struct ragd_host {
	uint32_t    size;
	const char *instance;  /* this instance's name in the configuration */
	const char *state_dir; /* absolute; exists, writable, private to the instance */
	const char *data_dir;  /* absolute, read-only: what came with ragd (rules, policies) */

	/* One line, no newline. Prompts and documents at RAGD_LOG_DEBUG only. */
	void (*log)(const struct ragd_host *host, enum ragd_log_level level, const char *fmt, ...)
		RAGD_PRINTF(3, 4);
	/* Add to a counter that /metrics shows as ragd_plugin_<name>_total{plugin="instance"}. */
	void (*count)(const struct ragd_host *host, const char *name, uint64_t add);
	/* Set a gauge that /metrics shows as ragd_plugin_<name>{plugin="instance"}. */
	void (*gauge)(const struct ragd_host *host, const char *name, double value);

	/*
	 * Call another instance, by its name in the configuration. -ENOENT if there is none of the
	 * right kind, -ENOTSUP if it can't do this. Not from open or close.
	 */
	int (*embed)(const struct ragd_host *host, const char *instance,
		     const struct ragd_call *call, const struct ragd_str *texts, size_t n,
		     const float **out, uint32_t *dim, struct ragd_err *err);
	int (*score)(const struct ragd_host *host, const char *instance,
		     const struct ragd_call *call, struct ragd_str prompt,
		     const struct ragd_str *continuations, size_t n, struct ragd_score *out,
		     struct ragd_err *err);
	int (*generate)(const struct ragd_host *host, const char *instance,
			const struct ragd_call *call, const struct ragd_generate *req,
			struct ragd_sink *sink, struct ragd_err *err);

	/*
	 * To be called by open(): how far it has come, 0 to 1, and with what ("packing weights").
	 * Shown in the log, to the service manager, and to anyone who asks for the status
	 * meanwhile.
	 */
	void (*progress)(const struct ragd_host *host, double done, const char *what);

	/*
	 * `ragd -t`: this instance will be closed without having been asked anything. open() reads
	 * and checks its files as usual, but may skip what only serving needs: packing a model,
	 * threads, connections.
	 */
	bool trial;
};

/* Works with daemons from before there were trials, too. */
static inline bool ragd_is_trial(const struct ragd_host *host)
{
	return RAGD_HAS(host, trial) && host->trial;
}

struct ragd_plugin {
	uint32_t                  abi;  /* RAGD_PLUGIN_ABI; refused unless equal */
	uint32_t                  size; /* sizeof(struct ragd_plugin) */
	enum ragd_kind            kind;
	const char               *name;    /* the file's: "safety_basic" for safety_basic.so */
	const char               *version;
	const char               *licence; /* an SPDX expression */
	const char               *summary; /* one line */
	const struct ragd_option *options; /* NULL: none */

	/*
	 * Check option values beyond types and ranges, and against each other. Opens nothing; may
	 * be NULL.
	 */
	int (*check)(const struct ragd_config *cfg, struct ragd_err *err);
	/*
	 * Once; may block (a model loads). On success *self is passed to every call. A plugin
	 * without state leaves out open and close; its self is NULL.
	 */
	int (*open)(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		    struct ragd_err *err);
	/* Once, after the last call has returned and the last sink is done. May be NULL. */
	void (*close)(void *self);

	union {
		const struct ragd_inference_ops *inference;
		const struct ragd_retrieval_ops *retrieval;
		const struct ragd_safety_ops    *safety;
	} ops;
};

/* The one symbol a plugin exports. */
extern RAGD_EXPORT const struct ragd_plugin ragd_plugin;

/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
