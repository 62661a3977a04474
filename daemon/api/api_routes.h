/* The API: docs/protocol.md's endpoints, one row each. */
#ifndef DAEMON_API_ROUTES_H
#define DAEMON_API_ROUTES_H

#include "ipc/http/http.h"

/* The tables of them, as http_server_start() takes them; the handlers' ctx is the struct ragd. */
const struct http_route *const *api_routes(void);

#endif
