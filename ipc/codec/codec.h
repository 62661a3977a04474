/*
 * Bodies of docs/protocol.md to plain structs and back.
 *
 * Decoding. Every function takes a whole body and fills structs whose memory comes from the arena;
 * the body may be freed afterwards. Returns 0, or a negative errno with *err set to what the client
 * is to be answered; nothing else is written then. Whatever decodes is sure to have texts of valid
 * UTF-8 without NUL; numbers, counts and lengths within the bounds that the protocol names; and no
 * member twice in one object. Nesting is at most CODEC_DEPTH_MAX deep, and there are at most
 * CODEC_VALUES_MAX values, so that a small body cannot become a big tree. Unknown members are
 * ignored, and null stands for an absent member.
 *
 * Encoding. Every function appends JSON to a buffer by base/json_writer.h (ask buf_failed() once at
 * the end). Texts may come from anywhere: bytes that are not UTF-8 become U+FFFD, so that what
 * leaves is always valid JSON.
 */
#ifndef IPC_CODEC_H
#define IPC_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "base/buf.h"

#define CODEC_DEPTH_MAX     32
#define CODEC_VALUES_MAX    65536
#define CODEC_MESSAGES_MAX  1024
#define CODEC_INPUTS_MAX    256   /* texts of one moderations request */
#define CODEC_EMBED_MAX     2048  /* texts of one embeddings request */
#define CODEC_DIM_MAX       65536 /* numbers of a vector that may be asked for */
#define CODEC_DOCUMENTS_MAX 10000 /* of one bulk request */
#define CODEC_NAMES_MAX     64    /* collections, tags of one request or document */
#define CODEC_STOP_MAX      4
#define CODEC_BIAS_MAX      300
#define CODEC_CHAT_K_MAX    50
#define CODEC_SEARCH_K_MAX  1000
#define CODEC_QUERY_MAX     16384 /* bytes of a search */
#define CODEC_NOTE_MAX      65536 /* bytes of a comment or a better answer */
#define CODEC_ID_MAX        1024  /* bytes of a document's id */

/* The answer to a client: http_reply_error(x, e.status, e.code, codec_param(&e), "%s", e.msg). */
struct codec_err {
	int status;
	const char *code; /* static; a `code` of the protocol's table */
	char param[96];   /* "messages[2].content"; "" if no one member is at fault */
	char msg[240];    /* a sentence that says what to do */
};

/* The param of an error, NULL if it has none. */
const char *codec_param(const struct codec_err *err);

/* ---- requests ------------------------------------------------------------------------------ */

/* POST /v1/chat/completions */
struct codec_chat {
	const char *model; /* "default" if absent */
	/*
	 * At least one, the last is the user's and not blank. Text parts are joined with a newline;
	 * `developer` has become RAGD_ROLE_SYSTEM.
	 */
	const struct ragd_message *messages;
	size_t n_messages;
	size_t n_text; /* bytes of all messages: the flow holds it against limits.question */
	bool stream;
	bool include_usage;  /* one more chunk with the usage; only streams */
	bool has_max_tokens; /* max_completion_tokens if both are there */
	uint32_t max_tokens;
	bool has_temperature;
	float temperature; /* 0 .. 2 */
	bool has_top_p;
	float top_p; /* 0 .. 1 */
	bool has_seed;
	uint64_t seed;
	const struct ragd_str *stop; /* [n_stop], none empty */
	size_t n_stop;
	float presence_penalty;       /* -2 .. 2, 0 if absent */
	float frequency_penalty;      /* the same */
	const struct ragd_bias *bias; /* [n_bias]: logit_bias, -100 .. 100 each */
	size_t n_bias;
	const char *const
		*collections; /* [n_collections], well-formed names; none: the assistant's */
	size_t n_collections;
	bool has_k;
	uint32_t k; /* 1 .. CODEC_CHAT_K_MAX */
};

/* POST /v1/embeddings */
struct codec_embeddings {
	const char *model;            /* "default" if absent */
	const struct ragd_str *input; /* [n_input], 1 .. CODEC_EMBED_MAX, none blank */
	size_t n_input;
	bool base64;         /* encoding_format */
	uint32_t dimensions; /* 1 .. CODEC_DIM_MAX; 0: all there are */
};

/* POST /v1/moderations */
struct codec_moderations {
	const char *model;            /* a policy; NULL if absent */
	const struct ragd_str *input; /* [n_input], 1 .. CODEC_INPUTS_MAX */
	size_t n_input;
	enum ragd_stage stage;
};

/* POST /v1/search */
struct codec_search {
	struct ragd_str query;          /* not blank */
	uint32_t k;                     /* 1 .. CODEC_SEARCH_K_MAX; 10 if absent */
	const char *const *collections; /* [n_collections]; none: all the caller may read */
	size_t n_collections;
	const struct ragd_str *tags; /* [n_tags] */
	size_t n_tags;
	bool per_document;
};

/* POST /v1/feedback */
struct codec_feedback {
	const char *answer_id; /* [A-Za-z0-9_-]{1,64} */
	bool up;
	const char *reason;      /* one of the protocol's words; "" if absent */
	struct ragd_str comment; /* empty if absent */
	struct ragd_str better;
};

/* PUT /v1/collections/{c}; an empty body is all defaults */
struct codec_collection_put {
	bool has_mode;
	uint32_t mode;     /* 0600 .. 0666, rw bits only */
	const char *owner; /* a name or a number in decimal; NULL if absent */
	const char *group;
};

/* One line of POST /v1/collections/{c}/documents */
struct codec_document {
	struct ragd_document doc;    /* of a bad line only the id, if it could be read */
	const struct codec_err *err; /* why the line cannot be stored; NULL if it can */
};

int codec_chat_decode(struct arena *a, struct ragd_str body, struct codec_chat *out,
		      struct codec_err *err);
int codec_embeddings_decode(struct arena *a, struct ragd_str body, struct codec_embeddings *out,
			    struct codec_err *err);
int codec_moderations_decode(struct arena *a, struct ragd_str body, struct codec_moderations *out,
			     struct codec_err *err);
int codec_search_decode(struct arena *a, struct ragd_str body, struct codec_search *out,
			struct codec_err *err);
int codec_feedback_decode(struct arena *a, struct ragd_str body, struct codec_feedback *out,
			  struct codec_err *err);
int codec_collection_decode(struct arena *a, struct ragd_str body, struct codec_collection_put *out,
			    struct codec_err *err);
/*
 * JSON lines to (*out)[*n], in their order; blank lines do not count. A bad line is an element with
 * an error of its own; the whole fails only if there are more than CODEC_DOCUMENTS_MAX lines, none
 * at all, or no memory.
 */
int codec_documents_decode(struct arena *a, struct ragd_str body, struct codec_document **out,
			   size_t *n, struct codec_err *err);

/* [a-z0-9][a-z0-9._-]*, at most 64 bytes. */
bool codec_collection_valid(struct ragd_str name);
/* 1 to CODEC_ID_MAX bytes of UTF-8 without control characters. */
bool codec_document_id_valid(struct ragd_str id);

/* ---- replies: chat ------------------------------------------------------------------------- */

/* An inline mark of the answer and what it rests on. */
struct codec_citation {
	uint32_t n;           /* the source's number */
	size_t at;            /* characters of content before the mark */
	struct ragd_str mark; /* "[1]", as it stands in the content */
	struct ragd_str collection;
	struct ragd_str document;
	struct ragd_str title;
	struct ragd_str heading;
	uint64_t start; /* bytes of the document */
	uint64_t end;
	struct ragd_str quote;
	float score;
};

struct codec_source {
	uint32_t n;
	struct ragd_str collection;
	struct ragd_str document;
	struct ragd_str title;
	struct ragd_str heading;
};

struct codec_finding {
	enum ragd_stage stage;
	const char *plugin; /* the instance */
	const char *category;
	const char *rule; /* NULL: none with a name */
	enum ragd_action action;
	float score;
};

/* The member `ragd` of a reply or of the last chunk with text. */
struct codec_outcome {
	bool grounded;
	bool abstained;
	const struct codec_finding *blocked_by; /* NULL: not blocked */
	const struct codec_finding *steered;
	size_t n_steered;
	const struct codec_finding *redactions;
	size_t n_redactions;
	uint32_t n_dropped; /* sentences that nothing supported */
	const struct codec_source *sources;
	size_t n_sources;
};

struct codec_chat_reply {
	const char *id; /* "ans-…" */
	int64_t created_s;
	const char *model;
	struct ragd_str content;
	bool refused; /* content is a refusal: repeated in `refusal` */
	const struct codec_citation *citations;
	size_t n_citations;
	const char *finish_reason; /* "stop", "length", "content_filter" */
	struct ragd_usage usage;
	struct codec_outcome outcome;
};

/* One piece of a streamed reply. Joined, the pieces are the unstreamed one. */
struct codec_chat_chunk {
	const char *id;
	int64_t created_s;
	const char *model;
	bool first; /* carries the role */
	struct ragd_str text;
	bool refused;                           /* text is (a piece of) a refusal */
	const struct codec_citation *citations; /* on marks within this text */
	size_t n_citations;
	const char *finish_reason;           /* only of the last, else NULL */
	const struct codec_outcome *outcome; /* only of the last, else NULL */
};

void codec_chat_reply(struct buf *b, const struct codec_chat_reply *r);
/* These append whole server-sent events: "data: {…}\n\n". */
void codec_chat_chunk(struct buf *b, const struct codec_chat_chunk *c);
/* After the last chunk, if include_usage was asked for; of c only id, created_s and model. */
void codec_chat_usage(struct buf *b, const struct codec_chat_chunk *c, const struct ragd_usage *u);
/* What went wrong after the first byte; nothing but codec_chat_done() may follow. */
void codec_chat_error(struct buf *b, int status, const char *code, const char *message);
/* "data: [DONE]\n\n" */
void codec_chat_done(struct buf *b);

/* ---- replies: the rest --------------------------------------------------------------------- */

struct codec_model {
	const char *name;
	const char *description;
	int64_t created_s;
};

void codec_model(struct buf *b, const struct codec_model *m);
void codec_models(struct buf *b, const struct codec_model *m, size_t n);

/* vectors: [n][dim] */
void codec_embeddings(struct buf *b, const char *model, const float *vectors, size_t n,
		      uint32_t dim, bool base64, const struct ragd_usage *usage);

/* One category of a moderation: the strongest finding in it. */
struct codec_category {
	const char *name;
	bool flagged;
	float score;
};

struct codec_moderation {
	enum ragd_action action;
	float score;
	const struct codec_category *categories; /* each name once */
	size_t n_categories;
	const char *const *rules;
	size_t n_rules;
	struct ragd_str text; /* after redaction */
	struct ragd_str note; /* empty: null */
};

/* `flagged` is any action but RAGD_ALLOW. */
void codec_moderations(struct buf *b, const char *id, const char *model,
		       const struct codec_moderation *m, size_t n);

void codec_search(struct buf *b, const struct ragd_hit *hits, size_t n);

/* owner and group as the system names them. */
struct codec_collection {
	const struct ragd_collection *c;
	const char *owner;
	const char *group;
};

void codec_collection(struct buf *b, const struct codec_collection *c);
void codec_collections(struct buf *b, const struct codec_collection *c, size_t n);

void codec_document(struct buf *b, const struct ragd_document_info *d);
/* next: the id to continue after, NULL at the end. */
void codec_documents(struct buf *b, const struct ragd_document_info *d, size_t n, const char *next);

/* What became of one document. */
struct codec_put {
	struct ragd_str id;
	enum ragd_put_status status;
	uint32_t n_passages;
	const struct codec_err *err; /* RAGD_PUT_FAILED only */
};

void codec_put(struct buf *b, const struct codec_put *p);
/* The reply to a bulk request, with its counts. */
void codec_puts(struct buf *b, const struct codec_put *p, size_t n);

/* A collection or a document was removed. */
void codec_removed(struct buf *b);
/* A collection's vectors are being made again. */
void codec_reindexing(struct buf *b, const char *collection);
/* id: of the stored rating. */
void codec_feedback_reply(struct buf *b, const char *id, const char *answer_id);

/* ---- replies: what runs here --------------------------------------------------------------- */

/* GET /healthz; status: "starting", "ok", "draining" */
void codec_health(struct buf *b, const char *status);
/* POST /v1/admin/reload */
void codec_reloaded(struct buf *b, unsigned generation);

/* GET /v1/status */
struct codec_process {
	const char *version;
	int64_t pid;
	const char *state; /* "starting", "ready", "draining" */
	double uptime_s;
};

/* A retrieval plugin; counts what the caller may read. */
struct codec_retrieval {
	const char *plugin;
	struct ragd_retrieval_stats stats;
	bool with_bytes; /* for administrators */
};

/* The load of all users, and the file of the configuration. */
struct codec_load {
	const char *configuration;
	uint64_t n_answers; /* since the start */
	uint64_t n_active;  /* at work now */
	uint64_t n_connections;
	uint64_t n_requests;
};

struct codec_status {
	struct codec_process process;
	unsigned generation;
	const char *const *assistants; /* NULL-ended, as plugins */
	const char *const *plugins;
	const struct codec_retrieval *retrieval;
	size_t n_retrieval;
	const struct codec_load *load; /* for administrators, else NULL */
};

/* While models and stores open; opening: which, and how far; NULL if nothing is known. */
void codec_status_starting(struct buf *b, const struct codec_process *p, const char *opening);
void codec_status(struct buf *b, const struct codec_status *s);

/* A plugin's options: their table and the values, of which some are for administrators. */
struct codec_options {
	const struct ragd_option *rows; /* NULL: none */
	const struct ragd_value *values;
	size_t n;
	bool all; /* else those only that are for everyone */
};

/* GET /v1/plugins */
struct codec_plugin {
	const char *name; /* of the instance */
	const struct ragd_plugin *descriptor;
	int64_t deadline_ms;
	struct codec_options options;
};

void codec_plugins(struct buf *b, const struct codec_plugin *p, size_t n);

/* GET /v1/system-card */
struct codec_assistant {
	const char *name;
	const char *description;
	bool grounded;
	const char *policy;
	const char *retrieval;
	const char *const *collections; /* NULL-ended */
	const char *system_prompt;
	const char *inference;  /* the plugin's instance; NULL: without a model */
	struct ragd_card model; /* of that plugin */
};

struct codec_filter {
	const char *name; /* of the instance */
	const struct ragd_plugin *descriptor;
	bool fails_open; /* on_failure: what it fails to check passes */
	struct codec_options options;
};

struct codec_policy {
	const char *name;
	const struct codec_filter *filters;
	size_t n_filters;
	size_t holdback; /* bytes of an answer that wait for its filters; SIZE_MAX: all */
	const char *viewpoints;
};

struct codec_system_card {
	const char *version;
	const struct codec_assistant *assistants;
	size_t n_assistants;
	const struct codec_policy *policies;
	size_t n_policies;
	int64_t keep_answers_s; /* 0: without end */
};

void codec_system_card(struct buf *b, const struct codec_system_card *c);

/* ---- errors -------------------------------------------------------------------------------- */

/* {"error":{…}}; param may be NULL. */
void codec_error(struct buf *b, int status, const char *code, const char *param,
		 const char *message);

#endif
