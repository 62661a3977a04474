/* One search under way: what its steps hand on. */
#ifndef RETRIEVAL_SEARCH_H
#define RETRIEVAL_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "retrieval/db/fts.h"
#include "base/digest.h"
#include "retrieval/index/embed.h"
#include "retrieval/passages/terms.h"
#include "retrieval/search/calibrate.h"
#include "retrieval/search/candidates.h"
#include "retrieval/store/catalog.h"
#include "retrieval/store/session.h"

#define SEARCH_K_MAX 1000

#define SEARCH_ENCODERS 2 /* whose vectors one search takes into account */

struct store;

/* The question as the vector of one encoder. */
struct search_encoded {
	char encoder[EMBED_ENCODER_MAX + 1];
	char digest[DIGEST_HEX + 1];
	const float *vector; /* [dim]; NULL: there is none */
	uint32_t dim;
	float trust;     /* see encoder_trust() */
	float unrelated; /* the cosine that says nothing, see unrelated.h */
};

struct search {
	struct store *store;
	const struct ragd_call *call;
	const struct ragd_query *query;
	struct session *session;

	struct terms_word *words;
	ssize_t n_words;

	struct search_encoded encoded[SEARCH_ENCODERS];
	size_t n_encoded;

	/* The collections that the caller may read and asked for. */
	uint8_t *allowed; /* [n_allowed]: by id, 1 for one of them */
	uint32_t n_allowed;
	uint32_t *ids; /* [n_ids]: ascending */
	size_t n_ids;
	uint64_t n_passages; /* in them */
	uint64_t sum_length;
	bool by_document;    /* only these: */
	uint32_t *documents; /* malloc'd, ascending */
	size_t n_documents;

	/*
	 * [n_words][n_ids]: of each word in each collection; session->scores has what they score.
	 */
	struct postings *lists;
	size_t n_lists;          /* read so far */
	float most_words;        /* what a passage scores that has every word many times */
	struct candidates found; /* a heap, when fused */
	struct evidence evidence;
	struct search_candidate *best;
	size_t n_best;
	const char **names; /* of the collections of the best */

	uint64_t n_looked_at; /* postings, vectors and tagged documents */
};

/* Whether the caller may read the collection and asked for it. With the catalog locked. */
bool search_includes(const struct search *se, const struct catalog_collection *col);

#endif
