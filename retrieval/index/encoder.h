/*
 * The store's encoder, a model outside of it: which one it is, and texts as its vectors.
 */
#ifndef RETRIEVAL_ENCODER_H
#define RETRIEVAL_ENCODER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "base/digest.h"

struct store;

/*
 * Another one whenever the same passage may get another vector: what the model says of itself, and
 * how the store has passages read.
 */
struct encoder_identity {
	char digest[DIGEST_HEX + 1];
	uint32_t dim; /* 0: not known before the first text */
};

/*
 * Of the encoder of this name, which may be one that made vectors under an older configuration.
 * -ENOENT, -ENOTSUP … with a sentence: it cannot be asked. Doesn't block.
 */
int encoder_identify(const struct store *s, const char *name, struct encoder_identity *out,
		     struct ragd_err *err);

/* On whose behalf texts are encoded. */
struct encoder_work {
	const struct ragd_call *call; /* a caller's; NULL: the store's own, in the background */
	bool (*stop)(void *arg);      /* without a call: true ends it with -ECANCELED */
	void *arg;
	struct arena *arena; /* for results */
};

/*
 * n texts that are not blank, as passages or as questions. *made says who made them; out->values
 * are the arena's. Of a question no more than some seconds are waited for.
 */
int encoder_embed(const struct store *s, const char *name, const struct encoder_work *work,
		  enum ragd_embed_use use, const struct ragd_str *texts, size_t n,
		  struct ragd_embeddings *out, struct encoder_identity *made, struct ragd_err *err);

/*
 * -EPROTO with a sentence if vectors have another length than those that are there: a server may
 * have got another model under the same name.
 */
int encoder_check_dim(const char *name, const struct ragd_embeddings *v, uint32_t dim,
		      struct ragd_err *err);

/* Whether such a failure is about the texts, so that asking again is of no use. */
static inline bool encoder_refuses_texts(int rc)
{
	return rc == -EINVAL || rc == -EMSGSIZE || rc == -E2BIG || rc == -EILSEQ;
}

/*
 * A passage as the encoder reads it: "title: heading. text". {NULL, 0} if all of it is blank; s is
 * NULL and len not 0 when memory is out.
 */
struct ragd_str encoder_passage_text(struct arena *arena, struct ragd_str title,
				     struct ragd_str heading, struct ragd_str text);
/*
 * How well the encoder's vocabulary knows the question, 0 to 1, from the number of pieces that it
 * breaks into (0: unknown). An English model cuts other languages into single letters, and its
 * vectors for them mean nothing.
 */
float encoder_trust(struct ragd_str question, uint32_t n_pieces);
/* The same of a passage, for people: whether most of its words are broken into pieces. */
bool encoder_is_foreign(struct ragd_str passage, uint32_t n_pieces);

#endif
