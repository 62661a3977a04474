/* The bodies of requests, as JSON. */
#ifndef UPSTREAM_WIRE_REQUEST_H
#define UPSTREAM_WIRE_REQUEST_H

#include <stdbool.h>

#include <ragd/plugin.h>

/*
 * A chat completion that streams and tells its usage; free() it. model "" and salt NULL are left
 * out; extended: with min_p and top_k. NULL: *err says why (-EILSEQ: a text is not UTF-8, -ENOMEM).
 */
char *request_chat(const struct ragd_generate *req, const char *model, bool extended,
		   const char *salt, struct ragd_err *err);

/* Embeddings of n texts. Servers refuse an empty text: a space stands for it. */
char *request_embeddings(const struct ragd_str *texts, size_t n, const char *model,
			 struct ragd_err *err);

/* How relevant n passages are to a query, all of them. */
char *request_rerank(struct ragd_str query, const struct ragd_str *passages, size_t n,
		     const char *model, struct ragd_err *err);

#endif
