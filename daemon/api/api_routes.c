#include "daemon/api/api_routes.h"

#include "base/util.h"
#include "daemon/api/api_private.h"

/* clang-format off */
static const struct http_route routes[] = {
	{ "POST",   "/v1/chat/completions",                    api_chat,              0                },
	{ "GET",    "/v1/models",                              api_models,            0                },
	{ "GET",    "/v1/models/{}",                           api_model,             0                },
	{ "POST",   "/v1/embeddings",                          api_embeddings,        0                },
	{ "POST",   "/v1/moderations",                         api_moderations,       0                },
	{ "GET",    "/v1/collections",                         api_collections,       0                },
	{ "PUT",    "/v1/collections/{}",                      api_collection_put,    0                },
	{ "GET",    "/v1/collections/{}",                      api_collection_get,    0                },
	{ "DELETE", "/v1/collections/{}",                      api_collection_remove, 0                },
	{ "GET",    "/v1/collections/{}/documents",            api_documents,         0                },
	{ "POST",   "/v1/collections/{}/documents",            api_documents_add,     0                },
	{ "PUT",    "/v1/collections/{}/documents/{}",         api_document_put,      0                },
	{ "GET",    "/v1/collections/{}/documents/{}",         api_document_get,      0                },
	{ "DELETE", "/v1/collections/{}/documents/{}",         api_document_remove,   0                },
	{ "GET",    "/v1/collections/{}/documents/{}/content", api_document_content,  0                },
	{ "POST",   "/v1/search",                              api_search,            0                },
	{ "POST",   "/v1/feedback",                            api_feedback,          0                },
	{ "GET",    "/v1/feedback/export",                     api_feedback_export,   HTTP_ROUTE_ADMIN },
	{ "GET",    "/v1/system-card",                         api_system_card,       0                },
	{ "GET",    "/v1/status",                              api_status_get,        0                },
	{ "GET",    "/v1/plugins",                             api_plugins,           0                },
	{ "POST",   "/v1/admin/reload",                        api_reload,            HTTP_ROUTE_ADMIN },
	{ "GET",    "/healthz",                                api_healthz,           HTTP_ROUTE_ALWAYS },
	{ "GET",    "/metrics",                                api_metrics,           HTTP_ROUTE_ALWAYS | HTTP_ROUTE_ADMIN },
};
/* clang-format on */

const struct http_route *api_routes(size_t *n)
{
	*n = ARRAY_LEN(routes);
	return routes;
}
