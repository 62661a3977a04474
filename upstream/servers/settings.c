#include "upstream/servers/settings.h"

#include <string.h>

#include "base/util.h"

/* A name that ends up in JSON and in logs. */
static int name_validate(const char *option, const char *name, struct ragd_err *err)
{
	for (const char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return ragd_err_set(err, -EINVAL, "%s: it has a control character", option);
	return strlen(name) <= 256
		       ? 0
		       : ragd_err_set(err, -EINVAL, "%s: longer than 256 bytes", option);
}

static int proxy_validate(const char *proxy, struct ragd_err *err)
{
	static const char *const schemes[] = { "http://",    "https://",  "socks4://",
					       "socks4a://", "socks5://", "socks5h://" };

	if (strcmp(proxy, "none") == 0 || strcmp(proxy, "environment") == 0)
		return 0;
	/* The URL is not repeated: it may hold the secret. */
	if (strchr(proxy, '@') != NULL)
		return ragd_err_set(
			err, -EINVAL,
			"proxy: a URL must not contain a user or a password; put them into "
			"http_proxy of ragd's environment and say proxy = "
			"\"environment\"");
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (strncmp(proxy, schemes[i], strlen(schemes[i])) == 0)
			return 0;
	return ragd_err_set(
		err, -EINVAL,
		"proxy: must be none, environment, or a URL such as http://proxy:3128 or "
		"socks5h://proxy:1080");
}

int settings_validate(const struct settings *s, struct ragd_err *err)
{
	bool tls = false;
	int rc = name_validate("model", s->model, err);

	if (rc == 0)
		rc = name_validate("embed_model", s->embed_model, err);
	if (rc == 0)
		rc = name_validate("rerank_model", s->rerank_model, err);
	if (rc == 0)
		rc = proxy_validate(s->proxy, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < s->n_servers; i++)
		tls |= s->servers[i].url.tls;
	if (!tls && s->tls_ca[0] != '\0')
		return ragd_err_set(err, -EINVAL, "tls_ca: no endpoint begins with https://");
	if (!s->tls_verify && s->tls_ca[0] != '\0')
		return ragd_err_set(err, -EINVAL,
				    "tls_ca and tls_verify = no contradict each other");
	if (s->health == HEALTH_NONE && s->model[0] == '\0')
		return ragd_err_set(err, -EINVAL,
				    "model must be given where health is 'none': nothing else asks "
				    "the servers which they have");
	return 0;
}

void settings_fini(struct settings *s)
{
	for (size_t i = 0; i < s->n_servers; i++)
		server_url_fini(&s->servers[i].url);
	s->n_servers = 0;
}
