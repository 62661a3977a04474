/* Requests that cannot be served: what the client is told, and what the log says. */
#ifndef DAEMON_API_ERROR_H
#define DAEMON_API_ERROR_H

#include "daemon/service/ragd.h"
#include "ipc/http/http.h"

/* For the log, where what went wrong is found by its request id. */
void api_failed_cb(const struct http_request *req, int status, struct ragd_str body, void *ctx);

/* False, with the reply sent, while there is no configuration at work yet. */
bool api_started(struct http_exchange *x, const struct ragd *d);

/*
 * The HTTP status of a negative errno; *code takes the protocol's
 * word, `missing` that of -ENOENT.
 */
int api_status(int rc, const char *missing, const char **code);

#endif
