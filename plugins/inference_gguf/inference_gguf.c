/*
 * inference_gguf: answers, embeds, scores and reranks with a model in a GGUF file, on the
 * processor. Several instances may run, each with a model of its own: one to chat, one to embed,
 * one to guard; those with the same `threads` and `cpus` share their threads. See docs/models.md.
 */
#include "plugins/inference_gguf/llm.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/util.h"
#include "config.h"

static const struct ragd_option options[] = {
	{ "model", RAGD_OPT_PATH, "", 0, 0, NULL,
	  "The GGUF file; for a model in several files, the first of them.", false },
	{ "context", RAGD_OPT_INT, "8192", 128, 1048576, NULL,
	  "Tokens of a prompt and its answer together; at most what the model was trained for.",
	  true },
	{ "max_tokens", RAGD_OPT_INT, "1024", 1, 1048576, NULL,
	  "Tokens of an answer if neither the assistant nor the client sets a limit.", true },
	{ "threads", RAGD_OPT_INT, "0", 0, THREADS_MAX, NULL,
	  "Threads that compute; 0: one for each processor that ragd may use.", false },
	{ "cpus", RAGD_OPT_STRING, "", 0, 0, NULL,
	  "Pin the threads to these processors, e.g. \"0,2-5\"; empty: the system decides.",
	  false },
	{ "active", RAGD_OPT_INT, "8", 1, 256, NULL, "Answers that are written at the same time.",
	  true },
	{ "waiting", RAGD_OPT_INT, "64", 1, 65536, NULL,
	  "Answers that may wait for their turn; one user may have most of them, fewer if others "
	  "wait.",
	  true },
	{ "cache", RAGD_OPT_SIZE, "0", 0, 0x1p50, NULL,
	  "Memory for keys and values of the text read; 0: enough for all active answers, but no "
	  "more than a quarter of what is available.",
	  false },
	{ "cache_idle", RAGD_OPT_DURATION, "10 min", 0, 1e9, NULL,
	  "The cache gives its memory back when nobody has asked for this long; 0: never. With "
	  "keep_cache it never does.",
	  true },
	{ "cache_type", RAGD_OPT_CHOICE, "q8_0", 0, 0, "q8_0|f16",
	  "How keys and values are kept: q8_0 takes about half the memory of f16.", true },
	{ "keep_cache", RAGD_OPT_BOOL, "no", 0, 0, NULL,
	  "Save the cache when ragd stops and use it again when it starts. The file holds what "
	  "was said.",
	  true },
	{ "memory", RAGD_OPT_SIZE, "0", 0, 0x1p50, NULL,
	  "Refuse to load a model that needs more than this; 0: more than is available.", false },
	{ "template", RAGD_OPT_STRING, "auto", 0, 0, NULL,
	  "Chat template: auto takes the file's; a family's name (\"llama3\", \"chatml\" …); plain "
	  "puts messages one after another.",
	  true },
	{ "think", RAGD_OPT_BOOL, "no", 0, 0, NULL,
	  "Let models that can think aloud before they answer do so.", true },
	{ "repeat_penalty", RAGD_OPT_FLOAT, "1", 0.1, 10, NULL,
	  "Over 1: tokens that have occurred become less likely; 1: off.", true },
	{ "draft", RAGD_OPT_INT, "8", 0, 32, NULL,
	  "Tokens to guess at a time where an answer repeats its passages: the same text, sooner; "
	  "0: off.",
	  true },
	{ "pooling", RAGD_OPT_CHOICE, "auto", 0, 0, "auto|mean|cls|last",
	  "How a text's vector is made of its tokens'; auto: as the file says.", true },
	{ "query_prefix", RAGD_OPT_STRING, "auto", 0, 0, NULL,
	  "What is put before what is searched for, as the model was trained; auto: by its name.",
	  true },
	{ "passage_prefix", RAGD_OPT_STRING, "auto", 0, 0, NULL,
	  "What is put before what is to be found; auto: by the model's name.", true },
	{ "kernels", RAGD_OPT_CHOICE, "auto", 0, 0, "auto|vnni|avx512|avx2|portable",
	  "Instructions to compute with; auto: the best that the processor has.", false },
	{ "huge_pages", RAGD_OPT_BOOL, "yes", 0, 0, NULL,
	  "Ask the system for huge pages for the weights.", false },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static void gguf_card(void *self, struct ragd_card *out)
{
	const struct llm *l = self;

	ragd_fill(out, &l->card, sizeof(l->card));
}

static int gguf_generate(void *self, const struct ragd_call *call, const struct ragd_generate *req,
			 struct ragd_sink *sink, struct ragd_err *err)
{
	struct llm *l = self;

	if (!model_shape(l->model)->causal)
		return ragd_err_set(err, -ENOTSUP, "'%s' writes no text", l->card.name);
	return answer_start(l, call, req, sink, err);
}

static void lists_free(struct tokens *lists, size_t n)
{
	for (size_t i = 0; lists != NULL && i < n; i++)
		tokens_fini(&lists[i]);
	free(lists);
}

/* Each text's tokens; the result is for lists_free(). */
static int lists_encode(const struct llm *l, const struct ragd_call *call,
			const struct ragd_str *texts, size_t n, unsigned flags, struct tokens **out,
			struct ragd_err *err)
{
	struct tokens *lists = calloc(MAX(n, 1), sizeof(*lists));
	int rc = lists != NULL ? 0 : ragd_err_set(err, -ENOMEM, "out of memory for %zu texts", n);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = vocab_encode_for(l->vocab, call, texts[i], flags, &lists[i], err);
	if (rc < 0)
		lists_free(lists, n);
	else
		*out = lists;
	return rc;
}

static int gguf_embed(void *self, const struct ragd_call *call, const struct ragd_embed *req,
		      struct ragd_embeddings *out, struct ragd_err *err)
{
	return llm_embed(self, call, req, out, err);
}

static void gguf_embed_card(void *self, struct ragd_embed_card *out)
{
	const struct llm *l = self;

	ragd_fill(out, &l->embed_card, sizeof(l->embed_card));
}

/*
 * The prompt is what a user says, where the model has a template: guard models were trained that
 * way, and what stands in the prompt cannot end its turn.
 */
static int gguf_score(void *self, const struct ragd_call *call, struct ragd_str prompt,
		      const struct ragd_str *continuations, size_t n, struct ragd_score *out,
		      struct ragd_err *err)
{
	struct llm *l = self;
	const struct ragd_message message = { RAGD_ROLE_USER, prompt };
	struct prompt before = { 0 };
	struct tokens *lists;
	double *logprobs;
	int rc;

	if (!model_shape(l->model)->causal)
		return ragd_err_set(err, -ENOTSUP, "'%s' scores no text", l->card.name);
	logprobs = calloc(MAX(n, 1), sizeof(*logprobs));
	if (logprobs == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for %zu scores", n);
	rc = lists_encode(l, call, continuations, n, 0, &lists, err);
	if (rc == 0) {
		rc = answer_prompt(l, call, &message, 1, 0, &before, err);
		if (rc == 0)
			rc = engine_score(l->engine, answer_client(call), before.tokens.ids,
					  before.tokens.n, lists, n, logprobs, llm_nobody_waits,
					  (void *)call, err);
		lists_free(lists, n);
	}
	for (size_t i = 0; rc == 0 && i < n; i++)
		out[i].logprob = logprobs[i];
	tokens_fini(&before.tokens);
	free(logprobs);
	llm_tell(l);
	return llm_why_stopped(call, rc, err);
}

static int gguf_rerank(void *self, const struct ragd_call *call, const struct ragd_rerank *req,
		       double *scores, struct ragd_err *err)
{
	return llm_rerank(self, call, req, scores, err);
}

static ssize_t gguf_count(void *self, struct ragd_str text, struct ragd_err *err)
{
	const struct llm *l = self;
	struct tokens t = { 0 };
	int rc = vocab_encode(l->vocab, text, 0, &t, err);
	ssize_t n = rc < 0 ? rc : (ssize_t)t.n;

	tokens_fini(&t);
	return n;
}

static int gguf_check(const struct ragd_config *cfg, struct ragd_err *err)
{
	const char *template = ragd_config_get(cfg, "template")->s;

	if (ragd_config_get(cfg, "model")->s[0] == '\0')
		return ragd_err_set(
			err, -EINVAL,
			"`model` must name a GGUF file; docs/models.md says where to get one");
	if (strcmp(template, "auto") != 0 && strcmp(template, "plain") != 0 &&
	    chat_family(template) == NULL)
		return ragd_err_set(err, -EINVAL,
				    "template \"%.64s\" is none of: auto, plain, %s, %s, %s …; see "
				    "docs/models.md",
				    template, chat_family_list(0), chat_family_list(1),
				    chat_family_list(2));
	return 0;
}

static int gguf_open_plugin(const struct ragd_host *host, const struct ragd_config *cfg,
			    void **self, struct ragd_err *err)
{
	struct llm *l;
	int rc = llm_open(host, cfg, &l, err);

	if (rc == 0)
		*self = l;
	return rc;
}

static void gguf_close_plugin(void *self)
{
	llm_close(self);
}

static const struct ragd_inference_ops gguf_ops = {
	.size = sizeof(struct ragd_inference_ops),
	.card = gguf_card,
	.generate = gguf_generate,
	.embed = gguf_embed,
	.embed_card = gguf_embed_card,
	.score = gguf_score,
	.count = gguf_count,
	.rerank = gguf_rerank,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_INFERENCE,
	.name = "inference_gguf",
	.version = PACKAGE_VERSION,
	.licence = "Apache-2.0",
	.summary =
		"Answers, embeds, scores and reranks with a model in a GGUF file, on the processor",
	.options = options,
	.check = gguf_check,
	.open = gguf_open_plugin,
	.close = gguf_close_plugin,
	.ops = { .inference = &gguf_ops },
};
