/* Where a server is: the URL of an endpoint, taken apart. */
#ifndef UPSTREAM_SERVERS_SERVER_URL_H
#define UPSTREAM_SERVERS_SERVER_URL_H

#include <stdbool.h>

#include <ragd/plugin.h>

/* Strings are owned. */
struct server_url {
	char *text;      /* as configured: what logs and errors call the server; holds no secret */
	char *base;      /* "http://host:8000/v1": paths of the API are appended */
	char *origin;    /* "http://host:8000": /health and /healthz are appended */
	char *unix_path; /* NULL: over TCP */
	bool tls;
	bool local; /* a Unix socket or a loopback address: what is sent stays on this machine */
};

/*
 * *out is zeroed. -EINVAL and what is wrong with the text, which is not repeated where it may hold
 * a secret; -ENOMEM. Nothing is left to free then.
 */
int server_url_parse(const char *text, struct server_url *out, struct ragd_err *err);
void server_url_fini(struct server_url *u);

#endif
