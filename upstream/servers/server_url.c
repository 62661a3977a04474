#include "upstream/servers/server_url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <curl/curl.h>

#include "base/util.h"

#define UNIX_SCHEME "unix:"

void server_url_fini(struct server_url *u)
{
	free(u->text);
	free(u->base);
	free(u->origin);
	free(u->unix_path);
	*u = (struct server_url){ 0 };
}

static int url_no_memory(struct ragd_err *err)
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

static int url_parse_unix(const char *text, struct server_url *out, struct ragd_err *err)
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
	return out->unix_path != NULL && out->origin != NULL && out->base != NULL
		       ? 0
		       : url_no_memory(err);
}

/* What may not stand in an endpoint's URL: a secret would be logged with it. */
static int url_validate(CURLU *u, struct ragd_err *err)
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

static int url_fill(CURLU *u, struct server_url *out, struct ragd_err *err)
{
	char *scheme = NULL, *host = NULL, *path = NULL, *origin = NULL;
	size_t len;
	int rc;

	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PATH, &path, 0) != CURLUE_OK ||
	    curl_url_set(u, CURLUPART_PATH, "/", 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_URL, &origin, 0) != CURLUE_OK) {
		rc = url_no_memory(err);
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
	rc = out->base != NULL && out->origin != NULL ? 0 : url_no_memory(err);
out:
	curl_free(scheme);
	curl_free(host);
	curl_free(path);
	curl_free(origin);
	return rc;
}

static int url_parse_http(const char *text, struct server_url *out, struct ragd_err *err)
{
	CURLU *u = curl_url();
	int rc;

	if (u == NULL)
		return url_no_memory(err);
	if ((strncasecmp(text, "http://", 7) != 0 && strncasecmp(text, "https://", 8) != 0) ||
	    curl_url_set(u, CURLUPART_URL, text, 0) != CURLUE_OK)
		rc = ragd_err_set(err, -EINVAL,
				  "endpoints: '%.80s' is not http://host:port, https://host:port "
				  "or unix:/path",
				  strchr(text, '@') != NULL ? "…" : text);
	else if ((rc = url_validate(u, err)) == 0)
		rc = url_fill(u, out, err);
	curl_url_cleanup(u);
	return rc;
}

int server_url_parse(const char *text, struct server_url *out, struct ragd_err *err)
{
	int rc = strncmp(text, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0
			 ? url_parse_unix(text, out, err)
			 : url_parse_http(text, out, err);

	if (rc == 0) {
		out->text = strdup(text);
		rc = out->text != NULL ? 0 : url_no_memory(err);
	}
	if (rc < 0)
		server_url_fini(out);
	return rc;
}
