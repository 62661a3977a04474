/*
 * Part of <ragd/plugin.h>: the operations of inference plugins, which write answers.
 */
#ifndef RAGD_PLUGIN_INFERENCE_H
#define RAGD_PLUGIN_INFERENCE_H

#include <ragd/plugin_types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Members and their comments stand in columns. */
/* clang-format off */

/* What an instance can do, where its model decides that. */
enum ragd_ability {
	RAGD_GENERATES = 1 << 0,
	RAGD_EMBEDS    = 1 << 1,
	RAGD_SCORES    = 1 << 2,
	RAGD_RERANKS   = 1 << 3,
};

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
	/*
	 * RAGD_GENERATES | …; 0: all that it has operations for. What it lacks isn't asked of it:
	 * one that doesn't generate can be no assistant's.
	 */
	uint32_t    abilities;
};

enum ragd_role { RAGD_ROLE_SYSTEM, RAGD_ROLE_USER, RAGD_ROLE_ASSISTANT };

struct ragd_message {
	enum ragd_role  role;
	struct ragd_str text;
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
	bool                       grounded; /* answer from the passages alone, if they answer it */
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
	uint32_t n_cached; /* of these, reused from an earlier prompt; at most n_prompt */
	uint32_t n_output;
};

/*
 * Where generated text goes. Both functions may be called from any thread, even from within
 * generate, but not at the same time for one sink, and not after done. Neither blocks.
 */
struct ragd_sink {
	uint32_t size;
	/*
	 * The next bytes of the answer: UTF-8, not cut inside a character. Returns 0; -ECANCELED if
	 * nobody is waiting any longer or the bytes were not valid; -ENOBUFS if the answer has
	 * reached the host's limit. After either error the plugin stops and calls done.
	 */
	int (*text)(struct ragd_sink *sink, const char *text, size_t len);
	/* Exactly once. If rc < 0, err (borrowed) says why, and finish and usage are ignored. */
	void (*done)(struct ragd_sink *sink, int rc, enum ragd_finish finish,
		     const struct ragd_usage *usage, const struct ragd_err *err);
};

/* ---- texts as vectors ------------------------------------------------------------------------ */

/* What texts are to be found by, or for: encoders made for search read the two differently. */
enum ragd_embed_use {
	RAGD_EMBED_PLAIN,   /* as they come */
	RAGD_EMBED_QUERY,   /* what somebody searches for */
	RAGD_EMBED_PASSAGE, /* what is to be found: "title: heading. text" */
};

struct ragd_embed {
	uint32_t               size;
	enum ragd_embed_use    use;
	const struct ragd_str *texts; /* none is empty or white space only: the host sees to that */
	size_t                 n;
	/* Nobody waits for it: whoever does goes first, and so does an answer's next token. */
	bool                   background;
};

#define RAGD_STAMP_SIZE 65 /* bytes, the final NUL included */

/* What texts become. Of one longer than the context, the beginning counts. */
struct ragd_embeddings {
	uint32_t        size;
	uint32_t        dim;    /* the same in every result of one stamp */
	const float    *values; /* [n][dim]: unit vectors, finite */
	const uint32_t *n_tokens; /* [n]: read of each, prefix and ends included; NULL: unknown */
	/*
	 * [n]: the pieces with letters that each text itself breaks into, one that the vocabulary
	 * doesn't know counted as many times as it has letters. Few letters a piece tell that the
	 * model hardly knows the language. NULL: unknown, or they tell no such thing.
	 */
	const uint32_t *n_pieces;
	/*
	 * As embed_card says it of the instance that made them. A plugin leaves it: the host sets
	 * it for whoever asked through host->embed.
	 */
	char            stamp[RAGD_STAMP_SIZE];
};

struct ragd_embed_card {
	uint32_t size;
	uint32_t dim;       /* 0: not known before the first text */
	uint32_t n_context; /* tokens that are read of a text; 0: not known */
	bool     nested;    /* Matryoshka: made so that the first numbers of a vector will do */
	/*
	 * Letters and digits; another one whenever the same text may get another vector: the
	 * weights' digest, prefixes, pooling, context …
	 */
	char     stamp[RAGD_STAMP_SIZE];
};

struct ragd_score {
	double logprob; /* natural logarithm of P(continuation | prompt); finite */
};

/* ---- passages by their relevance ------------------------------------------------------------- */

struct ragd_rerank {
	uint32_t               size;
	struct ragd_str        query;    /* not blank, nor is any passage: the host sees to that */
	const struct ragd_str *passages; /* "title: heading. text"; of a long one the beginning */
	size_t                 n;
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

	/* The rest may be NULL if the plugin can't do that. */

	int (*embed)(void *self, const struct ragd_call *call, const struct ragd_embed *req,
		     struct ragd_embeddings *out, struct ragd_err *err);
	/* What its vectors are; with embed only. Any thread; doesn't block. */
	void (*embed_card)(void *self, struct ragd_embed_card *out);
	/*
	 * How probable each continuation of the prompt is; for guard models.
	 */
	int (*score)(void *self, const struct ragd_call *call, struct ragd_str prompt,
		     const struct ragd_str *continuations, size_t n, struct ragd_score *out,
		     struct ragd_err *err);
	/* The number of tokens in a text, or a negative errno. */
	ssize_t (*count)(void *self, struct ragd_str text, struct ragd_err *err);
	/*
	 * How relevant each passage is to the query: scores[n], logits, finite. The logistic of one
	 * is the probability that the passage answers the query, as far as the model knows.
	 */
	int (*rerank)(void *self, const struct ragd_call *call, const struct ragd_rerank *req,
		      double *scores, struct ragd_err *err);
};

/* clang-format on */

#ifdef __cplusplus
}
#endif

#endif
