#include "daemon/api/api_routes.h"

#include "base/util.h"
#include "daemon/api/api_private.h"

/* clang-format off */
static const struct http_route routes[] = {
	{ "POST",   "/v1/chat/completions",                   0,                                     api_chat,              NULL },
	{ "GET",    "/v1/models",                             0,                                     api_models,            NULL },
	{ "GET",    "/v1/models/{}",                          0,                                     api_model,             NULL },
	{ "POST",   "/v1/embeddings",                         0,                                     api_embeddings,        NULL },
	{ "POST",   "/v1/moderations",                        0,                                     api_moderations,       NULL },
	{ "GET",    "/v1/collections",                        0,                                     api_collections,       NULL },
	{ "PUT",    "/v1/collections/{}",                     0,                                     api_collection_put,    NULL },
	{ "GET",    "/v1/collections/{}",                     0,                                     api_collection_get,    NULL },
	{ "DELETE", "/v1/collections/{}",                     0,                                     api_collection_remove, NULL },
	{ "GET",    "/v1/collections/{}/documents",           0,                                     api_documents,         NULL },
	{ "POST",   "/v1/collections/{}/documents",           0,                                     api_documents_add,     NULL },
	{ "PUT",    "/v1/collections/{}/documents/{}",        0,                                     api_document_put,      NULL },
	{ "GET",    "/v1/collections/{}/documents/{}",        0,                                     api_document_get,      NULL },
	{ "DELETE", "/v1/collections/{}/documents/{}",        0,                                     api_document_remove,   NULL },
	{ "GET",    "/v1/collections/{}/documents/{}/content", 0,                                     api_document_content,  NULL },
	{ "POST",   "/v1/search",                             0,                                     api_search,            NULL },
	{ "POST",   "/v1/feedback",                           0,                                     api_feedback,          NULL },
	{ "GET",    "/v1/feedback/export",                    HTTP_ROUTE_ADMIN,                      api_feedback_export,   NULL },
	{ "GET",    "/v1/system-card",                        0,                                     api_system_card,       NULL },
	{ "GET",    "/v1/status",                             0,                                     api_status_get,        NULL },
	{ "GET",    "/v1/plugins",                            0,                                     api_plugins,           NULL },
	{ "POST",   "/v1/admin/reload",                       HTTP_ROUTE_ADMIN,                      api_reload,            NULL },
	{ "GET",    "/healthz",                               HTTP_ROUTE_ALWAYS,                     api_healthz,           NULL },
	{ "GET",    "/metrics",                               HTTP_ROUTE_ALWAYS | HTTP_ROUTE_ADMIN,  api_metrics,           NULL },
};
/* clang-format on */

const struct http_route *api_routes(size_t *n)
{
	*n = ARRAY_LEN(routes);
	return routes;
}
