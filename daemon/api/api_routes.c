#include "daemon/api/api_routes.h"

#include "base/util.h"
#include "daemon/api/api_private.h"

#define ROUTE_LOOP(method, path, flags, fn) { method, path, flags, fn, NULL },
#define ROUTE_POOL(method, path, flags, fn)                                                        \
	{ method, path, flags, job_handle, &(const struct job_route){ fn } },

static const struct http_route routes[] = { API_ENDPOINTS(ROUTE_LOOP, ROUTE_POOL) };

const struct http_route *api_routes(size_t *n)
{
	*n = ARRAY_LEN(routes);
	return routes;
}
