/* What one instance is set to: which servers, how patient, how many at once. */
#ifndef UPSTREAM_SERVERS_SETTINGS_H
#define UPSTREAM_SERVERS_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "upstream/servers/server_url.h"

#define SETTINGS_SERVERS_MAX 32
#define SETTINGS_WEIGHT_MAX  100

struct settings_server {
	struct server_url url;
	unsigned weight; /* 1 .. SETTINGS_WEIGHT_MAX */
};

enum health_kind {
	HEALTH_MODELS,  /* GET /v1/models */
	HEALTH_HEALTH,  /* GET /health: vLLM, SGLang, llama-server */
	HEALTH_HEALTHZ, /* GET /healthz: ragd */
	HEALTH_NONE,    /* by what happens to requests alone */
};

/* Other strings are the configuration's; "" is unset. */
struct settings {
	struct settings_server servers[SETTINGS_SERVERS_MAX];
	size_t n_servers;
	const char *model; /* "": the first that the server lists */
	const char *embed_model;
	const char *rerank_model;
	bool rerank_logits; /* scores of passages are logits, not probabilities */
	const char *query_prefix, *passage_prefix;
	const char *api_key_file;
	const char *tls_ca;
	bool tls_verify;
	const char *proxy;
	bool extended;   /* min_p and top_k are sent */
	bool cache_salt; /* is sent */

	unsigned max_requests;
	unsigned embed_batch;
	unsigned retries;
	int64_t retry_delay_ms;
	int64_t retry_after_max_ms;

	int64_t connect_ms;
	int64_t first_token_ms;
	int64_t token_ms;

	enum health_kind health;
	int64_t health_interval_ms;
	unsigned failures; /* in a row, after which a server counts as down */
	int64_t down_ms;
};

/* Whether they go together: -EINVAL and what does not. */
int settings_validate(const struct settings *s, struct ragd_err *err);
void settings_fini(struct settings *s);

#endif
