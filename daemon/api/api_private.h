/* The endpoints, which the table of api_routes.c names: each api_*.c file has those of one subject. */
#ifndef DAEMON_API_PRIVATE_H
#define DAEMON_API_PRIVATE_H

#include "ipc/http/http.h"

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
