#include "daemon/api/api_routes.h"

#include "daemon/api/api_private.h"

#define ROUTE_LOOP(method, path, flags, fn) { method, path, flags, fn, NULL },
#define ROUTE_POOL(method, path, flags, fn)                                                        \
	{ method, path, flags, job_handle, &(const struct job_route){ fn } },

static const struct http_route endpoints[] = { API_ENDPOINTS(ROUTE_LOOP, ROUTE_POOL){ 0 } };

static const struct http_route *const tables[] = { api_chat_routes, api_documents_routes,
						   api_texts_routes, endpoints, NULL };

const struct http_route *const *api_routes(void)
{
	return tables;
}
