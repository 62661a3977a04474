/* Texts of a caller as vectors. */
#include "retrieval/store/store.h"

#include "base/util.h"
#include "retrieval/index/embed.h"
#include "retrieval/search/wanted.h"
#include "retrieval/store/store_private.h"

/* Of a long text, its beginning. */
static int embed_texts(struct session *session, const struct ragd_call *call,
		       const struct embedder *e, const struct ragd_str *texts, size_t n, float *out,
		       struct ragd_err *err)
{
	const struct ragd_str none = { NULL, 0 };
	struct terms_passage p;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct ragd_str text = { texts[i].s, MIN(texts[i].len, TERMS_TEXT_MAX) };

		arena_reset(session->arena);
		rc = wanted_check(call, err);
		if (rc == 0)
			rc = terms_passage(session->terms, session->arena, none, none, text, &p,
					   err);
		if (rc == 0)
			embedder_project(e, p.terms, p.n_terms, out + i * e->dim);
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
		    acl_may(&col->acl, caller, ACL_READ) &&
		    (best == NULL || col->now.embedder->n_fitted > best->n_fitted))
			best = col->now.embedder;
	}
	embedder_ref(best);
	pthread_rwlock_unlock(&s->catalog.lock);
	return best;
}

int store_embed(struct store *s, const struct ragd_call *call, const struct ragd_str *texts,
		size_t n, const float **out, uint32_t *dim, struct ragd_err *err)
{
	struct session *session = NULL;
	struct embedder *e = choose_embedder(s, call->caller);
	float *vectors;
	int rc;

	if (e == NULL)
		return ragd_err_set(err, -EAGAIN,
				    "there is nothing to have learned vectors from yet: add at "
				    "least %d passages of text to a collection that you may read",
				    EMBED_MIN_PASSAGES);
	vectors = call->alloc(call, n * e->dim + 1, sizeof(*vectors));
	rc = vectors != NULL ? session_acquire(&s->sessions, &session, err)
			     : ragd_err_set(err, -ENOMEM,
					    "the request's memory does not hold %zu "
					    "vectors",
					    n);
	if (rc == 0)
		rc = embed_texts(session, call, e, texts, n, vectors, err);
	session_release(&s->sessions, session);
	if (rc == 0) {
		*out = vectors;
		*dim = e->dim;
	}
	embedder_unref(e);
	return rc;
}
