#include "plugins/inference_upstream/options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* clang-format off */
const struct ragd_option upstream_options[] = {
	{ "endpoints", RAGD_OPT_LIST, "", 0, 0, NULL,
	  "Servers that speak the OpenAI API: http://host:port, https://host, or "
	  "unix:/path of a socket.", false },
	{ "weights", RAGD_OPT_LIST, "", 0, 0, NULL,
	  "A whole number from 1 to 100 for each endpoint: its share of the requests. "
	  "If empty: equal shares.", false },
	{ "model", RAGD_OPT_STRING, "", 0, 0, NULL,
	  "Name of the model to ask for. If empty: the first that the server lists.", false },
	{ "embed_model", RAGD_OPT_STRING, "", 0, 0, NULL,
	  "Name of the model that embeds. Without: as model.", false },
	{ "query_prefix", RAGD_OPT_STRING, "", 0, 0, NULL,
	  "What is put before what is searched for, if that model was trained so.", true },
	{ "passage_prefix", RAGD_OPT_STRING, "", 0, 0, NULL,
	  "What is put before what is to be found.", true },
	{ "rerank_model", RAGD_OPT_STRING, "", 0, 0, NULL,
	  "Name of the model that ranks passages (/v1/rerank). Without: as model.", false },
	{ "rerank_scores", RAGD_OPT_CHOICE, "probability", 0, 0, "probability|logit",
	  "What that model's scores are: 0 to 1, or any number (llama-server).", true },
	{ "api_key_file", RAGD_OPT_PATH, "", 0, 0, NULL,
	  "A file with the key that the servers ask for, on one line. Others must not be "
	  "able to read it. It is read again when it changes.", false },
	{ "tls_ca", RAGD_OPT_PATH, "", 0, 0, NULL,
	  "A file of certificates (PEM) to trust instead of the system's.", false },
	{ "tls_verify", RAGD_OPT_BOOL, "yes", 0, 0, NULL,
	  "Whether a server's certificate must be valid and match its name.", false },
	{ "proxy", RAGD_OPT_STRING, "none", 0, 0, NULL,
	  "none, environment (what http_proxy and the like say), or the URL of a proxy.", false },
	{ "max_requests", RAGD_OPT_INT, "64", 1, 4096, NULL,
	  "Requests to all servers at one time. Beyond it: 503.", true },
	{ "connect_timeout", RAGD_OPT_DURATION, "5 s", 1, 600000, NULL,
	  "Time to connect, TLS included.", true },
	{ "first_token_timeout", RAGD_OPT_DURATION, "60 s", 1, 86400000, NULL,
	  "Time until the first token, including the server's queue and reading the "
	  "prompt.", true },
	{ "token_timeout", RAGD_OPT_DURATION, "30 s", 1, 86400000, NULL,
	  "Time between two tokens.", true },
	{ "retries", RAGD_OPT_INT, "2", 0, 10, NULL,
	  "How often to try all endpoints again when each of them failed or was busy.", true },
	{ "retry_delay", RAGD_OPT_DURATION, "250 ms", 1, 60000, NULL,
	  "Time before the first retry, doubled for each further one; half of it is "
	  "random.", true },
	{ "retry_after_max", RAGD_OPT_DURATION, "10 s", 0, 3600000, NULL,
	  "Longest wait that a busy server may ask for (Retry-After) before the request "
	  "fails instead.", true },
	{ "health", RAGD_OPT_CHOICE, "models", 0, 0, "models|health|healthz|none",
	  "How to check a server: by asking for /v1/models, /health or /healthz, or not at "
	  "all.", true },
	{ "health_interval", RAGD_OPT_DURATION, "15 s", 10, 3600000, NULL,
	  "Time between two checks of a server that is up, give or take a fifth.", true },
	{ "failures", RAGD_OPT_INT, "3", 1, 100, NULL,
	  "Failures in a row after which a server counts as down.", true },
	{ "down_time", RAGD_OPT_DURATION, "2 s", 10, 3600000, NULL,
	  "Time until a server that is down is tried again, doubled each time up to 16 "
	  "times as long.", true },
	{ "embed_batch", RAGD_OPT_INT, "64", 1, 2048, NULL,
	  "Texts to embed in one request.", true },
	{ "extended_sampling", RAGD_OPT_BOOL, "yes", 0, 0, NULL,
	  "Also send min_p and top_k, which vLLM, SGLang and llama-server accept and "
	  "stricter services refuse.", true },
	{ "cache_salt", RAGD_OPT_BOOL, "no", 0, 0, NULL,
	  "Send cache_salt, which differs from user to user, so that vLLM shares no cached "
	  "text between users.", true },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};
/* clang-format on */

static int servers_read(const char *const *list, struct settings *s, struct ragd_err *err)
{
	int rc;

	for (; list[s->n_servers] != NULL; s->n_servers++) {
		if (s->n_servers == SETTINGS_SERVERS_MAX)
			return ragd_err_set(err, -EINVAL, "endpoints: at most %d",
					    SETTINGS_SERVERS_MAX);
		for (size_t i = 0; i < s->n_servers; i++)
			if (strcmp(list[i], list[s->n_servers]) == 0)
				return ragd_err_set(err, -EINVAL,
						    "endpoints: '%.80s' is listed twice; give "
						    "it a weight instead",
						    list[i]);
		rc = server_url_parse(list[s->n_servers], &s->servers[s->n_servers].url, err);
		if (rc < 0)
			return rc;
		s->servers[s->n_servers].weight = 1;
	}
	if (s->n_servers == 0)
		return ragd_err_set(err, -EINVAL,
				    "endpoints: name at least one server, as http://host:port or "
				    "unix:/path");
	return 0;
}

static int weights_read(const char *const *list, struct settings *s, struct ragd_err *err)
{
	size_t n = 0;
	char *end;
	long v;

	while (list[n] != NULL)
		n++;
	if (n != 0 && n != s->n_servers)
		return ragd_err_set(err, -EINVAL,
				    "weights: %zu for %zu endpoints; give each one or none", n,
				    s->n_servers);
	for (size_t i = 0; i < n; i++) {
		v = strtol(list[i], &end, 10);
		if (!isdigit((unsigned char)list[i][0]) || *end != '\0' || v < 1 ||
		    v > SETTINGS_WEIGHT_MAX)
			return ragd_err_set(err, -EINVAL,
					    "weights: '%.40s' is not a whole number from 1 to %d",
					    list[i], SETTINGS_WEIGHT_MAX);
		s->servers[i].weight = (unsigned)v;
	}
	return 0;
}

static enum health_kind health_of(const char *word)
{
	static const char *const words[] = {
		[HEALTH_MODELS] = "models",
		[HEALTH_HEALTH] = "health",
		[HEALTH_HEALTHZ] = "healthz",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return (enum health_kind)i;
	return HEALTH_NONE;
}

int options_read(const struct ragd_config *cfg, struct settings *out, struct ragd_err *err)
{
	struct settings *s = out;
	int rc;

	*s = (struct settings){
		.model = ragd_config_get(cfg, "model")->s,
		.embed_model = ragd_config_get(cfg, "embed_model")->s,
		.rerank_model = ragd_config_get(cfg, "rerank_model")->s,
		.rerank_logits = strcmp(ragd_config_get(cfg, "rerank_scores")->s, "logit") == 0,
		.query_prefix = ragd_config_get(cfg, "query_prefix")->s,
		.passage_prefix = ragd_config_get(cfg, "passage_prefix")->s,
		.api_key_file = ragd_config_get(cfg, "api_key_file")->s,
		.tls_ca = ragd_config_get(cfg, "tls_ca")->s,
		.tls_verify = ragd_config_get(cfg, "tls_verify")->b,
		.proxy = ragd_config_get(cfg, "proxy")->s,
		.extended = ragd_config_get(cfg, "extended_sampling")->b,
		.cache_salt = ragd_config_get(cfg, "cache_salt")->b,
		.max_requests = (unsigned)ragd_config_get(cfg, "max_requests")->i,
		.embed_batch = (unsigned)ragd_config_get(cfg, "embed_batch")->i,
		.retries = (unsigned)ragd_config_get(cfg, "retries")->i,
		.retry_delay_ms = ragd_config_get(cfg, "retry_delay")->i,
		.retry_after_max_ms = ragd_config_get(cfg, "retry_after_max")->i,
		.connect_ms = ragd_config_get(cfg, "connect_timeout")->i,
		.first_token_ms = ragd_config_get(cfg, "first_token_timeout")->i,
		.token_ms = ragd_config_get(cfg, "token_timeout")->i,
		.health = health_of(ragd_config_get(cfg, "health")->s),
		.health_interval_ms = ragd_config_get(cfg, "health_interval")->i,
		.failures = (unsigned)ragd_config_get(cfg, "failures")->i,
		.down_ms = ragd_config_get(cfg, "down_time")->i,
	};
	rc = servers_read(ragd_config_get(cfg, "endpoints")->list, s, err);
	if (rc == 0)
		rc = weights_read(ragd_config_get(cfg, "weights")->list, s, err);
	return rc == 0 ? settings_validate(s, err) : rc;
}
