/*
 * The endpoints: one row each, from which come its declaration and its entry in the server's table.
 * Each api_*.c file has the functions of one subject.
 */
#ifndef DAEMON_API_PRIVATE_H
#define DAEMON_API_PRIVATE_H

#include "daemon/api/job.h"
#include "ipc/http/http.h"

/*
 * In a row: the function gets a job, on a thread of the pool, where it may call plugins. That of a
 * row without it gets the exchange, on the loop, where it may not wait.
 */
#define ON_POOL(run) job_handle, &((const struct job_route){ run })

#define ADMIN  HTTP_ROUTE_ADMIN
#define ALWAYS HTTP_ROUTE_ALWAYS

/* Those with a table at the end of their file, next to the functions. */
extern const struct http_route api_chat_routes[];
extern const struct http_route api_documents_routes[];
extern const struct http_route api_texts_routes[];

/* clang-format off */
/*
 * LOOP: the function gets the exchange, on the loop, where it may not wait. POOL: it gets a job, on
 * a thread of the pool, where it may call plugins.
 *
 *	    method     path                                       flags    function
 */
#define API_ENDPOINTS(LOOP, POOL) \
	LOOP("GET",    "/v1/models",                              0,       api_models) \
	LOOP("GET",    "/v1/models/{}",                           0,       api_model) \
	LOOP("GET",    "/v1/system-card",                         0,       api_system_card) \
	LOOP("GET",    "/v1/status",                              0,       api_status_get) \
	LOOP("GET",    "/v1/plugins",                             0,       api_plugins) \
	LOOP("POST",   "/v1/admin/reload",                        ADMIN,   api_reload) \
	LOOP("GET",    "/healthz",                                ALWAYS,  api_healthz) \
	LOOP("GET",    "/metrics",                                ALWAYS | ADMIN, api_metrics)

/* clang-format on */

#define API_DECLARE_LOOP(method, path, flags, fn)                                                  \
	void fn(struct http_exchange *x, const struct http_request *req, void *ctx);
#define API_DECLARE_POOL(method, path, flags, fn) void fn(struct job *job);
API_ENDPOINTS(API_DECLARE_LOOP, API_DECLARE_POOL)

#endif
