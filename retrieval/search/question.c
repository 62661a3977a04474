#include "retrieval/search/question.h"

#include <string.h>

#include "base/util.h"
#include "retrieval/index/encode.h"
#include "retrieval/index/encoder.h"
#include "retrieval/search/search.h"
#include "retrieval/search/unrelated.h"
#include "retrieval/store/store_private.h"
#include "retrieval/wanted.h"

static bool has_encoded(const struct search *se, const struct embedder *e)
{
	for (size_t i = 0; i < se->n_encoded; i++)
		if (strcmp(se->encoded[i].digest, e->digest) == 0)
			return true;
	return false;
}

/* The encoders of the collections that are searched: one, but for while vectors are made again. */
static void choose_encoders(struct search *se)
{
	const struct catalog *c = &se->store->catalog;

	pthread_rwlock_rdlock(&se->store->catalog.lock);
	for (uint32_t i = 0; i < c->n_collections && se->n_encoded < SEARCH_ENCODERS; i++) {
		const struct catalog_collection *col = c->collections[i];
		const struct embedder *e = col != NULL ? col->now.embedder : NULL;
		struct search_encoded *out = &se->encoded[se->n_encoded];

		if (e == NULL || embedder_is_learned(e) || !search_includes(se, col) ||
		    has_encoded(se, e))
			continue;
		memcpy(out->encoder, e->encoder, sizeof(out->encoder));
		memcpy(out->digest, e->digest, sizeof(out->digest));
		out->dim = e->dim;
		se->n_encoded++;
	}
	pthread_rwlock_unlock(&se->store->catalog.lock);
}

static int encode_one(struct search *se, struct search_encoded *out, struct ragd_err *err)
{
	struct ragd_str text = { se->query->text.s, MIN(se->query->text.len, TERMS_TEXT_MAX) };
	const struct encoder_work work = { .call = se->call, .arena = se->session->arena };
	struct encoder_identity made;
	struct ragd_embeddings got;
	int rc = encoder_embed(se->store, out->encoder, &work, RAGD_EMBED_QUERY, &text, 1, &got,
			       &made, err);

	if (rc < 0)
		return rc;
	if (strcmp(made.digest, out->digest) != 0)
		return 0; /* replaced: the vectors there are will be, too */
	rc = encoder_check_dim(out->encoder, &got, out->dim, err);
	if (rc < 0)
		return rc;
	out->trust = encoder_trust(text, got.n_pieces != NULL ? got.n_pieces[0] : 0);
	if (!(out->trust > 0))
		return 0;
	rc = unrelated_cosine(se->store, out->encoder, out->digest, &work, got.values, out->dim,
			      &out->unrelated, err);
	if (rc < 0)
		return rc;
	out->vector = got.values;
	return 0;
}

int question_encode(struct search *se, struct ragd_err *err)
{
	struct encode *e = se->store->encode;

	if (e == NULL || !(se->store->options.weight_vector > 0))
		return 0;
	choose_encoders(se);
	for (size_t i = 0; i < se->n_encoded; i++) {
		struct ragd_err why = { 0 };
		int rc = encode_one(se, &se->encoded[i], &why);

		if (rc < 0 && wanted_check(se->call, err) < 0)
			return err != NULL ? err->code : rc;
		/* One text's own fault, such as a question of blanks, is no trouble. */
		if (rc < 0 && !encoder_refuses_texts(rc))
			encode_note_trouble(e, why.msg);
	}
	return 0;
}
