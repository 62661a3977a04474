#include "upstream/settings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <curl/curl.h>

#include "base/util.h"

#define UNIX_SCHEME "unix:"

/* clang-format off */
const struct ragd_option settings_options[] = {
	{ "endpoints", RAGD_OPT_LIST, "", 0, 0, NULL,
	  "Servers that speak the OpenAI API: http://host:port, https://host, or unix:/path of a socket.", false },
	{ "weights", RAGD_OPT_LIST, "", 0, 0, NULL,
	  "A whole number from 1 to 100 for each endpoint: its share of the requests. Without: equal shares.", false },
	{ "model", RAGD_OPT_STRING, "", 0, 0, NULL,
	  "Name of the model to ask for. Without: the first that the server lists.", false },
	{ "embed_model", RAGD_OPT_STRING, "", 0, 0, NULL,
	  "Name of the model that embeds. Without: as model.", false },
	{ "api_key_file", RAGD_OPT_PATH, "", 0, 0, NULL,
	  "A file with the key that the servers ask for, on one line, that others may not read. Read again when it changes.", false },
	{ "tls_ca", RAGD_OPT_PATH, "", 0, 0, NULL,
	  "A file of certificates (PEM) to trust instead of the system's.", false },
	{ "tls_verify", RAGD_OPT_BOOL, "yes", 0, 0, NULL,
	  "Whether a server's certificate must be valid and its own.", false },
	{ "proxy", RAGD_OPT_STRING, "none", 0, 0, NULL,
	  "none, environment (what http_proxy and its like say), or the URL of a proxy.", false },
	{ "max_requests", RAGD_OPT_INT, "64", 1, 4096, NULL,
	  "Requests at the servers at once. Beyond it: 503.", true },
	{ "connect_timeout", RAGD_OPT_DURATION, "5 s", 1, 600000, NULL,
	  "Time to connect, TLS included.", true },
	{ "first_token_timeout", RAGD_OPT_DURATION, "60 s", 1, 86400000, NULL,
	  "Time until the first token, queue and reading of the prompt included.", true },
	{ "token_timeout", RAGD_OPT_DURATION, "30 s", 1, 86400000, NULL,
	  "Time between two tokens.", true },
	{ "retries", RAGD_OPT_INT, "2", 0, 10, NULL,
	  "How often to go round the endpoints again when all of them failed or were busy.", true },
	{ "retry_delay", RAGD_OPT_DURATION, "250 ms", 1, 60000, NULL,
	  "Time before the first of these rounds, doubled for each further one; half of it is chance.", true },
	{ "retry_after_max", RAGD_OPT_DURATION, "10 s", 0, 3600000, NULL,
	  "Longest wait that a busy server may ask for (Retry-After) before the request fails instead.", true },
	{ "health", RAGD_OPT_CHOICE, "models", 0, 0, "models|health|healthz|none",
	  "How a server is asked whether it is well: GET /v1/models, /health, /healthz, or not at all.", true },
	{ "health_interval", RAGD_OPT_DURATION, "15 s", 10, 3600000, NULL,
	  "Time between two such checks of a server that is well, a fifth more or less.", true },
	{ "failures", RAGD_OPT_INT, "3", 1, 100, NULL,
	  "Failures in a row after which a server counts as down.", true },
	{ "down_time", RAGD_OPT_DURATION, "2 s", 10, 3600000, NULL,
	  "Time until a server that is down is tried again, doubled each time up to 16 times as long.", true },
	{ "embed_batch", RAGD_OPT_INT, "64", 1, 2048, NULL,
	  "Texts to embed in one request.", true },
	{ "extended_sampling", RAGD_OPT_BOOL, "yes", 0, 0, NULL,
	  "Send min_p and top_k too, which vLLM, SGLang and llama-server know and stricter services refuse.", true },
	{ "cache_salt", RAGD_OPT_BOOL, "no", 0, 0, NULL,
	  "Send cache_salt, which differs from user to user, so that vLLM shares nothing that it has read between them.", true },
	{ NULL, RAGD_OPT_BOOL, NULL, 0, 0, NULL, NULL, false },
};
/* clang-format on */

/* ---- one endpoint -------------------------------------------------------------------------- */

static int no_memory(struct ragd_err *err)
{
	return ragd_err_set(err, -ENOMEM, "endpoints: out of memory");
}

static bool is_loopback(const char *host)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

/* Whether the path already ends with the version of an API, as "/v1" or "/openai/v2/" do. */
static bool path_has_version(const char *path, size_t len)
{
	size_t at = len;

	while (at > 0 && isdigit((unsigned char)path[at - 1]))
		at--;
	return at < len && at >= 2 && path[at - 1] == 'v' && path[at - 2] == '/';
}

static int place_unix(const char *text, struct place *out, struct ragd_err *err)
{
	const char *path = text + strlen(UNIX_SCHEME);

	if (path[0] != '/')
		return ragd_err_set(err, -EINVAL,
				    "endpoints: '%.80s': a socket's path begins with a slash: "
				    "unix:/run/server.sock",
				    text);
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return ragd_err_set(err, -EINVAL,
				    "endpoints: '%.80s…': a socket's path has at most %zu bytes",
				    text, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	out->unix_path = strdup(path);
	out->origin = strdup("http://localhost");
	out->base = strdup("http://localhost/v1");
	out->local = true;
	return out->unix_path != NULL && out->origin != NULL && out->base != NULL ? 0
										  : no_memory(err);
}

/* What may not stand in an endpoint's URL: a secret would be logged with it. */
static int url_judge(CURLU *u, struct ragd_err *err)
{
	static const struct {
		CURLUPart part;
		const char *why;
	} rows[] = {
		{ CURLUPART_USER, "a URL holds no user; put a key into api_key_file" },
		{ CURLUPART_PASSWORD, "a URL holds no password; put a key into api_key_file" },
		{ CURLUPART_QUERY, "a URL of an endpoint ends with its path, without '?'" },
		{ CURLUPART_FRAGMENT, "a URL of an endpoint ends with its path, without '#'" },
	};
	char *part;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		part = NULL;
		if (curl_url_get(u, rows[i].part, &part, 0) != CURLUE_OK || part == NULL)
			continue;
		curl_free(part);
		/* the URL is not repeated: it may hold the secret */
		return ragd_err_set(err, -EINVAL, "endpoints: %s", rows[i].why);
	}
	return 0;
}

static int url_fill(CURLU *u, struct place *out, struct ragd_err *err)
{
	char *scheme = NULL, *host = NULL, *path = NULL, *origin = NULL;
	size_t len;
	int rc;

	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PATH, &path, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_PATH, "/", 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_URL, &origin, 0) != CURLUE_OK) {
		rc = no_memory(err);
		goto out;
	}
	out->tls = strcmp(scheme, "https") == 0;
	out->local = is_loopback(host);
	origin[strlen(origin) - 1] = '\0'; /* its path is "/" */
	for (len = strlen(path); len > 0 && path[len - 1] == '/'; len--)
		;
	if (asprintf(&out->base, "%s%.*s%s", origin, (int)len, path,
		     path_has_version(path, len) ? "" : "/v1") < 0)
		out->base = NULL;
	out->origin = strdup(origin);
	rc = out->base != NULL && out->origin != NULL ? 0 : no_memory(err);
out:
	curl_free(scheme);
	curl_free(host);
	curl_free(path);
	curl_free(origin);
	return rc;
}

static int place_url(const char *text, struct place *out, struct ragd_err *err)
{
	CURLU *u = curl_url();
	int rc;

	if (u == NULL)
		return no_memory(err);
	if ((strncasecmp(text, "http://", 7) != 0 && strncasecmp(text, "https://", 8) != 0) ||
	    curl_url_set(u, CURLUPART_URL, text, 0) != CURLUE_OK)
		rc = ragd_err_set(err, -EINVAL,
				  "endpoints: '%.80s' is none of http://host:port, "
				  "https://host:port and unix:/path",
				  strchr(text, '@') != NULL ? "…" : text);
	else if ((rc = url_judge(u, err)) == 0)
		rc = url_fill(u, out, err);
	curl_url_cleanup(u);
	return rc;
}

static int place_read(const char *text, struct place *out, struct ragd_err *err)
{
	int rc = strncmp(text, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0 ? place_unix(text, out, err)
								      : place_url(text, out, err);

	if (rc < 0)
		return rc;
	out->weight = 1;
	out->url = strdup(text);
	return out->url != NULL ? 0 : no_memory(err);
}

/* ---- all together -------------------------------------------------------------------------- */

static int places_read(const char *const *list, struct settings *s, struct ragd_err *err)
{
	int rc;

	for (; list[s->n_places] != NULL; s->n_places++) {
		if (s->n_places == SETTINGS_ENDPOINTS_MAX)
			return ragd_err_set(err, -EINVAL, "endpoints: at most %d",
					    SETTINGS_ENDPOINTS_MAX);
		rc = place_read(list[s->n_places], &s->places[s->n_places], err);
		if (rc < 0) {
			s->n_places++; /* what it has by now is to be freed */
			return rc;
		}
		for (size_t i = 0; i < s->n_places; i++)
			if (strcmp(list[i], list[s->n_places]) == 0) {
				s->n_places++;
				return ragd_err_set(err, -EINVAL,
						    "endpoints: '%.80s' stands there twice; give "
						    "it a weight instead",
						    list[i]);
			}
	}
	if (s->n_places == 0)
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
	if (n != 0 && n != s->n_places)
		return ragd_err_set(err, -EINVAL,
				    "weights: %zu for %zu endpoints; give each one or none", n,
				    s->n_places);
	for (size_t i = 0; i < n; i++) {
		v = strtol(list[i], &end, 10);
		if (!isdigit((unsigned char)list[i][0]) || *end != '\0' || v < 1 ||
		    v > SETTINGS_WEIGHT_MAX)
			return ragd_err_set(err, -EINVAL,
					    "weights: '%.40s' is not a whole number from 1 to %d",
					    list[i], SETTINGS_WEIGHT_MAX);
		s->places[i].weight = (unsigned)v;
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

/* A name that ends up in JSON and in logs. */
static int name_judge(const char *option, const char *name, struct ragd_err *err)
{
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return ragd_err_set(err, -EINVAL, "%s: it has a control character", option);
	return strlen(name) <= 256
		       ? 0
		       : ragd_err_set(err, -EINVAL, "%s: longer than 256 bytes", option);
}

static int proxy_judge(const char *proxy, struct ragd_err *err)
{
	static const char *const schemes[] = { "http://",    "https://",  "socks4://",
					       "socks4a://", "socks5://", "socks5h://" };

	if (strcmp(proxy, "none") == 0 || strcmp(proxy, "environment") == 0)
		return 0;
	/* The URL is not repeated: it may hold the secret. */
	if (strchr(proxy, '@') != NULL)
		return ragd_err_set(err, -EINVAL,
				    "proxy: a URL holds no user and no password; put them into "
				    "http_proxy of ragd's environment and say proxy = "
				    "\"environment\"");
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (strncmp(proxy, schemes[i], strlen(schemes[i])) == 0)
			return 0;
	return ragd_err_set(err, -EINVAL,
			    "proxy: none, environment, or a URL as http://proxy:3128 or "
			    "socks5h://proxy:1080");
}

static int judge(const struct settings *s, const struct ragd_config *cfg, struct ragd_err *err)
{
	bool tls = false;
	int rc = name_judge("model", s->model, err);

	if (rc == 0)
		rc = name_judge("embed_model", s->embed_model, err);
	if (rc == 0)
		rc = proxy_judge(s->proxy, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < s->n_places; i++)
		tls |= s->places[i].tls;
	if (!tls && s->tls_ca[0] != '\0')
		return ragd_err_set(err, -EINVAL, "tls_ca: no endpoint begins with https://");
	if (!s->tls_verify && s->tls_ca[0] != '\0')
		return ragd_err_set(err, -EINVAL,
				    "tls_ca and tls_verify = no contradict each other");
	if (s->health == HEALTH_NONE && s->model[0] == '\0')
		return ragd_err_set(err, -EINVAL,
				    "model must be given where health is '%s': nobody asks the "
				    "servers which they have",
				    ragd_config_get(cfg, "health")->s);
	return 0;
}

int settings_read(const struct ragd_config *cfg, struct settings *out, struct ragd_err *err)
{
	struct settings *s = out;
	int rc;

	*s = (struct settings){
		.model = ragd_config_get(cfg, "model")->s,
		.embed_model = ragd_config_get(cfg, "embed_model")->s,
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
	rc = places_read(ragd_config_get(cfg, "endpoints")->list, s, err);
	if (rc == 0)
		rc = weights_read(ragd_config_get(cfg, "weights")->list, s, err);
	return rc == 0 ? judge(s, cfg, err) : rc;
}

void settings_fini(struct settings *s)
{
	for (size_t i = 0; i < s->n_places; i++) {
		free(s->places[i].url);
		free(s->places[i].base);
		free(s->places[i].origin);
		free(s->places[i].unix_path);
	}
	s->n_places = 0;
}
