/* The API: docs/protocol.md's endpoints, one row each. */
#ifndef DAEMON_API_ROUTES_H
#define DAEMON_API_ROUTES_H

#include "ipc/http/http.h"

/* Every route; the handlers' ctx is the struct ragd. Static. */
const struct http_route *api_routes(size_t *n);

#endif
