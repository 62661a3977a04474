/*
 * The endpoints. Each api_*.c has those of one subject: their functions, and at its end a table
 * with a row for each. api_routes.c lists the tables.
 */
#ifndef DAEMON_API_PRIVATE_H
#define DAEMON_API_PRIVATE_H

#include "daemon/api/job.h"
#include "ipc/http/http.h"

/*
 * A row's last two members if its function gets a job, on a thread of the pool, where it may call
 * plugins. Any other function gets the exchange, on the loop, where it may not wait.
 */
#define ON_POOL(run) job_handle, &((const struct job_route){ run })

#define ADMIN  HTTP_ROUTE_ADMIN
#define ALWAYS HTTP_ROUTE_ALWAYS

extern const struct http_route api_chat_routes[];
extern const struct http_route api_documents_routes[];
extern const struct http_route api_system_routes[];
extern const struct http_route api_texts_routes[];

#endif
