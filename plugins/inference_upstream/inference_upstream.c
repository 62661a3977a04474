/*
 * inference_upstream: answers come from servers that speak the OpenAI API; see upstream/upstream.h.
 */
#include <ragd/plugin.h>

#include "config.h"
#include "plugins/inference_upstream/options.h"
#include "upstream/upstream.h"

static void plugin_card(void *self, struct ragd_card *out)
{
	struct ragd_card card = { 0 };

	upstream_card(self, &card);
	ragd_fill(out, &card, sizeof(card));
}

static int plugin_generate(void *self, const struct ragd_call *call,
			   const struct ragd_generate *req, struct ragd_sink *sink,
			   struct ragd_err *err)
{
	return upstream_generate(self, call, req, sink, err);
}

static int plugin_embed(void *self, const struct ragd_call *call, const struct ragd_embed *req,
			struct ragd_embeddings *out, struct ragd_err *err)
{
	return upstream_embed(self, call, req, out, err);
}

static void plugin_embed_card(void *self, struct ragd_embed_card *out)
{
	struct ragd_embed_card card;

	upstream_embed_card(self, &card);
	ragd_fill(out, &card, sizeof(card));
}

static int plugin_rerank(void *self, const struct ragd_call *call, const struct ragd_rerank *req,
			 double *scores, struct ragd_err *err)
{
	return upstream_rerank(self, call, req, scores, err);
}

static int plugin_check(const struct ragd_config *cfg, struct ragd_err *err)
{
	struct settings s;
	int rc = options_read(cfg, &s, err);

	settings_fini(&s);
	return rc;
}

static int plugin_open(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
		       struct ragd_err *err)
{
	struct upstream *u = NULL;
	struct settings s;
	int rc = options_read(cfg, &s, err);

	if (rc == 0)
		rc = upstream_open(host, &s, &u, err);
	settings_fini(&s);
	if (rc == 0)
		*self = u;
	return rc;
}

static void plugin_close(void *self)
{
	upstream_close(self);
}

/* Servers count tokens of whole requests only, and tell probabilities of what they wrote alone. */
static const struct ragd_inference_ops ops = {
	.size = sizeof(struct ragd_inference_ops),
	.card = plugin_card,
	.generate = plugin_generate,
	.embed = plugin_embed,
	.embed_card = plugin_embed_card,
	.rerank = plugin_rerank,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_INFERENCE,
	.name = "inference_upstream",
	.version = PACKAGE_VERSION,
	.licence = "Apache-2.0",
	.summary = "Asks servers that speak the OpenAI API, over HTTP(S) or a Unix socket",
	.options = upstream_options,
	.check = plugin_check,
	.open = plugin_open,
	.close = plugin_close,
	.ops = { .inference = &ops },
};
