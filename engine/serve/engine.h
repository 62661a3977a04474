/*
 * Many requests on one model: continuous batching. One thread of the engine's own steps the model;
 * a step carries the next token of every active sequence (and the tokens drafted for it) and a
 * bounded slice of the prompts that are still being read, so a long prompt never holds up the
 * streams of others. Clients take turns by what they have used, not by how much they ask. The text
 * of a request depends on the request alone: not on what else runs, on what was cached, on drafts,
 * or on the number of threads. What a client has read is found again for that client alone; only
 * the tokens in front that are the configuration's are read once for all.
 */
#ifndef ENGINE_SERVE_ENGINE_H
#define ENGINE_SERVE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>
#include <ragd/plugin.h>

#include "engine/model/model.h"
#include "engine/serve/sampler.h"
#include "engine/token/vocab.h"

struct engine;

/* The client of requests that no client made, such as the daemon's own. */
#define ENGINE_NOBODY (UINT64_MAX - 1)

struct engine_options {
	const struct model *model; /* borrowed, as the next two */
	const struct vocab *vocab;
	struct threads *threads; /* may be shared with other engines: they take turns */
	/* While these compute, texts in the background wait a little; NULL: `threads` itself. */
	const struct threads *yield_to;
	enum kv_type kv;
	size_t cache_bytes; /* of the KV cache, at least one context */
	/*
	 * Idle for so long, memory goes back to the system: the cache's, but for the
	 * configuration's, or that of an encoder's passes; 0: never.
	 */
	uint32_t idle_ms;
	uint32_t n_context;    /* tokens of one sequence, at most the model's */
	uint32_t max_active;   /* sequences that run at once; others wait in line */
	uint32_t max_waiting;  /* beyond, or beyond a client's share (queue_quota.h): -EBUSY; 64 */
	uint32_t step_tokens;  /* the most tokens of prompts in a step while nobody streams, 256 */
	uint32_t draft_tokens; /* the most to draft for a sequence and step; 0: off */
	double max_gap; /* a step with prompt slices is to take this many times a step without; 1.6,
			 * which keeps nearly all gaps within 3 times the usual */
	enum model_pooling pooling; /* of embeddings; POOLING_NONE: as the file says */
};

/* Memory that engine_open() will take besides the model's, bytes: run scratch and KV cache. */
size_t engine_plan(const struct engine_options *opt);
int engine_open(const struct engine_options *opt, struct engine **out, struct ragd_err *err);
/* Ends all requests with -ECANCELED first. */
void engine_close(struct engine *e);

/* One token that was chosen. */
struct engine_token {
	int32_t id;
	const char *text; /* bytes to show: whole characters, stop strings held back; may be "" */
	size_t len;
	const struct token_logprob *logprobs; /* 1 + n_logprobs entries, or NULL */
};

struct engine_usage {
	uint32_t n_prompt;
	uint32_t n_cached; /* of those, read from an earlier prompt of the same client's */
	uint32_t n_output;
	uint32_t n_drafted;  /* tokens proposed from the context */
	uint32_t n_accepted; /* of those, taken */
	int64_t first_us;    /* from submit to the first token */
};

/*
 * One text to write. Memory is borrowed until done() was called; callbacks run on the engine's
 * thread and must not block.
 */
struct engine_request {
	const int32_t *ids; /* the prompt */
	size_t n;
	size_t n_configured; /* tokens in front that are the configuration's, whoever asks */
	/*
	 * Who asks, e.g. the uid, below ENGINE_NOBODY: for fairness, and the owner of what is read.
	 */
	uint64_t client;
	uint32_t max_tokens; /* 0: up to the context */
	struct sampler_options sampling;
	const struct ragd_str *stop; /* they end the text and are no part of it */
	size_t n_stop;
	bool ignore_end; /* do not stop at end tokens: for measurements */
	void *arg;
	/* Returns non-zero to end the request within this step. */
	int (*token)(void *arg, const struct engine_token *t);
	/* Asked once a step; true ends the request with -ECANCELED. May be NULL. */
	bool (*cancelled)(void *arg);
	/*
	 * Exactly once. rc < 0: err says why (borrowed); -ECANCELED after token() asked for the
	 * end.
	 */
	void (*done)(void *arg, int rc, enum ragd_finish finish, const struct engine_usage *usage,
		     const struct ragd_err *err);
};

/*
 * Queue a request; any thread. After 0, done() is called once; after an error never. -EMSGSIZE: the
 * prompt does not fit, the sentence says by how many tokens; -EBUSY: too many wait, of this
 * client's or in all; -EINVAL; -ESHUTDOWN.
 */
int engine_submit(struct engine *e, const struct engine_request *r, struct ragd_err *err);

/*
 * Log-probability of each continuation, given the prompt; waits for the result. A continuation has
 * at least one token. The prompt is read once, and cached as any other of this client's.
 * `cancelled` as above. -EBUSY as engine_submit().
 */
int engine_score(struct engine *e, uint64_t client, const int32_t *prompt, size_t n_prompt,
		 const struct tokens *continuations, size_t n, double *logprobs,
		 bool (*cancelled)(void *arg), void *arg, struct ragd_err *err);

/*
 * Unit vectors of n texts (their tokens, ends included), [n][n_embd]; waits for the result. A text
 * longer than the model's context is read in windows and their vectors averaged by length. Clients
 * take turns, a pass each.
 */
int engine_embed(struct engine *e, uint64_t client, const struct tokens *texts, size_t n,
		 float *out, bool (*cancelled)(void *arg), void *arg, struct ragd_err *err);

/* The same, where nobody waits for it: all others go first, within a layer of an encoder's pass. */
int engine_embed_background(struct engine *e, uint64_t client, const struct tokens *texts, size_t n,
			    float *out, bool (*cancelled)(void *arg), void *arg,
			    struct ragd_err *err);

/* A query and a passage as one text, ends included. */
struct engine_pair {
	const int32_t *ids;
	size_t n;      /* at most the engine's n_context */
	size_t second; /* the passage begins here */
};

/*
 * How relevant each passage is to its query: a logit, the higher the better, finite; waits for the
 * result. Takes turns with those that embed. -ENOTSUP where the model does not rank.
 */
int engine_rerank(struct engine *e, uint64_t client, const struct engine_pair *pairs, size_t n,
		  float *scores, bool (*cancelled)(void *arg), void *arg, struct ragd_err *err);

struct engine_stats {
	uint32_t n_active;
	uint32_t n_waiting;
	uint64_t n_requests;
	uint64_t n_steps;
	uint64_t n_prompt_tokens; /* asked for */
	uint64_t n_cached_tokens; /* of those, found in the cache */
	uint64_t n_output_tokens;
	uint64_t n_drafted_tokens;
	uint64_t n_accepted_tokens;
	uint64_t n_cancelled;
	size_t n_pages, n_pages_held, n_pages_cached;
};
void engine_stats(struct engine *e, struct engine_stats *out);

/* The KV cache to and from a file, see cache_save(); waits until no step runs. */
int engine_save(struct engine *e, const char *path, const char *stamp, struct ragd_err *err);
int engine_load(struct engine *e, const char *path, const char *stamp, struct ragd_err *err);

#endif
