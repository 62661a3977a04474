/* Embeddings: texts in batches, each a job that its caller's thread waits for. */
#include "upstream/upstream_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/util.h"

/* What becomes of the texts; the first batch tells dim and makes room for all vectors. */
struct embed_result {
	const struct ragd_str *texts; /* [n], with their prefix */
	size_t n;
	uint32_t dim;
	float *values;
	uint32_t *n_tokens;
	bool counted; /* the servers said how many tokens they read */
};

/*
 * A server counts the tokens of a request, not of a text: each text of a batch gets its share by
 * length, so that the sum is right.
 */
static void tokens_share(struct embed_result *r, size_t at, size_t n, uint32_t n_tokens)
{
	uint64_t bytes = 0, before = 0;

	for (size_t i = at; i < at + n; i++)
		bytes += r->texts[i].len;
	for (size_t i = at; i < at + n; i++) {
		uint64_t upto = before + r->texts[i].len;

		r->n_tokens[i] = (uint32_t)(n_tokens * upto / MAX(bytes, 1) -
					    n_tokens * before / MAX(bytes, 1));
		before = upto;
	}
}

/* texts[at .. at + n) */
static int batch_embed(struct upstream *u, const struct ragd_call *call, struct embed_result *r,
		       size_t at, size_t n, struct ragd_err *err)
{
	struct upstream_wait w = {
		.job = { .call = call, .texts = r->texts + at, .n_texts = n, .dim = r->dim }
	};
	int rc = upstream_wait(u, &w, err);

	if (rc < 0)
		return rc;
	if (r->values == NULL)
		r->values = call->alloc(call, r->n, w.job.dim * sizeof(*r->values));
	if (r->values == NULL)
		rc = ragd_err_set(err, -ENOMEM, "no memory for %zu vectors", r->n);
	else
		memcpy(r->values + at * w.job.dim, w.job.vectors,
		       n * w.job.dim * sizeof(*r->values));
	r->dim = w.job.dim;
	r->counted &= w.job.usage.n_prompt > 0;
	tokens_share(r, at, n, w.job.usage.n_prompt);
	free(w.job.vectors);
	return rc;
}

static const char *prefix_of(const struct settings *s, enum ragd_embed_use use)
{
	return use == RAGD_EMBED_QUERY     ? s->query_prefix
	       : use == RAGD_EMBED_PASSAGE ? s->passage_prefix
					   : "";
}

/* The texts behind their prefix; NULL when the call's memory does not hold them. */
static const struct ragd_str *texts_prefixed(const struct ragd_call *call,
					     const struct ragd_embed *req, const char *prefix)
{
	struct ragd_str *out = call->alloc(call, req->n, sizeof(*out));
	size_t len = strlen(prefix);

	if (len == 0)
		return req->texts;
	for (size_t i = 0; out != NULL && i < req->n; i++) {
		char *text = call->alloc(call, len + req->texts[i].len, 1);

		if (text == NULL)
			return NULL;
		memcpy(text, prefix, len);
		memcpy(text + len, req->texts[i].s, req->texts[i].len);
		out[i] = (struct ragd_str){ text, len + req->texts[i].len };
	}
	return out;
}

int upstream_embed(struct upstream *u, const struct ragd_call *call, const struct ragd_embed *req,
		   struct ragd_embeddings *out, struct ragd_err *err)
{
	const struct settings *s = &u->servers.settings;
	struct embed_result r = { .n = req->n, .counted = true };
	int rc = 0;

	if (req->n == 0)
		return ragd_err_set(err, -EINVAL, "there is no text to embed");
	r.texts = texts_prefixed(call, req, prefix_of(s, req->use));
	r.n_tokens = call->alloc(call, req->n, sizeof(*r.n_tokens));
	if (r.texts == NULL || r.n_tokens == NULL)
		return ragd_err_set(err, -ENOMEM, "no memory for %zu texts", req->n);
	for (size_t at = 0; rc == 0 && at < req->n; at += s->embed_batch)
		rc = batch_embed(u, call, &r, at, MIN(req->n - at, (size_t)s->embed_batch), err);
	if (rc == 0)
		RAGD_FILL(out, .dim = r.dim, .values = r.values,
			  .n_tokens = r.counted ? r.n_tokens : NULL);
	return rc;
}

/* Which weights a server has, it does not say: what was asked for stands for them. */
void upstream_embed_card(const struct upstream *u, struct ragd_embed_card *out)
{
	const struct settings *s = &u->servers.settings;
	struct ragd_embed_card card = { .size = sizeof(card) };
	struct buf b = BUF_INIT;

	buf_printf(&b, "1\n%s\n%s\n%s\n", s->embed_model[0] != '\0' ? s->embed_model : s->model,
		   s->query_prefix, s->passage_prefix);
	for (size_t i = 0; i < s->n_servers; i++)
		buf_printf(&b, "%s\n", s->servers[i].url.text);
	if (!buf_failed(&b)) /* else the host finds that there is no stamp */
		digest_hex(b.data, b.len, card.stamp);
	buf_fini(&b);
	*out = card;
}
