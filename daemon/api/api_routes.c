#include "daemon/api/api_routes.h"

#include "daemon/api/api_private.h"

/* No path and method fits two rows, so their order decides nothing: tests/daemon/test_routes.c. */
static const struct http_route *const tables[] = {
	api_chat_routes, api_documents_routes, api_system_routes, api_texts_routes, NULL,
};

const struct http_route *const *api_routes(void)
{
	return tables;
}
