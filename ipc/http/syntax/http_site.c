#include "ipc/http/syntax/http_site.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* Of a name in DNS, and more than any address has. */
#define HOST_MAX 254

static bool name_listed(const char *const *list, const char *what)
{
	for (; list != NULL && *list != NULL; list++)
		if (strcasecmp(*list, what) == 0)
			return true;
	return false;
}

static bool is_port(const char *s)
{
	size_t len = strspn(s, "0123456789");

	return len <= 5 && s[len] == '\0';
}

/* "[::1]:8080" from behind its bracket. */
static bool is_ipv6(const char *s)
{
	struct in6_addr addr;
	char text[INET6_ADDRSTRLEN];
	size_t len = strcspn(s, "]");

	if (s[len] != ']' || len >= sizeof(text))
		return false;
	memcpy(text, s, len);
	text[len] = '\0';
	s += len + 1;
	return inet_pton(AF_INET6, text, &addr) == 1 &&
	       (*s == '\0' || (*s == ':' && is_port(s + 1)));
}

static bool host_ok(const char *s, const char *const *hosts)
{
	struct in_addr addr;
	char name[HOST_MAX + 1];
	size_t len = strcspn(s, ":");

	if (*s == '\0') /* what a client sends whose URL names none */
		return true;
	if (*s == '[')
		return is_ipv6(s + 1);
	if (len > HOST_MAX || (s[len] == ':' && !is_port(s + len + 1)))
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	if (inet_pton(AF_INET, name, &addr) == 1)
		return true;
	if (len > 0 && name[len - 1] == '.') /* the same name, written to its root */
		name[len - 1] = '\0';
	return strcasecmp(name, "localhost") == 0 || strcasecmp(name, "ragd") == 0 ||
	       name_listed(hosts, name);
}

/* "http://host/path": the host there stands above the header. */
static bool target_ok(const char *target, const char *const *hosts)
{
	const char *s = strstr(target, "://");
	char host[HOST_MAX + 8];
	size_t len;

	if (target[0] == '/' || s == NULL)
		return true;
	s += 3;
	len = strcspn(s, "/?#");
	if (len >= sizeof(host))
		return false;
	memcpy(host, s, len);
	host[len] = '\0';
	return host_ok(host, hosts);
}

enum http_site_result http_site_check(const struct http_site *site, const char *const *hosts,
				      const char *const *origins)
{
	const char *fetch = site->sec_fetch_site;

	if (site->host != NULL && !host_ok(site->host, hosts))
		return HTTP_SITE_HOST;
	if (site->target != NULL && !target_ok(site->target, hosts))
		return HTTP_SITE_HOST;
	if (site->origin != NULL)
		return name_listed(origins, site->origin) ? HTTP_SITE_OK : HTTP_SITE_ORIGIN;
	/* "same-site" is another port of this machine, and so another program's page. */
	if (fetch != NULL && strcasecmp(fetch, "none") != 0 &&
	    strcasecmp(fetch, "same-origin") != 0)
		return HTTP_SITE_ORIGIN;
	return HTTP_SITE_OK;
}
