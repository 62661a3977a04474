/*
 * safety_grounding: in a grounded answer a sentence leaves only with a passage that supports it,
 * and cites it. This file is the ABI's side; what it does is in safety/grounding.
 */
#include <stdio.h>
#include <stdlib.h>

#include <ragd/plugin.h>

#include "base/text/words.h"
#include "config.h"
#include "safety/grounding/claim_lexicon.h"
#include "safety/grounding/ground.h"
#include "safety/grounding/ground_stream.h"

static const struct ragd_option options[] = {
	/* clang-format off */
	{ .name = "threshold", .type = RAGD_OPT_FLOAT, .dflt = "0.6", .min = 0.05, .max = 1,
	  .help = "How well a passage must support a sentence, from 0 to 1.", .everyone = true },
	{ .name = "language", .type = RAGD_OPT_STRING, .dflt = "english",
	  .help = "Language of the documents, by Snowball's name; its negations and opposites "
		  "are in lang/grounding of data_dir.",
	  .everyone = true },
	{ .name = NULL },
	/* clang-format on */
};

struct grounding {
	struct claim_lexicon *lexicon;
	float threshold;
};

static int grounding_check_config(const struct ragd_config *cfg, struct ragd_err *err)
{
	const char *language = ragd_config_get(cfg, "language")->s;
	struct words *w = words_new(language);

	if (w == NULL)
		return ragd_err_set(err, -EINVAL, "language: there is no stemmer for '%s'",
				    language);
	words_free(w);
	return 0;
}

static int grounding_open(const struct ragd_host *host, const struct ragd_config *cfg, void **self,
			  struct ragd_err *err)
{
	struct grounding *g;
	char dir[4096];
	int rc;

	if (snprintf(dir, sizeof(dir), "%s/lang/grounding", host->data_dir) >= (int)sizeof(dir))
		return ragd_err_set(err, -ENAMETOOLONG, "the data directory's path is too long");
	g = calloc(1, sizeof(*g));
	if (g == NULL)
		return ragd_err_set(err, -ENOMEM, "safety_grounding: out of memory");
	g->threshold = (float)ragd_config_get(cfg, "threshold")->f;
	rc = claim_lexicon_open(dir, ragd_config_get(cfg, "language")->s, &g->lexicon, err);
	if (rc < 0) {
		free(g);
		return rc;
	}
	*self = g;
	return 0;
}

static void grounding_close(void *self)
{
	struct grounding *g = self;

	claim_lexicon_close(g->lexicon);
	free(g);
}

static size_t grounding_holdback(void *self)
{
	(void)self;
	return GROUND_HOLDBACK;
}

static int grounding_stream_open(void *self, const struct ragd_call *call,
				 const struct ragd_screen *screen, void **stream,
				 struct ragd_err *err)
{
	struct grounding *g = self;
	struct ground_stream *gs = NULL;
	int rc;

	rc = ground_stream_open(call, screen, g->lexicon, g->threshold, &gs, err);
	if (rc == 0)
		*stream = gs;
	return rc;
}

static int grounding_stream_feed(void *stream, const struct ragd_call *call, const char *text,
				 size_t len, bool last, struct ragd_release *out,
				 struct ragd_err *err)
{
	struct ragd_release r = { 0 };
	int rc = ground_stream_feed(stream, call, text, len, last, &r, err);

	if (rc == 0)
		ragd_fill(out, &r, sizeof(r));
	return rc;
}

static void grounding_stream_close(void *stream)
{
	ground_stream_close(stream);
}

/* A whole text is a stream of one piece; a verdict has no place for citations. */
static int grounding_check(void *self, const struct ragd_call *call,
			   const struct ragd_screen *screen, struct ragd_verdict *out,
			   struct ragd_err *err)
{
	struct ragd_release r = { 0 };
	void *gs = NULL;
	int rc;

	rc = grounding_stream_open(self, call, screen, &gs, err);
	if (rc < 0)
		return rc;
	rc = ground_stream_feed(gs, call, screen->text.s, screen->text.len, true, &r, err);
	ground_stream_close(gs);
	if (rc < 0)
		return rc;
	RAGD_FILL(out, .action = r.action, .findings = r.findings, .n_findings = r.n_findings,
		  .text = r.action == RAGD_REDACT ? r.text : (struct ragd_str){ 0 });
	return 0;
}

static const struct ragd_safety_ops ops = {
	.size = sizeof(struct ragd_safety_ops),
	.traits = RAGD_SAFETY_GROUNDS,
	.stages = 1u << RAGD_STAGE_RESPONSE,
	.holdback = grounding_holdback,
	.check = grounding_check,
	.stream_open = grounding_stream_open,
	.stream_feed = grounding_stream_feed,
	.stream_close = grounding_stream_close,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_SAFETY,
	.name = "safety_grounding",
	.version = PACKAGE_VERSION,
	.licence = "Apache-2.0",
	.summary = "Lets out what a retrieved passage supports, and cites it",
	.options = options,
	.check = grounding_check_config,
	.open = grounding_open,
	.close = grounding_close,
	.ops = { .safety = &ops },
};
