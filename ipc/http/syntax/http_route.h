/* Paths to routes: pure functions over the tables of http.h. */
#ifndef IPC_HTTP_ROUTE_H
#define IPC_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/http/http.h"

#define HTTP_SEGMENTS_MAX 8

enum http_match {
	HTTP_MATCH,            /* route and params are set */
	HTTP_MATCH_NO_PATH,    /* 404 */
	HTTP_MATCH_NO_METHOD,  /* 405, allow is set */
	HTTP_MATCH_BAD_ESCAPE, /* 400: not %XX, or %00 */
	HTTP_MATCH_BAD_UTF8,   /* 400 */
};

struct http_matched {
	const struct http_route *route;
	struct ragd_str param[HTTP_PARAM_MAX]; /* in the scratch memory, NUL-terminated */
	size_t n_params;
	char allow[64]; /* "GET, HEAD, PUT" */
};

/*
 * Split path at its slashes, decode each segment into scratch (strlen(path) + 1 bytes; it never
 * grows) and find its route. A slash that was sent as %2F is part of its segment. A HEAD finds the
 * GET route.
 */
enum http_match http_route_match(const struct http_route *const *routes, const char *method,
				 const char *path, char *scratch, struct http_matched *out);

/*
 * Decode %XX of s in place; *len becomes the new length. HTTP_MATCH if the result is UTF-8 without
 * NUL, HTTP_MATCH_BAD_… otherwise.
 */
enum http_match http_unescape(char *s, size_t *len);
/* The same of a value in a query, where a plus is a blank. */
enum http_match http_query_decode(char *s, size_t *len);

#endif
