/*
 * Does a request come from a program of this machine, or from a web page through a browser and a
 * forwarder of the socket to TCP? Programs send no Origin and name no foreign host; browsers cannot
 * help doing so. Pure functions.
 */
#ifndef IPC_HTTP_SITE_H
#define IPC_HTTP_SITE_H

#include <stdbool.h>
#include <stddef.h>

/* A request's headers, NULL where there is none, and its target, which may name a host, too. */
struct http_site {
	const char *host;           /* Host */
	const char *target;         /* the target as it was sent */
	const char *origin;         /* Origin */
	const char *sec_fetch_site; /* Sec-Fetch-Site */
};

enum http_site_result {
	HTTP_SITE_OK,
	HTTP_SITE_HOST,   /* the host is a domain that is neither localhost, ragd nor allowed */
	HTTP_SITE_ORIGIN, /* the request is another site's */
};

/*
 * hosts (names without port) and origins ("https://chat.example.org") are allowed besides the usual
 * ones; NULL-ended, or NULL. IP addresses are good hosts: only a name can be made to point here by
 * whoever owns it.
 */
enum http_site_result http_site_check(const struct http_site *site, const char *const *hosts,
				      const char *const *origins);

#endif
