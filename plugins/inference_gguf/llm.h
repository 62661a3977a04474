/*
 * One model that answers: the file, what was made of it, and the engine that runs it. The parts of
 * inference_gguf:
 *
 *   inference_gguf.c  the descriptor, its options, the operations
 *   load.c            from a file to an engine: plan, pack, warm up
 *   answer.c          one answer: prompt, submission, what comes back
 *   embed.c           texts as vectors
 *   rerank.c          passages by their relevance to a query
 *   metrics.c         what the engine counted
 */
#ifndef PLUGINS_INFERENCE_GGUF_LLM_H
#define PLUGINS_INFERENCE_GGUF_LLM_H

#include <pthread.h>

#include <ragd/plugin.h>

#include "engine/chat/chat.h"
#include "engine/gguf/gguf.h"
#include "engine/model/model.h"
#include "engine/serve/engine.h"
#include "engine/token/vocab.h"

#define N_EMBED_USES (RAGD_EMBED_PASSAGE + 1)

struct llm {
	const struct ragd_host *host;
	struct gguf *gguf; /* while it is being loaded; what answers needs no file */
	struct vocab *vocab;
	struct threads *threads; /* shared with other instances of the same threads and cpus */
	struct model *model;
	struct engine *engine; /* NULL: an encoder that was asked for nothing yet is still one */
	struct engine *background; /* of an encoder, for texts that nobody waits for; else NULL */
	struct threads *background_threads; /* it computes on; they yield to all others */
	const struct chat_family *chat;     /* NULL: messages are put one after another */
	uint32_t max_tokens;                /* of an answer that names no limit */
	float repeat_penalty;
	bool adds_bos; /* the vocabulary puts it in front of a text: a template need not */
	bool think;    /* let models that may think aloud do so */
	bool keep_cache;
	char *cache_path;      /* in the instance's state directory */
	char *stamp;           /* what a saved cache depends on */
	struct arena *strings; /* the card's */
	struct ragd_card card;
	struct ragd_embed_card embed_card;
	const char *prefixes[N_EMBED_USES]; /* what is put before a text, by its use */
	size_t prefix_tokens[N_EMBED_USES]; /* how many tokens those are */
	pthread_mutex_t lock;               /* of `told` */
	struct engine_stats told;           /* what the counters of the host know */
};

/* Load as the options say; on failure nothing is left. */
int llm_open(const struct ragd_host *host, const struct ragd_config *cfg, struct llm **out,
	     struct ragd_err *err);
void llm_close(struct llm *l);

/* ---- texts as vectors ------------------------------------------------------------------------ */

/* What is put before texts and how much of them is read: prefixes and embed_card, but its stamp. */
int llm_embed_open(struct llm *l, const struct ragd_config *cfg, uint32_t n_context,
		   struct ragd_err *err);
/* The stamp, once the file's digest is known. */
int llm_embed_stamp(struct llm *l, enum model_pooling pooling, struct ragd_err *err);
/* As ragd_inference_ops.embed. */
int llm_embed(struct llm *l, const struct ragd_call *call, const struct ragd_embed *req,
	      struct ragd_embeddings *out, struct ragd_err *err);

/* What is over the limit goes, but for the end that every text has. */
void llm_tokens_cut(const struct llm *l, struct tokens *t, size_t limit);

/* As ragd_inference_ops.rerank. */
int llm_rerank(struct llm *l, const struct ragd_call *call, const struct ragd_rerank *req,
	       double *scores, struct ragd_err *err);

/* Whether a call (arg) is no longer wanted, as the engine asks it. */
bool llm_nobody_waits(void *arg);
/* The engine knows only that it was to stop: whether for the deadline, the call knows. */
int llm_why_stopped(const struct ragd_call *call, int rc, struct ragd_err *err);

/* ---- answers --------------------------------------------------------------------------------- */

/* As ragd_inference_ops.generate. */
int answer_start(struct llm *l, const struct ragd_call *call, const struct ragd_generate *req,
		 struct ragd_sink *sink, struct ragd_err *err);
/* A conversation as the model reads it. */
struct prompt {
	struct tokens tokens;
	size_t n_configured; /* tokens in front that are the same whoever asks */
};

/*
 * The tokens of messages, of which the first n_configured bytes are the configuration's. The caller
 * frees the tokens, on failure too. -ECANCELED and -ETIMEDOUT as the call says.
 */
int answer_prompt(const struct llm *l, const struct ragd_call *call,
		  const struct ragd_message *messages, size_t n, size_t n_configured,
		  struct prompt *out, struct ragd_err *err);
/* Who asks, for the engine. */
uint64_t answer_client(const struct ragd_call *call);
/* Tell the host's metrics what the engine counted since the last time. */
void llm_tell(struct llm *l);

#endif
