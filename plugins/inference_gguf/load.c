/* From a file to an engine that has answered once. */
#include "plugins/inference_gguf/llm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/util.h"
#include "engine/gguf/card.h"
#include "engine/model/memory.h"

#define STRINGS     (64 * 1024)
#define STEP_TOKENS 256 /* of prompts in a step: activations stay in the second-level cache */

/* For texts that nobody waits for: a tenth of what others get of a processor that both want. */
#define BACKGROUND_NICE    10
#define BACKGROUND_IDLE_MS 2000 /* then they are done, mostly for days */

/* How much of loading is over when a part of it begins. */
#define DONE_DIGEST 0.0
#define DONE_PACK   0.3
#define DONE_WARM   0.95

/* ---- threads: shared by the instances that want the same ------------------------------------- */

struct shared {
	struct shared *next;
	struct threads *threads;
	unsigned n;
	char *cpus;
	bool yields; /* opened by a thread that yields to others */
	unsigned refs;
};

static struct {
	pthread_mutex_t lock;
	struct shared *first;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int shared_new(unsigned n, const char *cpus, bool yields, struct shared **out,
		      struct ragd_err *err)
{
	struct shared *s = calloc(1, sizeof(*s));
	int rc;

	if (s != NULL)
		s->cpus = strdup(cpus);
	if (s == NULL || s->cpus == NULL) {
		free(s);
		return ragd_err_set(err, -ENOMEM, "out of memory for threads");
	}
	s->n = n;
	s->yields = yields;
	rc = threads_open(n, cpus[0] != '\0' ? cpus : NULL, &s->threads, err);
	if (rc < 0) {
		free(s->cpus);
		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

static bool is_alike(const struct shared *s, unsigned n, const char *cpus, bool yields)
{
	return s->n == n && s->yields == yields && strcmp(s->cpus, cpus) == 0;
}

static int pool_ref(const struct ragd_config *cfg, bool yields, struct threads **out,
		    struct ragd_err *err)
{
	unsigned n = (unsigned)ragd_config_get(cfg, "threads")->i;
	const char *cpus = ragd_config_get(cfg, "cpus")->s;
	struct shared *s;
	int rc = 0;

	pthread_mutex_lock(&pool.lock);
	for (s = pool.first; s != NULL && !is_alike(s, n, cpus, yields); s = s->next)
		;
	if (s == NULL && (rc = shared_new(n, cpus, yields, &s, err)) == 0) {
		s->next = pool.first;
		pool.first = s;
	}
	if (rc == 0) {
		s->refs++;
		*out = s->threads;
	}
	pthread_mutex_unlock(&pool.lock);
	return rc;
}

static void pool_unref(struct threads *t)
{
	struct shared **p, *s;

	if (t == NULL)
		return;
	pthread_mutex_lock(&pool.lock);
	for (p = &pool.first; (*p)->threads != t; p = &(*p)->next)
		;
	s = *p;
	if (--s->refs == 0) {
		*p = s->next;
		threads_close(s->threads);
		free(s->cpus);
		free(s);
	}
	pthread_mutex_unlock(&pool.lock);
}

/* ---- what the options say -------------------------------------------------------------------- */

static void tell_progress(const struct ragd_host *host, double done, const char *what)
{
	if (host->size >= offsetof(struct ragd_host, progress) + sizeof(host->progress))
		host->progress(host, done, what);
}

/* The template: by name, or recognised; a file without one is served plain, and that is said. */
static int choose_chat(struct llm *l, const char *template, struct ragd_err *err)
{
	struct ragd_str jinja = { NULL, 0 };

	if (strcmp(template, "plain") == 0)
		return 0;
	if (strcmp(template, "auto") != 0) {
		l->chat = chat_family(template);
		return 0;
	}
	gguf_str(l->gguf, "tokenizer.chat_template", &jinja);
	l->chat = chat_recognise(jinja);
	if (l->chat != NULL) {
		l->host->log(l->host, RAGD_LOG_INFO, "chat template: %s",
			     chat_family_name(l->chat));
		return 0;
	}
	if (jinja.len > 0)
		return ragd_err_set(
			err, -ENOTSUP,
			"the file's chat template is none that ragd knows: name one that "
			"fits as `template` (\"chatml\", \"llama3\" …), see docs/models.md");
	if (strcmp(vocab_kind(l->vocab), "bert") == 0 ||
	    strcmp(vocab_kind(l->vocab), "t5") == 0) /* it makes vectors and does not chat */
		return 0;
	l->host->log(l->host, RAGD_LOG_WARN,
		     "the file has no chat template: messages are put one after another; name one "
		     "that fits as `template` if it was trained to chat");
	return 0;
}

/* Whether the vocabulary begins every text with the BOS, as it begins one that is empty. */
static int ask_for_bos(struct llm *l, struct ragd_err *err)
{
	struct tokens ends = { 0 };
	int rc = vocab_encode(l->vocab, (struct ragd_str){ NULL, 0 }, VOCAB_ENDS, &ends, err);

	l->adds_bos = rc == 0 && ends.n > 0 && ends.ids[0] == vocab_bos(l->vocab);
	tokens_fini(&ends);
	return rc;
}

static const struct kernels *choose_kernels(const char *name, struct ragd_err *err)
{
	const struct kernels *k = kernels_choose(strcmp(name, "auto") == 0 ? NULL : name);

	if (k == NULL)
		ragd_err_set(err, -ENOTSUP, "this processor cannot run the kernels '%s'", name);
	return k;
}

static enum model_pooling pooling_of(const char *name)
{
	static const char *const names[] = { "auto", "mean", "cls", "last" };
	static const enum model_pooling values[] = { POOLING_NONE, POOLING_MEAN, POOLING_CLS,
						     POOLING_LAST };
	size_t i = 0;

	while (strcmp(names[i], name) != 0)
		i++;
	return values[i];
}

static uint32_t abilities_of(const struct model *model)
{
	const struct model_shape *shape = model_shape(model);

	if (shape->ranks)
		return RAGD_RERANKS;
	return shape->causal ? RAGD_GENERATES | RAGD_EMBEDS | RAGD_SCORES : RAGD_EMBEDS;
}

/* What the engine gets, but for the model itself; `model` may be an outline. */
static struct engine_options engine_options_of(const struct llm *l, const struct ragd_config *cfg,
					       const struct model *model, uint64_t available)
{
	const struct model_shape *shape = model_shape(model);
	struct engine_options o = {
		.model = model,
		.vocab = l->vocab,
		.threads = l->threads,
		.kv = strcmp(ragd_config_get(cfg, "cache_type")->s, "f16") == 0 ? KV_F16 : KV_Q8_0,
		.cache_bytes = (size_t)ragd_config_get(cfg, "cache")->i,
		.idle_ms = ragd_config_get(cfg, "keep_cache")->b
				   ? 0
				   : (uint32_t)ragd_config_get(cfg, "cache_idle")->i,
		.n_context = (uint32_t)MIN(ragd_config_get(cfg, "context")->i,
					   (int64_t)shape->n_context),
		.max_active = (uint32_t)ragd_config_get(cfg, "active")->i,
		.max_waiting = (uint32_t)ragd_config_get(cfg, "waiting")->i,
		.step_tokens = STEP_TOKENS,
		.draft_tokens = (uint32_t)ragd_config_get(cfg, "draft")->i,
		.pooling = pooling_of(ragd_config_get(cfg, "pooling")->s),
	};
	uint64_t one;

	if (shape->head_dim % 32 != 0) /* which Q8_0 needs */
		o.kv = KV_F16;
	one = model_page_bytes(model, o.kv) * (o.n_context / KV_PAGE + 2);
	if (o.cache_bytes == 0)
		o.cache_bytes = MAX(one, MIN(one * o.max_active, available / 4));
	return o;
}

/* ---- the card, and what a saved cache depends on --------------------------------------------- */

static int read_card(struct llm *l, const char *path, struct ragd_err *err)
{
	struct gguf_card *card;
	char *digest;
	int rc = gguf_card_new(l->gguf, path, &card, err);

	if (rc < 0)
		return rc;
	digest = arena_alloc(l->strings, 1, GGUF_DIGEST_SIZE);
	l->card = card->brief;
	l->card.name = arena_strdup(l->strings, card->brief.name != NULL ? card->brief.name : "");
	if (card->brief.family != NULL)
		l->card.family = arena_strdup(l->strings, card->brief.family);
	if (card->brief.quantisation != NULL)
		l->card.quantisation = arena_strdup(l->strings, card->brief.quantisation);
	if (card->brief.licence != NULL)
		l->card.licence = arena_strdup(l->strings, card->brief.licence);
	if (card->brief.summary != NULL)
		l->card.summary = arena_strdup(l->strings, card->brief.summary);
	gguf_card_free(card);
	if (digest == NULL || l->card.name == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the model card");
	tell_progress(l->host, DONE_DIGEST, "reading the file");
	rc = gguf_digest(l->gguf, l->host->state_dir, NULL, NULL, digest, err);
	l->card.digest = digest;
	return rc;
}

static void use_kept_cache(struct llm *l, const struct ragd_config *cfg)
{
	struct ragd_err err = { 0 };
	int rc;

	l->keep_cache = ragd_config_get(cfg, "keep_cache")->b;
	l->cache_path = arena_printf(l->strings, "%s/kv-cache", l->host->state_dir);
	l->stamp =
		arena_printf(l->strings, "%s %s %s", l->card.digest,
			     ragd_config_get(cfg, "cache_type")->s, model_kernels(l->model)->name);
	if (!l->keep_cache || l->cache_path == NULL || l->stamp == NULL)
		return;
	rc = engine_load(l->engine, l->cache_path, l->stamp, &err);
	if (rc < 0 && rc != -ENOENT)
		l->host->log(l->host, RAGD_LOG_WARN, "the kept cache is not used: %s", err.msg);
}

/* ---- loading --------------------------------------------------------------------------------- */

static bool pack_progress(void *arg, double done)
{
	const struct llm *l = arg;

	tell_progress(l->host, DONE_PACK + (DONE_WARM - DONE_PACK) * done, "packing weights");
	return true;
}

/* The plan is made, told and checked before the file is read through and anything is allocated. */
static int memory_plan_check(const struct llm *l, const struct ragd_config *cfg,
			     const struct kernels *k, uint64_t available, struct ragd_err *err)
{
	const double mib = 1024.0 * 1024;
	struct memory_plan plan;
	struct engine_options o;
	struct model *outline;
	int rc = model_outline(l->gguf, k, &outline, err);

	if (rc < 0)
		return rc;
	o = engine_options_of(l, cfg, outline, available);
	plan.weights = model_shape(outline)->weight_bytes + model_shape(outline)->table_bytes;
	plan.cache = model_shape(outline)->causal ? o.cache_bytes : 0;
	plan.scratch = engine_plan(&o) - plan.cache;
	model_close(outline);
	l->host->log(l->host, RAGD_LOG_INFO,
		     "memory: %.0f MiB of weights, %.0f MiB of KV cache at most, %.0f MiB to work "
		     "in; %.0f MiB available",
		     (double)plan.weights / mib, (double)plan.cache / mib,
		     (double)plan.scratch / mib, (double)available / mib);
	return memory_check(&plan, available, (uint64_t)ragd_config_get(cfg, "memory")->i, err);
}

/* ---- texts in the background ----------------------------------------------------------------- */

/* An engine to be opened for texts that nobody waits for. */
struct background {
	struct llm *l;
	const struct ragd_config *cfg;
	struct engine_options opt;
	int rc;
	struct ragd_err err;
};

/*
 * Its thread and those it computes on inherit the nice value, which cannot be lowered again: hence
 * a thread that does nothing but open them.
 */
static void *background_main(void *arg)
{
	struct background *b = arg;

	/* On Linux the nice value is the thread's. */
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + BACKGROUND_NICE);
	b->rc = pool_ref(b->cfg, true, &b->l->background_threads, &b->err);
	b->opt.threads = b->l->background_threads;
	if (b->rc == 0)
		b->rc = engine_open(&b->opt, &b->l->background, &b->err);
	return NULL;
}

/*
 * An encoder reads the passages of new documents on threads of their own: only the system can
 * interrupt them wherever they are and whatever for: a question's vector, a search, an answer.
 */
static int background_open(struct llm *l, const struct ragd_config *cfg,
			   const struct engine_options *opt, struct ragd_err *err)
{
	struct background b = { .l = l, .cfg = cfg, .opt = *opt };
	pthread_t thread;
	int rc;

	if (model_shape(l->model)->causal || model_shape(l->model)->ranks)
		return 0;
	b.opt.yield_to = l->threads;
	b.opt.idle_ms = BACKGROUND_IDLE_MS;
	rc = pthread_create(&thread, NULL, background_main, &b);
	if (rc != 0)
		return ragd_err_set(err, -rc, "start a thread: %s", strerror(rc));
	pthread_join(thread, NULL);
	return b.rc < 0 ? ragd_err_set(err, b.rc, "%s", b.err.msg) : 0;
}

static int open_engine(struct llm *l, const struct ragd_config *cfg, const struct kernels *k,
		       uint64_t available, struct ragd_err *err)
{
	struct model_options opt = {
		.threads = l->threads,
		.kernels = k,
		.progress = pack_progress,
		.progress_arg = l,
		.huge_pages = ragd_config_get(cfg, "huge_pages")->b,
	};
	struct engine_options o;
	int rc = model_open(l->gguf, &opt, &l->model, err);

	if (rc < 0)
		return rc;
	o = engine_options_of(l, cfg, l->model, available);
	l->max_tokens = (uint32_t)ragd_config_get(cfg, "max_tokens")->i;
	l->repeat_penalty = (float)ragd_config_get(cfg, "repeat_penalty")->f;
	l->think = ragd_config_get(cfg, "think")->b;
	l->card.n_context = o.n_context;
	l->card.abilities = abilities_of(l->model);
	rc = llm_embed_open(l, cfg, o.n_context, err);
	if (rc == 0)
		rc = llm_embed_stamp(
			l, o.pooling != POOLING_NONE ? o.pooling : model_shape(l->model)->pooling,
			err);
	if (rc == 0)
		rc = engine_open(&o, &l->engine, err);
	return rc == 0 ? background_open(l, cfg, &o, err) : rc;
}

/*
 * One text through everything: pages of memory are there and the pace is known before the first
 * client.
 */
static int warm_up(struct llm *l, struct ragd_err *err)
{
	struct tokens text = { 0 };
	float *row = malloc(model_shape(l->model)->n_embd * sizeof(*row));
	double logprob;
	int rc;

	tell_progress(l->host, DONE_WARM, "warming up");
	if (row == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the first text");
	rc = vocab_encode(l->vocab,
			  RAGD_STR("Ready to read what there is to be read, and to answer."),
			  VOCAB_ENDS, &text, err);
	if (rc == 0 && model_shape(l->model)->causal)
		rc = engine_score(l->engine, ENGINE_NOBODY, text.ids, text.n, &text, 1, &logprob,
				  NULL, NULL, err);
	else if (rc == 0 && model_shape(l->model)->ranks)
		rc = engine_rerank(l->engine, ENGINE_NOBODY,
				   &(struct engine_pair){ text.ids, text.n, text.n / 2 }, 1, row,
				   NULL, NULL, err);
	else if (rc == 0)
		rc = engine_embed(l->engine, ENGINE_NOBODY, &text, 1, row, NULL, NULL, err);
	tokens_fini(&text);
	free(row);
	return rc;
}

/* Others may make the model say what they like; it harms nothing but the answers, and is said. */
static void warn_of_others(const struct llm *l)
{
	struct ragd_err err;

	if (gguf_private(l->gguf, &err) < 0)
		l->host->log(l->host, RAGD_LOG_WARN,
			     "%s: whoever may write to it decides what it says", err.msg);
}

/* All that loading would refuse but for lack of memory, without packing a weight. */
static int outline_check(struct llm *l, const struct kernels *k, struct ragd_err *err)
{
	struct model *outline;
	int rc = model_outline(l->gguf, k, &outline, err);

	if (rc < 0)
		return rc;
	l->card.name = "";
	l->card.abilities = abilities_of(outline);
	model_close(outline);
	return 0;
}

/* What is done with the file while it is open. */
static int read_file(struct llm *l, const struct ragd_config *cfg, struct ragd_err *err)
{
	const char *path = ragd_config_get(cfg, "model")->s;
	uint64_t available = memory_available();
	const struct kernels *k = NULL;
	int rc = gguf_open(path, &l->gguf, err);

	if (rc == 0)
		warn_of_others(l);
	if (rc == 0)
		rc = vocab_open(l->gguf, &l->vocab, err);
	if (rc == 0)
		rc = ask_for_bos(l, err);
	if (rc == 0)
		rc = choose_chat(l, ragd_config_get(cfg, "template")->s, err);
	if (rc == 0 && (k = choose_kernels(ragd_config_get(cfg, "kernels")->s, err)) == NULL)
		rc = -ENOTSUP;
	if (ragd_is_trial(l->host))
		return rc == 0 ? outline_check(l, k, err) : rc;
	if (rc == 0)
		rc = pool_ref(cfg, false, &l->threads, err);
	if (rc == 0)
		rc = memory_plan_check(l, cfg, k, available, err);
	if (rc == 0)
		rc = read_card(l, path, err);
	if (rc == 0)
		rc = open_engine(l, cfg, k, available, err);
	return rc;
}

static int llm_load(struct llm *l, const struct ragd_config *cfg, struct ragd_err *err)
{
	int rc = read_file(l, cfg, err);

	gguf_close(l->gguf);
	l->gguf = NULL;
	return rc == 0 && !ragd_is_trial(l->host) ? warm_up(l, err) : rc;
}

int llm_open(const struct ragd_host *host, const struct ragd_config *cfg, struct llm **out,
	     struct ragd_err *err)
{
	struct llm *l = calloc(1, sizeof(*l));
	int rc;

	if (l == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory");
	l->host = host;
	pthread_mutex_init(&l->lock, NULL);
	l->strings = arena_new(STRINGS);
	rc = l->strings != NULL ? llm_load(l, cfg, err)
				: ragd_err_set(err, -ENOMEM, "out of memory");
	if (rc < 0) {
		llm_close(l);
		return rc;
	}
	if (ragd_is_trial(host)) {
		*out = l;
		return 0;
	}
	use_kept_cache(l, cfg);
	host->log(host, RAGD_LOG_INFO, "%s: %s, %s, context %u, %u threads, kernels %s",
		  l->card.name, l->card.family != NULL ? l->card.family : "?",
		  l->card.quantisation != NULL ? l->card.quantisation : "?", l->card.n_context,
		  threads_n(l->threads), model_kernels(l->model)->name);
	*out = l;
	return 0;
}

void llm_close(struct llm *l)
{
	struct ragd_err err = { 0 };

	if (l == NULL)
		return;
	if (l->engine != NULL && l->keep_cache &&
	    engine_save(l->engine, l->cache_path, l->stamp, &err) < 0)
		l->host->log(l->host, RAGD_LOG_WARN, "the cache is not kept: %s", err.msg);
	engine_close(l->background);
	engine_close(l->engine);
	model_close(l->model);
	pool_unref(l->background_threads);
	pool_unref(l->threads);
	vocab_close(l->vocab);
	arena_free(l->strings);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
