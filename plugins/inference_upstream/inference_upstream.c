/*
 * inference_upstream: answers come from servers that speak the OpenAI API. This file is the ABI's side;
 * upstream.h says what is behind it.
 */
#include <stdlib.h>
#include <string.h>

#include <ragd/plugin.h>

#include "base/util.h"
#include "plugins/inference_upstream/options.h"
#include "upstream/upstream.h"

/* ---- chat ----------------------------------------------------------------------------------- */

static enum ragd_finish finish_of(const struct upstream_job *job)
{
	if (job->abstained)
		return RAGD_FINISH_NO_ANSWER;
	switch (job->finish) {
	case REPLY_LENGTH:
		return RAGD_FINISH_LENGTH;
	case REPLY_FILTERED: /* the server says no; or it took back what it had begun */
		if (!job->some_text)
			return RAGD_FINISH_NO_ANSWER;
		return job->refuses ? RAGD_FINISH_STOP : RAGD_FINISH_LENGTH;
	default:
		return RAGD_FINISH_STOP;
	}
}

static void chat_over(struct upstream_job *job, int rc, struct ragd_err *err)
{
	enum ragd_finish finish = finish_of(job);
	struct ragd_usage usage = job->usage;
	struct ragd_sink *sink = job->sink;

	free(job);
	sink->done(sink, rc, finish, &usage, rc < 0 ? err : NULL);
}

static int plugin_generate(void *self, const struct ragd_call *call,
			   const struct ragd_generate *req, struct ragd_sink *sink,
			   struct ragd_err *err)
{
	struct upstream_job *job = calloc(1, sizeof(*job));
	int rc;

	if (job == NULL)
		return ragd_err_set(err, -ENOMEM, "out of memory for a request");
	job->call = call;
	job->req = req;
	job->sink = sink;
	job->over = chat_over;
	rc = upstream_submit(self, job, err);
	if (rc < 0)
		free(job);
	return rc;
}

/* ---- embeddings ----------------------------------------------------------------------------- */

/* A batch under way, and the pool thread that waits for it. */
struct batch {
	struct upstream_job job;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool over;
	int rc;
	struct ragd_err err;
};

static void batch_over(struct upstream_job *job, int rc, struct ragd_err *err)
{
	struct batch *b = container_of(job, struct batch, job);

	pthread_mutex_lock(&b->lock);
	b->rc = rc;
	if (rc < 0)
		b->err = *err;
	b->over = true;
	pthread_cond_signal(&b->ended);
	pthread_mutex_unlock(&b->lock); /* from here on b may be gone */
}

static int batch_run(struct upstream *u, struct batch *b, struct ragd_err *err)
{
	int rc;

	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->ended, NULL);
	rc = upstream_submit(u, &b->job, err);
	if (rc == 0) {
		pthread_mutex_lock(&b->lock);
		while (!b->over)
			pthread_cond_wait(&b->ended, &b->lock);
		pthread_mutex_unlock(&b->lock);
		rc = b->rc;
		if (rc < 0 && err != NULL)
			*err = b->err;
	}
	pthread_cond_destroy(&b->ended);
	pthread_mutex_destroy(&b->lock);
	return rc;
}

/* texts[at .. at + n), into out[at * dim ..); the first batch tells dim and makes room for all. */
static int embed_batch(struct upstream *u, const struct ragd_call *call,
		       const struct ragd_str *texts, size_t n_all, size_t at, size_t n, float **out,
		       uint32_t *dim, struct ragd_err *err)
{
	struct batch b = { .job = { .call = call,
				    .texts = texts + at,
				    .n_texts = n,
				    .dim = *dim,
				    .over = batch_over } };
	int rc = batch_run(u, &b, err);

	if (rc < 0)
		return rc;
	if (*out == NULL)
		*out = call->alloc(call, n_all, b.job.dim * sizeof(**out));
	if (*out == NULL)
		rc = ragd_err_set(err, -ENOMEM, "no memory for %zu vectors", n_all);
	else
		memcpy(*out + at * b.job.dim, b.job.vectors, n * b.job.dim * sizeof(**out));
	*dim = b.job.dim;
	free(b.job.vectors);
	return rc;
}

static int plugin_embed(void *self, const struct ragd_call *call, const struct ragd_str *texts,
			size_t n, const float **out, uint32_t *dim, struct ragd_err *err)
{
	struct upstream *u = self;
	float *vectors = NULL;
	uint32_t d = 0;
	int rc = 0;

	if (n == 0)
		return ragd_err_set(err, -EINVAL, "there is no text to embed");
	for (size_t at = 0; rc == 0 && at < n; at += u->servers.settings.embed_batch)
		rc = embed_batch(u, call, texts, n, at,
				 MIN(n - at, (size_t)u->servers.settings.embed_batch), &vectors, &d,
				 err);
	if (rc < 0)
		return rc;
	*out = vectors;
	*dim = d;
	return 0;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void plugin_card(void *self, struct ragd_card *out)
{
	upstream_card(self, out);
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
	.card = plugin_card,
	.generate = plugin_generate,
	.embed = plugin_embed,
};

RAGD_EXPORT const struct ragd_plugin ragd_plugin = {
	.abi = RAGD_PLUGIN_ABI,
	.size = sizeof(struct ragd_plugin),
	.kind = RAGD_KIND_INFERENCE,
	.name = "inference_upstream",
	.version = "0.1.0",
	.licence = "Apache-2.0",
	.summary = "Asks servers that speak the OpenAI API, over HTTP(S) or a Unix socket",
	.options = upstream_options,
	.check = plugin_check,
	.open = plugin_open,
	.close = plugin_close,
	.ops = { .inference = &ops },
};
