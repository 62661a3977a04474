/*
 * Answers, embeddings and scores of passages from servers that speak the OpenAI API. An instance
 * has some servers and one thread, which talks to all of them. One request's way is in job.c, the
 * choice of a server in servers/endpoint.c, the checks of servers are in servers/probe.c.
 */
#ifndef UPSTREAM_UPSTREAM_H
#define UPSTREAM_UPSTREAM_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "upstream/servers/settings.h"

struct upstream;

/* Takes the settings over. The thread runs from here on. NULL in a trial. */
int upstream_open(const struct ragd_host *host, struct settings *settings, struct upstream **out,
		  struct ragd_err *err);
/* No call may be under way. */
void upstream_close(struct upstream *u);

/* What each does is what the operation of its name in <ragd/plugin.h> promises. */
void upstream_card(const struct upstream *u, struct ragd_card *out);
int upstream_generate(struct upstream *u, const struct ragd_call *call,
		      const struct ragd_generate *req, struct ragd_sink *sink,
		      struct ragd_err *err);
void upstream_embed_card(const struct upstream *u, struct ragd_embed_card *out);
int upstream_embed(struct upstream *u, const struct ragd_call *call, const struct ragd_embed *req,
		   struct ragd_embeddings *out, struct ragd_err *err);
int upstream_rerank(struct upstream *u, const struct ragd_call *call, const struct ragd_rerank *req,
		    double *scores, struct ragd_err *err);

#endif
