/*
 * retrieval_hybrid: the store of retrieval/ behind the plugin ABI. Options in, events to the log,
 * the operations handed through.
 */
#include <stdlib.h>
#include <string.h>

#include <ragd/plugin.h>

#include "config.h"
#include "retrieval/store/store.h"

struct hybrid {
	struct store *store;
	const struct ragd_host *host;
	struct store_progress told; /* the background thread's */
};

static const struct ragd_option hybrid_options[] = {
	{ "language", RAGD_OPT_STRING, "english", 0, 0, NULL,
	  "Language whose word endings are cut off, by its Snowball name.", true },
	{ "passage_target", RAGD_OPT_SIZE, "1000", 100, 100000, NULL,
	  "Bytes to which a passage grows before the next one begins.", true },
	{ "passage_max", RAGD_OPT_SIZE, "2000", 200, 200000, NULL,
	  "Bytes of the longest passage; at least twice passage_target.", true },
	{ "max_document", RAGD_OPT_SIZE, "32 MiB", 1, 67108864, NULL,
	  "Bytes of the largest document taken.", true },
	{ "embedder", RAGD_OPT_PLUGIN, "", 0, 0, NULL,
	  "Plugin that turns passages and questions into vectors; none: they are learned from the "
	  "passages.",
	  true },
	{ "dim", RAGD_OPT_INT, "128", 16, 512, NULL, "Numbers in a vector of the trained embedder.",
	  true },
	{ "weight_vector", RAGD_OPT_FLOAT, "0.5", 0, 1, NULL,
	  "How much vectors count in a score; words count the rest. Learned ones get 0.4 of it.",
	  true },
	{ "reranker", RAGD_OPT_PLUGIN, "", 0, 0, NULL,
	  "Plugin that reads the question and each of the first hits together and puts them in "
	  "order; none: the order is that of words and vectors.",
	  true },
	{ "rerank_top", RAGD_OPT_INT, "20", 1, STORE_RERANK_MAX, NULL,
	  "How many of the first hits it reads.", true },
	{ "rerank_time", RAGD_OPT_DURATION, "3 s", 1, 600000, NULL,
	  "How long a search waits for it; after that, and if it fails, the order stays as it was.",
	  true },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};

static int hybrid_check(const struct ragd_config *cfg, struct ragd_err *err)
{
	int64_t target = ragd_config_get(cfg, "passage_target")->i;
	int64_t max = ragd_config_get(cfg, "passage_max")->i;

	if (max < 2 * target)
		return ragd_err_set(err, -EINVAL,
				    "passage_max is %lld, less than twice passage_target (%lld)",
				    (long long)max, (long long)target);
	return 0;
}

static void hybrid_event(void *arg, enum store_event event, const char *detail)
{
	static const struct {
		enum ragd_log_level level;
		const char *counter;
	} rows[] = {
		[STORE_REPAIRED] = { RAGD_LOG_WARN, "repairs" },
		[STORE_REINDEXED] = { RAGD_LOG_WARN, "reindexed" },
		[STORE_VECTORS_REBUILT] = { RAGD_LOG_WARN, "vector_rebuilds" },
		[STORE_LEARNED] = { RAGD_LOG_INFO, "embedder_fits" },
		[STORE_ENCODED] = { RAGD_LOG_INFO, "encoded" },
		[STORE_TROUBLE] = { RAGD_LOG_ERR, "background_failures" },
	};
	const struct ragd_host *host = ((struct hybrid *)arg)->host;

	host->log(host, rows[event].level, "%s", detail);
	host->count(host, rows[event].counter, 1);
}

static void hybrid_progress(void *arg, const struct store_progress *p)
{
	struct hybrid *h = arg;
	const struct ragd_host *host = h->host;

	host->gauge(host, "vectors", (double)p->n_vectors);
	host->gauge(host, "passages_waiting", (double)p->n_waiting);
	host->gauge(host, "passages_waiting_seconds", p->waiting_s);
	host->count(host, "passages_embedded", p->n_encoded - h->told.n_encoded);
	host->count(host, "embed_failures", p->n_failures - h->told.n_failures);
	h->told = *p;
}

static int hybrid_encode(void *arg, const char *name, const struct ragd_call *call,
			 const struct ragd_embed *req, struct ragd_embeddings *out,
			 struct ragd_err *err)
{
	const struct ragd_host *host = arg;

	return host->embed(host, name, call, req, out, err);
}

static int hybrid_encoder_card(void *arg, const char *name, struct ragd_embed_card *out,
			       struct ragd_err *err)
{
	const struct ragd_host *host = arg;

	return host->embed_card(host, name, out, err);
}

/* What became of each search is counted, the first failure of a row logged. */
static int hybrid_rerank(void *arg, const char *name, const struct ragd_call *call,
			 const struct ragd_rerank *req, double *scores, struct ragd_err *err)
{
	const struct ragd_host *host = arg;
	int rc = RAGD_HAS(host, rerank) ? host->rerank(host, name, call, req, scores, err)
					: ragd_err_set(err, -ENOTSUP, "this ragd reranks nothing");

	host->count(host, rc == 0 ? "reranked" : "rerank_failures", 1);
	return rc;
}

/* The name is "" where there is none. */
static const char *plugin_named(const struct ragd_config *cfg, const char *option)
{
	const char *name = ragd_config_get(cfg, option)->s;

	return name[0] != '\0' ? name : NULL;
}

static void hybrid_close(void *self)
{
	struct hybrid *h = self;

	if (h == NULL)
		return;
	store_close(h->store);
	free(h);
}

static int hybrid_open(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		       struct ragd_err *err)
{
	struct hybrid *h = calloc(1, sizeof(*h));
	struct store_options options = {
		.dir = host->state_dir,
		.language = ragd_config_get(cfg, "language")->s,
		.passage_target = (uint32_t)ragd_config_get(cfg, "passage_target")->i,
		.passage_max = (uint32_t)ragd_config_get(cfg, "passage_max")->i,
		.max_document = (size_t)ragd_config_get(cfg, "max_document")->i,
		.dim = (uint32_t)ragd_config_get(cfg, "dim")->i,
		.weight_vector = ragd_config_get(cfg, "weight_vector")->f,
		.encoder = { .name = ragd_config_get(cfg, "embedder")->s,
			     .embed = hybrid_encode,
			     .card = hybrid_encoder_card,
			     .arg = (void *)(uintptr_t)host },
		.reranker = { .name = plugin_named(cfg, "reranker"),
			      .top = (uint32_t)ragd_config_get(cfg, "rerank_top")->i,
			      .time_ms = ragd_config_get(cfg, "rerank_time")->i,
			      .rerank = hybrid_rerank,
			      .arg = (void *)(uintptr_t)host },
		.event = hybrid_event,
		.progress = hybrid_progress,
		.event_arg = h,
	};
	int rc;

	if (h == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for the store");
	h->host = host;
	rc = store_open(&options, &h->store, err);
	if (rc < 0) {
		hybrid_close(h);
		return rc;
	}
	*self = h;
	return 0;
}

static int hybrid_collection_put(void *self, const struct ragd_call *call,
				 const struct ragd_collection *c, bool *created,
				 struct ragd_err *err)
{
	return store_collection_put(((struct hybrid *)self)->store, call, c, created, err);
}

static int hybrid_collection_remove(void *self, const struct ragd_call *call, const char *name,
				    struct ragd_err *err)
{
	return store_collection_remove(((struct hybrid *)self)->store, call, name, err);
}

static int hybrid_collections(void *self, const struct ragd_call *call,
			      const struct ragd_collection **out, size_t *n, struct ragd_err *err)
{
	return store_collections(((struct hybrid *)self)->store, call, out, n, err);
}

static int hybrid_put(void *self, const struct ragd_call *call, const char *collection,
		      const struct ragd_document *docs, size_t n, struct ragd_put_result *results,
		      struct ragd_err *err)
{
	return store_put(((struct hybrid *)self)->store, call, collection, docs, n, results, err);
}

static int hybrid_remove(void *self, const struct ragd_call *call, const char *collection,
			 struct ragd_str id, struct ragd_err *err)
{
	return store_remove(((struct hybrid *)self)->store, call, collection, id, err);
}

static int hybrid_list(void *self, const struct ragd_call *call, const char *collection,
		       struct ragd_str after, size_t limit, const struct ragd_document_info **out,
		       size_t *n, struct ragd_err *err)
{
	return store_list(((struct hybrid *)self)->store, call, collection, after, limit, out, n,
			  err);
}

static int hybrid_get(void *self, const struct ragd_call *call, const char *collection,
		      struct ragd_str id, struct ragd_document_info *info, struct ragd_str *content,
		      struct ragd_err *err)
{
	return store_get(((struct hybrid *)self)->store, call, collection, id, info, content, err);
}

static int hybrid_search(void *self, const struct ragd_call *call, const struct ragd_query *query,
			 const struct ragd_hit **hits, size_t *n, struct ragd_err *err)
{
	return store_search(((struct hybrid *)self)->store, call, query, hits, n, err);
}

static void hybrid_stats(void *self, const struct ragd_caller *caller,
			 struct ragd_retrieval_stats *out)
{
	struct ragd_retrieval_stats stats = { 0 };

	store_stats(((struct hybrid *)self)->store, caller, &stats);
	ragd_fill(out, &stats, sizeof(stats));
}

static int hybrid_embed(void *self, const struct ragd_call *call, const struct ragd_embed *req,
			struct ragd_embeddings *out, struct ragd_err *err)
{
	return store_embed(((struct hybrid *)self)->store, call, req, out, err);
}

static int hybrid_reindex(void *self, const struct ragd_call *call, const char *collection,
			  struct ragd_err *err)
{
	return store_reindex(((struct hybrid *)self)->store, call, collection, err);
}

static const struct ragd_retrieval_ops hybrid_ops = {
	.size = sizeof(struct ragd_retrieval_ops),
	.collection_put = hybrid_collection_put,
	.collection_remove = hybrid_collection_remove,
	.collections = hybrid_collections,
	.put = hybrid_put,
	.remove = hybrid_remove,
	.list = hybrid_list,
	.get = hybrid_get,
	.search = hybrid_search,
	.stats = hybrid_stats,
	.embed = hybrid_embed,
	.reindex = hybrid_reindex,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_RETRIEVAL,
	.name = "retrieval_hybrid",
	.version = PACKAGE_VERSION,
	.licence = "Apache-2.0",
	.summary = "Finds passages by words (BM25) and by meaning learned from your own documents.",
	.options = hybrid_options,
	.check = hybrid_check,
	.open = hybrid_open,
	.close = hybrid_close,
	.ops = { .retrieval = &hybrid_ops },
};
