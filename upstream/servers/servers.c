#include "upstream/servers/servers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file/trusted.h"
#include "base/text/utf8.h"
#include "base/util.h"

void servers_count(const struct servers *v, const char *name, uint64_t n)
{
	v->host->count(v->host, name, n);
}

/* A key that cannot be read leaves the old one in use, and one line in the log. */
static void key_refresh(struct servers *v)
{
	struct ragd_err err = { 0 };
	int rc = keyfile_refresh(&v->key, &err);

	if (rc < 0)
		v->host->log(v->host, RAGD_LOG_WARN, "%s; the key stays as it was", err.msg);
	else if (rc > 0)
		v->host->log(v->host, RAGD_LOG_INFO, "api_key_file '%s' was read again",
			     v->key.path);
}

struct exchange_request servers_request(struct servers *v, size_t i, const char *url)
{
	const struct settings *s = &v->settings;

	key_refresh(v);
	return (struct exchange_request){
		.url = url,
		.unix_path = s->servers[i].url.unix_path,
		.key = v->key.key,
		.proxy = s->proxy,
		.tls_ca = s->tls_ca,
		.tls_verify = s->tls_verify,
		.connect_ms = s->connect_ms,
	};
}

int servers_clean(const struct servers *v, struct ragd_err *err)
{
	keyfile_hide(&v->key, err->msg);
	err->msg[utf8_whole(err->msg, strlen(err->msg))] = '\0';
	return err->code;
}

static void servers_tell_health(struct servers *v)
{
	v->host->gauge(v->host, "healthy_endpoints",
		       (double)endpoint_n_up(v->endpoints, v->settings.n_servers));
}

void servers_ok(struct servers *v, size_t i)
{
	if (!endpoint_ok(&v->endpoints[i]))
		return;
	servers_tell_health(v);
	v->host->log(v->host, RAGD_LOG_INFO, "server '%s' is up", v->settings.servers[i].url.text);
}

void servers_failed(struct servers *v, size_t i, bool at_once, const struct ragd_err *why)
{
	struct ragd_err err = *why;
	bool down = endpoint_failed(&v->endpoints[i], &v->rules, at_once, clock_ms());

	servers_clean(v, &err);
	servers_count(v, "endpoint_failures", 1);
	v->host->log(v->host, down ? RAGD_LOG_WARN : RAGD_LOG_DEBUG, "server '%s' %s: %s",
		     v->settings.servers[i].url.text, down ? "is down" : "failed", err.msg);
	if (down)
		servers_tell_health(v);
}

void servers_learn(struct servers *v, const struct reply_models *models)
{
	const char *name = v->settings.model[0] != '\0' ? v->settings.model : models->first;

	if (atomic_load(&v->card_known))
		return;
	snprintf(v->card_name, sizeof(v->card_name), "%s", name);
	v->card = v->first_card;
	v->card.name = v->card_name;
	v->card.n_parameters = models->n_parameters;
	v->card.n_context = models->n_context;
	atomic_store(&v->card_known, true);
	v->host->log(v->host, RAGD_LOG_INFO, "the model is '%s'", v->card_name);
}

static void card_init(struct servers *v)
{
	bool leaves = false;

	for (size_t i = 0; i < v->settings.n_servers; i++)
		leaves |= !v->settings.servers[i].url.local;
	v->first_card = (struct ragd_card){
		.name = v->settings.model[0] != '\0' ? v->settings.model : "upstream",
		.summary = leaves ? "A model on another machine: questions, and the passages they "
				    "are answered from, are sent there."
				  : "A model that another program on this machine runs.",
	};
}

/* A key in plain text on a network is known to whoever listens. */
static void warn_plain(const struct servers *v)
{
	for (size_t i = 0; i < v->settings.n_servers; i++)
		if (v->key.key[0] != '\0' && !v->settings.servers[i].url.local &&
		    !v->settings.servers[i].url.tls)
			v->host->log(v->host, RAGD_LOG_WARN,
				     "server '%s': the key crosses the network in plain text; use "
				     "https",
				     v->settings.servers[i].url.text);
	if (!v->settings.tls_verify)
		v->host->log(v->host, RAGD_LOG_WARN,
			     "tls_verify = no: anybody may pretend to be a server");
}

void servers_announce(struct servers *v)
{
	warn_plain(v);
	servers_tell_health(v);
	v->host->gauge(v->host, "endpoints", (double)v->settings.n_servers);
	v->host->gauge(v->host, "active_requests", 0);
}

void servers_salt(const struct servers *v, const struct ragd_call *call, char out[DIGEST_HEX + 1])
{
	uint8_t text[sizeof(v->secret) + sizeof(uint64_t)];
	uint64_t who = call->caller != NULL ? call->caller->uid : UINT64_MAX;

	memcpy(text, v->secret, sizeof(v->secret));
	memcpy(text + sizeof(v->secret), &who, sizeof(who));
	digest_hex(text, sizeof(text), out);
}

/*
 * curl opens the file by its path, again and again. So nobody else may be able to put another
 * there: whoever chooses the authorities chooses the servers that are believed.
 */
static int authorities_check(const char *path, struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	struct trusted_file file;
	int rc;

	if (path[0] == '\0')
		return 0;
	rc = trusted_walk(path, &file, &why);
	if (rc < 0)
		return ragd_err_set(err, rc, "tls_ca: %s", why.msg);
	close(file.fd);
	return 0;
}

void servers_card(const struct servers *v, struct ragd_card *out)
{
	*out = atomic_load(&v->card_known) ? v->card : v->first_card;
}

int servers_init(struct servers *v, const struct ragd_host *host, struct settings *settings,
		 struct ragd_err *err)
{
	int rc;

	v->host = host;
	v->settings = *settings;
	settings->n_servers = 0; /* they are ours now */
	v->rules = (struct endpoint_rules){
		.failures = v->settings.failures,
		.down_ms = v->settings.down_ms,
		.probed = v->settings.health != HEALTH_NONE,
		.need_list = v->settings.model[0] == '\0',
	};
	for (size_t i = 0; i < v->settings.n_servers; i++)
		v->endpoints[i].weight = v->settings.servers[i].weight;
	keyfile_init(&v->key, v->settings.api_key_file);
	if (getrandom(v->secret, sizeof(v->secret), 0) < 0)
		abort(); /* cannot fail for so few bytes once the system has booted */
	if (getrandom(&v->random, sizeof(v->random), GRND_NONBLOCK) < 0)
		v->random = (uint64_t)clock_us();
	card_init(v);
	rc = authorities_check(v->settings.tls_ca, err);
	if (rc == 0)
		rc = keyfile_refresh(&v->key, err);
	return MIN(rc, 0);
}

void servers_fini(struct servers *v)
{
	keyfile_fini(&v->key);
	settings_fini(&v->settings);
}
