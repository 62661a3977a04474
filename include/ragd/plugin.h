/*
 * The plugin ABI: everything a ragd plugin and the daemon know of each other.
 *
 * A plugin is one shared object that exports one symbol, `ragd_plugin`, a const descriptor that the
 * loader judges before any code of the plugin runs. This header and the C library are all it needs:
 *
 *     cc -shared -fPIC -fvisibility=hidden -o my_filter.so my_filter.c
 *
 * Contract, for every call unless it says otherwise
 * -------------------------------------------------
 * threads    open and close run once each, never beside another call on the same instance. Every
 *            other operation may be called from several threads at once; each call may block, but
 *            holds one of the daemon's few pool threads while it does.
 * data       Plain data in, plain data out: arguments are borrowed for the length of the call (for
 *            generate: until done() was called) and never point into structures of the daemon that
 *            a copy could not replace. So the same .so may run in the daemon or in a worker process.
 * results    Come from call->alloc() or live as long as the instance; the caller copies or uses them
 *            before it resets the call. Never free() them, never return a pointer into an argument
 *            other than one to the same text, unchanged.
 * text       UTF-8, not NUL-terminated (struct ragd_str); offsets and lengths are bytes. Names are
 *            NUL-terminated C strings.
 * errors     0 or a negative errno, with one sentence in *err. Other out-parameters are written only
 *            on success. A plugin never exits, never aborts, never prints.
 * judgement  The host judges what comes back before anybody uses it: codes, actions, names, pointers that
 *            have lengths, UTF-8, spans, citations, numbers. What this header does not allow is the
 *            plugin's fault: logged with its name, counted, and a failure like any other, so that
 *            nothing of that result is used.
 * deadline   call->deadline_ms; a call that notices it has passed returns -ETIMEDOUT. One that does not
 *            come back is given up: what it returns later is not looked at.
 * growth     Members are added at the end of structs, guarded by their `size`; a change of meaning
 *            raises RAGD_PLUGIN_ABI, and the loader refuses every other number.
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

/* Members and what is said of them stand in columns. */
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
 * Write *from, `size` bytes large, to *out as far as *out reaches. Both begin with their size; that of
 * *out is the host's and stays. So neither a longer struct of a newer header overflows *out, nor is
 * more read than there is.
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

/* RAGD_FILL(out, .action = RAGD_BLOCK, .message = RAGD_STR("No.")); what is not named becomes zero. */
#define RAGD_FILL(out, ...)                                                                        \
	ragd_fill((out), &(const __typeof__(*(out))){ __VA_ARGS__ }, sizeof(*(out)))

/* Whether the struct at p, of the other side's header, has that member. */
#define RAGD_HAS(p, member)                                                                        \
	((p)->size >= offsetof(__typeof__(*(p)), member) + sizeof((p)->member))

/* ---- options ------------------------------------------------------------------------------ */

enum ragd_option_type {
	RAGD_OPT_BOOL,     /* yes | no                                     -> value.b              */
	RAGD_OPT_INT,      /* a whole number                               -> value.i              */
	RAGD_OPT_FLOAT,    /* a number                                     -> value.f              */
	RAGD_OPT_SIZE,     /* bytes; units KiB, MiB, GiB                   -> value.i              */
	RAGD_OPT_DURATION, /* milliseconds; units ms, s, min, h, d         -> value.i              */
	RAGD_OPT_STRING,   /* any text                                     -> value.s              */
	RAGD_OPT_PATH,     /* a file to read, or a folder of files; after a change a reload opens the */
	                   /* plugin anew. Relative to the configuration file -> value.s, absolute */
	RAGD_OPT_CHOICE,   /* one word of `choices`                        -> value.s              */
	RAGD_OPT_LIST,     /* { "a", "b" }                                 -> value.list, NULL-ended */
};

/* One row feeds the parser, the defaults, `rag plugins` and the manual page. */
struct ragd_option {
	const char           *name;    /* NULL ends the table */
	enum ragd_option_type type;
	const char           *dflt;    /* as it would be written in the file; lists: comma-separated */
	double                min;     /* numbers only; min == max: no bound */
	double                max;
	const char           *choices; /* RAGD_OPT_CHOICE: words separated by '|' */
	const char           *help;    /* one sentence */
	/*
	 * Whether every user may see its value; false: administrators only. What names files, hosts,
	 * people or what is guarded is not for everyone.
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

/* One value for each row of the plugin's table, in that order; lives as long as the instance. */
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

/* ---- who asks, and the frame of every call ------------------------------------------------- */

/* What the kernel says of the client (SO_PEERCRED, SO_PEERGROUPS). */
struct ragd_caller {
	uint32_t size;
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
	/* Zeroed memory for results; NULL if n * size overflows or the request's budget is spent. */
	void *(*alloc)(const struct ragd_call *call, size_t n, size_t size);
	/* True once nobody waits for the answer any more: stop and return -ECANCELED. */
	bool (*cancelled)(const struct ragd_call *call);
};

/* ---- inference ----------------------------------------------------------------------------- */

/* A model card in brief; strings live as long as the instance, NULL where unknown. */
struct ragd_card {
	uint32_t size;
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

/* What retrieval found and inspection kept. Its number in prompts and citations is index + 1. */
struct ragd_passage {
	struct ragd_str title;   /* of the document */
	struct ragd_str heading; /* "Chapter > Section"; may be empty */
	struct ragd_str text;
	float           score; /* higher is better */
};

/* What is added to the logit of a token of the model's own vocabulary. */
struct ragd_bias {
	int32_t token;
	float   add;
};

struct ragd_sampling {
	uint32_t size;
	uint32_t               max_tokens; /* 0: the plugin's default */
	float                  temperature;
	float                  top_p;
	float                  min_p;
	uint32_t               top_k; /* 0: off */
	uint64_t               seed;  /* the same seed gives the same text */
	const struct ragd_str *stop;
	size_t                 n_stop;
	float                  presence_penalty;  /* -2 .. 2: tokens that were there, once each */
	float                  frequency_penalty; /* -2 .. 2: for each time that they were there */
	const struct ragd_bias *bias;
	size_t                 n_bias;
};

/*
 * One answer to write. `messages` is the whole prompt, composed: policy, passages, history, question.
 * `question` and `passages` are the same in parts, for a plugin that reads rather than generates.
 */
struct ragd_generate {
	uint32_t                   size;
	const struct ragd_message *messages;
	size_t                     n_messages;
	struct ragd_str            question;
	const struct ragd_passage *passages;
	size_t                     n_passages;
	bool                       grounded; /* answer from the passages only, or say it is not there */
	const struct ragd_sampling *sampling; /* never NULL */
	/*
	 * Bytes in front of messages[0].text that the configuration alone says, the same whoever asks. What
	 * a plugin remembers of prompts may serve other callers this far, and no further.
	 */
	size_t                     n_configured;
};

enum ragd_finish {
	RAGD_FINISH_STOP,   /* the answer is complete */
	RAGD_FINISH_LENGTH, /* max_tokens or the context is used up */
	RAGD_FINISH_NO_ANSWER, /* nothing in the passages answers; the text may say so */
};

struct ragd_usage {
	uint32_t size;
	uint32_t n_prompt; /* tokens */
	uint32_t n_cached; /* of those, read from an earlier prompt of the same caller's; at most n_prompt */
	uint32_t n_output;
};

/*
 * Where generated text goes. Both may be called from any thread, also from within generate; never
 * two at once for one sink, nothing after done. Neither blocks.
 */
struct ragd_sink {
	uint32_t size;
	/*
	 * Bytes of answer; UTF-8, not cut inside a character. Returns 0; -ECANCELED when nobody
	 * waits any more, or what came was wrong; -ENOBUFS when the answer has reached the host's limit. After either
	 * the plugin stops and calls done.
	 */
	int (*text)(struct ragd_sink *sink, const char *text, size_t len);
	/* Exactly once. rc < 0: err says why (borrowed); then finish and usage are ignored. */
	void (*done)(struct ragd_sink *sink, int rc, enum ragd_finish finish,
		     const struct ragd_usage *usage, const struct ragd_err *err);
};

struct ragd_score {
	double logprob; /* of the continuation given the prompt, natural logarithm; finite */
};

struct ragd_inference_ops {
	uint32_t size; /* sizeof(struct ragd_inference_ops) */

	/* What answers. Any thread, does not block. */
	void (*card)(void *self, struct ragd_card *out);

	/*
	 * Write one answer into the sink. Called on a pool thread. A plugin with threads of its own
	 * queues the work and returns at once; a simple one writes the answer and calls done before
	 * it returns. call, req and sink stay valid until done returns. If it returns an error,
	 * done is not called.
	 */
	int (*generate)(void *self, const struct ragd_call *call, const struct ragd_generate *req,
			struct ragd_sink *sink, struct ragd_err *err);

	/* The rest may be NULL: the plugin does not have the ability. */

	/* n texts to n unit vectors: out[i * dim .. (i + 1) * dim), finite, from call->alloc. */
	int (*embed)(void *self, const struct ragd_call *call, const struct ragd_str *texts, size_t n,
		     const float **out, uint32_t *dim, struct ragd_err *err);
	/* How probable each continuation of the prompt is: what a guard model or reranker needs. */
	int (*score)(void *self, const struct ragd_call *call, struct ragd_str prompt,
		     const struct ragd_str *continuations, size_t n, struct ragd_score *out,
		     struct ragd_err *err);
	/* Tokens of a text, or a negative errno. */
	ssize_t (*count)(void *self, struct ragd_str text, struct ragd_err *err);
};

/* ---- retrieval ----------------------------------------------------------------------------- */

/* Who may read and change a collection, as for a file: owner, group, rw bits of the mode. */
struct ragd_collection {
	const char *name; /* [a-z0-9][a-z0-9._-]*, at most 64 */
	uid_t       owner;
	gid_t       group;
	uint32_t    mode; /* 0600 .. 0666; r: search and read, w: put and remove */
	uint64_t    n_documents;
	uint64_t    n_passages;
	uint64_t    n_bytes;
	int64_t     updated_s; /* Unix time of the last change */
};

struct ragd_document {
	struct ragd_str        id;         /* UTF-8, 1 to 1024 bytes, no control characters */
	struct ragd_str        title;      /* empty: taken from the document or its id */
	struct ragd_str        media_type; /* "text/markdown"; empty: from the id's extension */
	struct ragd_str        content;    /* the bytes as they are on the owner's disk */
	const struct ragd_str *tags;
	size_t                 n_tags;
};

enum ragd_put_status {
	RAGD_PUT_ADDED,
	RAGD_PUT_UPDATED,
	RAGD_PUT_UNCHANGED, /* same content, title and tags as stored */
	RAGD_PUT_FAILED,    /* err says why; the stored document, if any, is as it was */
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
	const char *digest; /* SHA-256 of the content, 64 hexadecimal digits; "" where not kept */
	uint64_t    n_bytes;
	uint32_t    n_passages;
	int64_t     updated_s;
};

struct ragd_query {
	uint32_t               size;
	struct ragd_str        text;
	uint32_t               k;           /* hits wanted, 1 to 1000 */
	const char *const     *collections; /* only these of those the caller may read */
	size_t                 n_collections; /* 0: all the caller may read */
	const struct ragd_str *tags;        /* documents with all of these */
	size_t                 n_tags;
	bool                   per_document; /* only the best passage of each document */
};

/* Bytes text[from ..] of a hit stand at content[to ..] of the document, up to the next run. Both ascend. */
struct ragd_run {
	uint32_t from;
	uint32_t to;
};

struct ragd_hit {
	const char            *collection;
	const char            *document; /* its id */
	struct ragd_passage    passage;
	uint64_t               start; /* content[start .. end) is the passage in the document */
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
	uint64_t n_vectors; /* passages that the vector index holds now */
	uint32_t dim;       /* floats of a vector; 0: no embedder yet */
	uint64_t n_bytes;   /* on disk, of all there is; for administrators, else 0 */
};

/*
 * Every operation checks call->caller against the collection's owner, group and mode: -EACCES where
 * it may not, -ENOENT where there is none or the caller may neither read nor write it: such a one does
 * not exist for it, but that its name is taken (-EACCES from what would make one). Neither results,
 * scores and vectors nor the time of a call depend on what documents hold that the caller may not
 * read. Filters apply before ranking. What put, remove and the collection calls acknowledged survives
 * kill -9 and is found by the next search.
 */
struct ragd_retrieval_ops {
	uint32_t size; /* sizeof(struct ragd_retrieval_ops) */

	/* Create, or (owner or admin) change group and mode, or owner (admin). */
	int (*collection_put)(void *self, const struct ragd_call *call,
			      const struct ragd_collection *c, bool *created, struct ragd_err *err);
	int (*collection_remove)(void *self, const struct ragd_call *call, const char *name,
				 struct ragd_err *err);
	/* Those the caller may read. */
	int (*collections)(void *self, const struct ragd_call *call,
			   const struct ragd_collection **out, size_t *n, struct ragd_err *err);

	/*
	 * Add or replace n documents; results[i] tells of docs[i]. One document's failure does not
	 * stop the others; an error is returned only when none could be stored (-ENOSPC, -EACCES).
	 * Who may write but not read is told RAGD_PUT_UPDATED of each that was stored, whether or
	 * not one was there before.
	 */
	int (*put)(void *self, const struct ragd_call *call, const char *collection,
		   const struct ragd_document *docs, size_t n, struct ragd_put_result *results,
		   struct ragd_err *err);
	/* 0 also where there was none, to who may write but not read. */
	int (*remove)(void *self, const struct ragd_call *call, const char *collection,
		      struct ragd_str id, struct ragd_err *err);
	/* Up to `limit` documents in the order of their ids, after the id `after` (may be empty). */
	int (*list)(void *self, const struct ragd_call *call, const char *collection,
		    struct ragd_str after, size_t limit, const struct ragd_document_info **out,
		    size_t *n, struct ragd_err *err);
	int (*get)(void *self, const struct ragd_call *call, const char *collection,
		   struct ragd_str id, struct ragd_document_info *info, struct ragd_str *content,
		   struct ragd_err *err);

	/* Best first. None found is no error. */
	int (*search)(void *self, const struct ragd_call *call, const struct ragd_query *query,
		      const struct ragd_hit **hits, size_t *n, struct ragd_err *err);
	/* Any thread, does not block. */
	void (*stats)(void *self, const struct ragd_caller *caller, struct ragd_retrieval_stats *out);

	/*
	 * As in inference; NULL, or -EAGAIN while there is nothing that the caller may read to have
	 * learned from.
	 */
	int (*embed)(void *self, const struct ragd_call *call, const struct ragd_str *texts, size_t n,
		     const float **out, uint32_t *dim, struct ragd_err *err);
};

/* ---- safety -------------------------------------------------------------------------------- */

enum ragd_stage {
	RAGD_STAGE_PROMPT,   /* what a client sends */
	RAGD_STAGE_DOCUMENT, /* a retrieved passage, before it enters a prompt */
	RAGD_STAGE_RESPONSE, /* what inference writes */
};

/* In order of strength: the strongest of several verdicts holds. */
enum ragd_action {
	RAGD_ALLOW,
	RAGD_STEER,  /* go on, with verdict.note added to the system prompt */
	RAGD_REDACT, /* go on with verdict.text in place of the text */
	RAGD_BLOCK,  /* prompt, response: refuse; document: leave the passage out */
};

struct ragd_finding {
	enum ragd_action action;
	const char      *category; /* "pii.email", "S1", "injection"; a stable, machine-readable name */
	const char      *rule;     /* which rule fired, at most 512 bytes; NULL: none by name */
	float            score;    /* 0 .. 1 */
	size_t           start;    /* bytes of the checked text; start == end: the whole of it */
	size_t           end;
};

struct ragd_screen {
	uint32_t                   size;
	enum ragd_stage            stage;
	struct ragd_str            text;     /* empty for stream_open */
	struct ragd_str            question; /* document, response: what was asked */
	const struct ragd_passage *passages; /* response: the evidence the answer may rest on */
	size_t                     n_passages;
	bool                       grounded; /* response: what no passage supports may not leave */
};

struct ragd_verdict {
	uint32_t size;
	enum ragd_action           action;
	const struct ragd_finding *findings;
	size_t                     n_findings;
	struct ragd_str            text;    /* RAGD_REDACT: the whole text, redacted; { "", 0 } for none */
	struct ragd_str            note;    /* RAGD_STEER: sentences for the system prompt */
	struct ragd_str            message; /* RAGD_BLOCK: what to tell the user; may be empty */
};

/* A released sentence rests on this part of a passage. */
struct ragd_cite {
	size_t   at;      /* it stands before byte `at` of the released text */
	uint32_t passage; /* index into screen.passages */
	uint32_t start;   /* passages[passage].text[start .. end), whole characters, supports it */
	uint32_t end;
	float    score; /* 0 .. 1 */
};

/* What one feed lets out. */
struct ragd_release {
	uint32_t size;
	enum ragd_action           action; /* BLOCK: nothing more may leave; text came before it */
	struct ragd_str            text;   /* may leave now, redacted where it had to be; the host keeps
					      a character that it cuts until the rest of it comes */
	const struct ragd_finding *findings; /* offsets count from the start of the stream's input */
	size_t                     n_findings;
	const struct ragd_cite    *cites; /* by `at` */
	size_t                     n_cites;
	struct ragd_str            message; /* RAGD_BLOCK: what to tell the user; may be empty */
};

/* For ragd_safety_ops.traits. */
#define RAGD_SAFETY_GROUNDS 1u /* cites evidence; the flow runs it last and only on answers */

struct ragd_safety_ops {
	uint32_t size; /* sizeof(struct ragd_safety_ops) */
	uint32_t traits;
	uint32_t stages; /* bit (1 << stage): stages it has an opinion on; others are not asked */
	/*
	 * The most bytes of input that stream_feed may hold back when it is not told `last`. The
	 * flow adds up the filters of a policy and publishes the sum.
	 */
	size_t (*holdback)(void *self);

	int (*check)(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
		     struct ragd_verdict *out, struct ragd_err *err);

	/*
	 * The same for a response that arrives in pieces. Calls on one stream come one at a time, from
	 * changing threads. Pieces may be cut anywhere, also inside a character. What is released
	 * over the whole stream never depends on where. `last` releases or redacts all that was
	 * held. screen's memory (the evidence) stays valid until stream_close.
	 * All three NULL: the flow holds the whole answer and uses check.
	 */
	int (*stream_open)(void *self, const struct ragd_call *call, const struct ragd_screen *screen,
			   void **stream, struct ragd_err *err);
	int (*stream_feed)(void *stream, const struct ragd_call *call, const char *text, size_t len,
			   bool last, struct ragd_release *out, struct ragd_err *err);
	void (*stream_close)(void *stream);
};

/* ---- the host, the descriptor -------------------------------------------------------------- */

enum ragd_log_level { RAGD_LOG_ERR = 3, RAGD_LOG_WARN = 4, RAGD_LOG_INFO = 6, RAGD_LOG_DEBUG = 7 };

/* Services of the daemon; valid from open to close, callable from any thread. */
struct ragd_host {
	uint32_t    size;
	const char *instance;  /* the name of this instance in the configuration */
	const char *state_dir; /* absolute, private to the instance, exists, may be written */
	const char *data_dir;  /* absolute, read only: what ragd installed (rules, policies) */

	/* One line, no newline. Never prompts or documents above RAGD_LOG_DEBUG. */
	void (*log)(const struct ragd_host *host, enum ragd_log_level level, const char *fmt, ...)
		RAGD_PRINTF(3, 4);
	/* Add to a counter that /metrics shows as ragd_plugin_<name>_total{plugin="instance"}. */
	void (*count)(const struct ragd_host *host, const char *name, uint64_t add);
	/* Set a gauge that /metrics shows as ragd_plugin_<name>{plugin="instance"}. */
	void (*gauge)(const struct ragd_host *host, const char *name, double value);

	/*
	 * Abilities of another instance, by the name it has in the configuration: -ENOENT if there
	 * is none of the right kind, -ENOTSUP if it lacks the ability. Not from open or close.
	 */
	int (*embed)(const struct ragd_host *host, const char *instance, const struct ragd_call *call,
		     const struct ragd_str *texts, size_t n, const float **out, uint32_t *dim,
		     struct ragd_err *err);
	int (*score)(const struct ragd_host *host, const char *instance, const struct ragd_call *call,
		     struct ragd_str prompt, const struct ragd_str *continuations, size_t n,
		     struct ragd_score *out, struct ragd_err *err);
	int (*generate)(const struct ragd_host *host, const char *instance,
			const struct ragd_call *call, const struct ragd_generate *req,
			struct ragd_sink *sink, struct ragd_err *err);

	/*
	 * While open() runs, how far it has come, 0 to 1, and with what ("packing weights"): shown in
	 * the log, to the service manager and to who asks for the status meanwhile.
	 */
	void (*progress)(const struct ragd_host *host, double done, const char *what);

	/*
	 * `ragd -t`: nothing will be asked of this instance. open() reads and judges its files as ever; it
	 * may leave out what only serving takes: packing a model, threads, connections.
	 */
	bool trial;
};

/* Also with a daemon from before there were trials. */
static inline bool ragd_is_trial(const struct ragd_host *host)
{
	return RAGD_HAS(host, trial) && host->trial;
}

struct ragd_plugin {
	uint32_t                  abi;  /* RAGD_PLUGIN_ABI; refused unless equal */
	uint32_t                  size; /* sizeof(struct ragd_plugin): how far the loader may read */
	enum ragd_kind            kind;
	const char               *name;    /* as the file: "safety_basic" for safety_basic.so */
	const char               *version;
	const char               *licence; /* SPDX */
	const char               *summary; /* one line */
	const struct ragd_option *options; /* NULL: none */

	/* Judge option values together, beyond types and ranges; may be NULL. Opens nothing. */
	int (*check)(const struct ragd_config *cfg, struct ragd_err *err);
	/*
	 * Once; may block (a model loads). On success *self goes into every call. A plugin without
	 * state leaves open and close out: self is NULL.
	 */
	int (*open)(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		    struct ragd_err *err);
	/* Once, after the last call has returned and the last sink is done; may be NULL. */
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
