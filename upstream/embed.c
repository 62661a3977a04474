/* Embeddings: texts in batches, each a job that its caller's thread waits for. */
#include "upstream/upstream_private.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* A batch under way, and the pool thread that waits for it. */
struct embed_batch {
	struct upstream_job job;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool over;
	int rc;
	struct ragd_err err;
};

static void batch_over(struct upstream_job *job, int rc, struct ragd_err *err)
{
	struct embed_batch *b = container_of(job, struct embed_batch, job);

	pthread_mutex_lock(&b->lock);
	b->rc = rc;
	if (rc < 0)
		b->err = *err;
	b->over = true;
	pthread_cond_signal(&b->ended);
	pthread_mutex_unlock(&b->lock); /* from here on b may be gone */
}

static int batch_run(struct upstream *u, struct embed_batch *b, struct ragd_err *err)
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
static int batch_embed(struct upstream *u, const struct ragd_call *call,
		       const struct ragd_str *texts, size_t n_all, size_t at, size_t n, float **out,
		       uint32_t *dim, struct ragd_err *err)
{
	struct embed_batch b = { .job = { .call = call,
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

int upstream_embed(struct upstream *u, const struct ragd_call *call, const struct ragd_embed *req,
		   struct ragd_embeddings *out, struct ragd_err *err)
{
	size_t n = req->n;
	float *vectors = NULL;
	uint32_t dim = 0;
	int rc = 0;

	if (n == 0)
		return ragd_err_set(err, -EINVAL, "there is no text to embed");
	for (size_t at = 0; rc == 0 && at < n; at += u->servers.settings.embed_batch)
		rc = batch_embed(u, call, req->texts, n, at,
				 MIN(n - at, (size_t)u->servers.settings.embed_batch), &vectors,
				 &dim, err);
	if (rc == 0)
		RAGD_FILL(out, .dim = dim, .values = vectors);
	return rc;
}
