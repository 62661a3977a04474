/* Texts of a caller as vectors. */
#include "retrieval/store/store.h"

#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/store/store_private.h"
#include "retrieval/wanted.h"

/* Rows of `dim` numbers, of which e has the first. Of a long text, its beginning. */
static int embed_texts(struct session *session, const struct ragd_call *call,
		       const struct embedder *e, const struct ragd_embed *req, uint32_t dim,
		       float *out, struct ragd_err *err)
{
	const struct ragd_str none = { NULL, 0 };
	struct terms_passage p;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < req->n; i++) {
		struct ragd_str text = { req->texts[i].s, MIN(req->texts[i].len, TERMS_TEXT_MAX) };

		arena_reset(session->arena);
		rc = wanted_check(call, err);
		if (rc == 0)
			rc = terms_passage(session->terms, session->arena, none, none, text, &p,
					   err);
		if (rc == 0 && embedder_project(e, p.terms, p.n_terms, out + i * dim) == 0)
			rc = ragd_err_set(err, -EINVAL,
					  "text %zu has no word that vectors were learned from", i);
	}
	return rc;
}

/*
 * Of the collections that the caller may read, the embedder of the one that had most to learn from;
 * of equals the first made. What the caller may not read neither decides nor is part of it.
 * Referenced.
 */
static struct embedder *choose_embedder(struct store *s, const struct ragd_caller *caller)
{
	const struct catalog *c = &s->catalog;
	struct embedder *best = NULL;

	pthread_rwlock_rdlock(&s->catalog.lock);
	for (uint32_t i = 0; i < c->n_collections; i++) {
		const struct catalog_collection *col = c->collections[i];

		if (col != NULL && col->shown && col->now.embedder != NULL &&
		    embedder_is_learned(col->now.embedder) &&
		    acl_may(&col->acl, caller, ACL_READ) &&
		    (best == NULL || col->now.embedder->n_fitted > best->n_fitted))
			best = col->now.embedder;
	}
	embedder_ref(best);
	pthread_rwlock_unlock(&s->catalog.lock);
	return best;
}

int store_embed(struct store *s, const struct ragd_call *call, const struct ragd_embed *req,
		struct ragd_embeddings *out, struct ragd_err *err)
{
	struct session *session = NULL;
	struct embedder *e = choose_embedder(s, call->caller);
	float *vectors;
	uint32_t dim;
	int rc;

	if (e == NULL)
		return ragd_err_set(err, -EAGAIN,
				    "there is not enough text to train an embedder yet: add at "
				    "least %d passages of text to a collection that you may read",
				    EMBED_MIN_PASSAGES);
	/* As long as they will be once there is more to learn from; zeros change no cosine. */
	dim = MAX(e->dim, s->options.dim);
	vectors = call->alloc(call, req->n * dim + 1, sizeof(*vectors));
	rc = vectors != NULL ? session_acquire(&s->sessions, &session, err)
			     : ragd_err_set(err, -ENOMEM,
					    "the request's memory has no room for %zu "
					    "vectors",
					    req->n);
	if (rc == 0)
		rc = embed_texts(session, call, e, req, dim, vectors, err);
	session_release(&s->sessions, session);
	if (rc == 0)
		RAGD_FILL(out, .dim = dim, .values = vectors);
	embedder_unref(e);
	return rc;
}
