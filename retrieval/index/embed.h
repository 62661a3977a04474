/*
 * The embedder: text to unit vectors, learned from the owner's own passages and nothing else. Terms
 * weighted by TF-IDF are projected on the main directions of the collection, which a randomised SVD
 * (Halko, Martinsson, Tropp 2011) finds: words that are used alike come to lie near each other.
 *
 * An embedder does not change once it is made; keep one by holding a reference.
 */
#ifndef RETRIEVAL_EMBED_H
#define RETRIEVAL_EMBED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/digest.h"
#include "retrieval/passages/terms.h"

#define EMBED_MIN_PASSAGES 200   /* fewer teach nothing */
#define EMBED_MAX_PASSAGES 8192  /* more teach little: a sample of so many is enough */
#define EMBED_MAX_TERMS    32768 /* the most frequent ones */

#define EMBED_DIM_MAX     4096
#define EMBED_ENCODER_MAX 64 /* bytes of an encoder's name */

/*
 * What gave a collection's passages their vectors: one that was learned, or an encoder outside of
 * the store (encoder.h), of which it is but the name.
 */
struct embedder {
	char encoder[EMBED_ENCODER_MAX + 1]; /* "": it was learned */
	uint64_t generation;                 /* its owner's: counted up with each that is learned */
	uint32_t n_fitted; /* its owner's: passages in the store when it was learned */
	/*
	 * Its owner's, of an encoder: passages read so far whose language it hardly knows. Changed
	 * on the writer's thread with the catalog locked for writing.
	 */
	uint32_t n_foreign;
	uint32_t dim;
	uint32_t n_terms;
	char digest[DIGEST_HEX + 1]; /* of the blob, or of the encoder: see encoder.h */
	/* private; of one that was learned */
	uint64_t *hashes; /* [n_terms], ascending */
	uint32_t *table;  /* open addressing over them, index + 1 */
	uint32_t table_size;
	float *idf;  /* [n_terms] */
	float *axes; /* [n_terms][dim]; each column a direction of length 1 */
	int refs;
};

/*
 * Of the two sides on which vectors are kept, the one of its vectors: two embedders live at a time.
 */
static inline unsigned embedder_side(const struct embedder *e)
{
	return (unsigned)(e->generation & 1);
}

/* The passages to learn from, as rows of terms. */
struct embed_rows {
	struct term *terms; /* malloc'd */
	size_t n_terms;
	size_t cap_terms;
	size_t *ends; /* [n]: where each row ends in terms */
	size_t n;
	size_t cap;
};

int embed_rows_add(struct embed_rows *rows, const struct term *terms, uint32_t n);
void embed_rows_fini(struct embed_rows *rows);

/*
 * Learn. The same rows give the same embedder. `stop` is asked now and then: true ends with
 * -ECANCELED. -ENODATA if the rows have fewer than dim terms or rows in common.
 */
int embedder_fit(const struct embed_rows *rows, uint32_t dim, bool (*stop)(void *arg), void *arg,
		 struct embedder **out, struct ragd_err *err);

/* One that stands for an encoder; -ENOMEM. */
int embedder_of_encoder(const char *encoder, const char *digest, uint32_t dim,
			struct embedder **out, struct ragd_err *err);
static inline bool embedder_is_learned(const struct embedder *e)
{
	return e->encoder[0] == '\0';
}

/*
 * As one blob, empty for an encoder, and back: -EBADMSG if it is not one. The digest is the blob's
 * SHA-256.
 */
int embedder_save(const struct embedder *e, void **blob, size_t *len, struct ragd_err *err);
int embedder_load(const void *blob, size_t len, struct embedder **out, struct ragd_err *err);

struct embedder *embedder_ref(struct embedder *e);
/* Accepts NULL. */
void embedder_unref(struct embedder *e);

/*
 * The unit vector of a text, or zeros where it shares nothing with what was learned. Returns what
 * share of the text's weighted terms the directions hold, 0 .. 1: how far to trust the vector.
 */
float embedder_project(const struct embedder *e, const struct term *terms, uint32_t n, float *out);
/* The same in half precision, for n passages at once: out[n][dim]. -ENOMEM. */
struct prepared_passage;
int embedder_project_passages(const struct embedder *e, const struct prepared_passage *passages,
			      uint32_t n, uint16_t *out);

#endif
