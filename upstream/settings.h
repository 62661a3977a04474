/*
 * The options of one instance, judged together: which servers, how patient, how many at once.
 */
#ifndef UPSTREAM_SETTINGS_H
#define UPSTREAM_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

#define SETTINGS_ENDPOINTS_MAX 32
#define SETTINGS_WEIGHT_MAX    100

/* One server. Strings are owned. */
struct place {
	char *url;       /* as configured: what logs and errors call it; holds no secret */
	char *base;      /* "http://host:8000/v1": paths of the API are appended */
	char *origin;    /* "http://host:8000": /health and /healthz are appended */
	char *unix_path; /* NULL: over TCP */
	unsigned weight; /* 1 .. SETTINGS_WEIGHT_MAX */
	bool tls;
	bool local; /* a Unix socket or a loopback address: what is sent stays on this machine */
};

enum health_kind {
	HEALTH_MODELS,  /* GET /v1/models */
	HEALTH_HEALTH,  /* GET /health: vLLM, SGLang, llama-server */
	HEALTH_HEALTHZ, /* GET /healthz: ragd */
	HEALTH_NONE,    /* by what happens to requests alone */
};

/* Other strings are the configuration's; "" is unset. */
struct settings {
	struct place places[SETTINGS_ENDPOINTS_MAX];
	size_t n_places;
	const char *model; /* "": the first that the server lists */
	const char *embed_model;
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

extern const struct ragd_option settings_options[];

/* -EINVAL and what does not hold, -ENOMEM. settings_fini takes what either left behind. */
int settings_read(const struct ragd_config *cfg, struct settings *out, struct ragd_err *err);
void settings_fini(struct settings *s);

#endif
