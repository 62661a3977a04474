/*
 * The API: docs/protocol.md's endpoints as handlers. api.c has the table of routes, the other api_*.c
 * files the handlers of one subject each.
 */
#ifndef DAEMON_API_H
#define DAEMON_API_H

#include "daemon/api/job.h"
#include "daemon/service/ragd.h"
#include "ipc/http/http.h"

/* Every route; the handlers' ctx is the struct ragd. Static. */
const struct http_route *api_routes(size_t *n);

/* For the log: by its request id what went wrong is found. */
void api_failed_cb(const struct http_request *req, int status, struct ragd_str body, void *ctx);

/* False, with the reply sent, while there is no configuration at work yet. */
bool api_started(struct http_exchange *x, const struct ragd *d);

/* The HTTP status of a negative errno; *code takes the protocol's word, `missing` that of -ENOENT. */
int api_status(int rc, const char *missing, const char **code);

/* api_chat.c */
void api_chat(struct http_exchange *x, const struct http_request *req, void *ctx);
/* api_documents.c */
void api_collections(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_collection_put(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_collection_get(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_collection_remove(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_documents(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_documents_add(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_document_put(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_document_get(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_document_content(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_document_remove(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_search(struct http_exchange *x, const struct http_request *req, void *ctx);
/* api_texts.c */
void api_embeddings(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_moderations(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_feedback(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_feedback_export(struct http_exchange *x, const struct http_request *req, void *ctx);
/* api_system.c */
void api_healthz(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_metrics(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_models(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_model(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_status_get(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_plugins(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_system_card(struct http_exchange *x, const struct http_request *req, void *ctx);
void api_reload(struct http_exchange *x, const struct http_request *req, void *ctx);

#endif
