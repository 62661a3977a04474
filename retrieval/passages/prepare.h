/*
 * A document made ready for the writer: read, cut into passages, cut into terms, hashed. All the
 * work that needs no lock, done in the thread that adds it.
 */
#ifndef RETRIEVAL_PREPARE_H
#define RETRIEVAL_PREPARE_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "base/arena.h"
#include "base/digest.h"
#include "retrieval/passages/chunk.h"
#include "retrieval/passages/terms.h"
#include "retrieval/wanted.h"

struct prepared_passage {
	struct chunk chunk; /* its text, heading, place */
	struct terms_passage terms;
};

struct prepared {
	struct ragd_str id;
	struct ragd_str title;       /* one line: the caller's, the document's, or from the id */
	struct ragd_str given_title; /* the caller's, as it came; may be empty */
	const char *media_type;      /* the format's constant */
	struct ragd_str content;     /* borrowed */
	char digest[DIGEST_HEX + 1];
	struct ragd_str tags; /* sorted, each followed by a newline, each once */
	struct prepared_passage *passages;
	uint32_t n_passages;
	uint16_t *lengths; /* of the passages, see terms_passage.length */
	/* Unit vectors in half precision, [n_passages][embedder->dim]; NULL: none yet. */
	uint16_t *vectors;
	const struct embedder *embedder; /* they are from; borrowed */
};

/*
 * The steps end with -ETIMEDOUT or -ECANCELED when `wanted` says so.
 *
 * Two steps, so that a document that is stored already is neither read nor cut: the first validates
 * id, size and tags and fills id, digest, tags and media_type; the second fills the rest. What they
 * point to is the arena's or the document's. Negative errno with a sentence about this document.
 */
int prepare_start(struct arena *arena, const struct ragd_document *doc, size_t max_bytes,
		  struct prepared *out, struct ragd_err *err);
int prepare_finish(struct arena *arena, struct terms *terms, const struct ragd_document *doc,
		   const struct chunk_options *options, struct wanted *wanted, struct prepared *p,
		   struct ragd_err *err);

struct embedder;

/* The third: the vectors of its passages, if there is an embedder that has learned. */
int prepare_vectors(struct arena *arena, const struct embedder *e, struct wanted *wanted,
		    struct prepared *p, struct ragd_err *err);

/* An arena of this many bytes suffices for a document of len bytes. */
size_t prepare_arena_bytes(size_t len);

/* The next of prepared.tags; false at the end. */
bool prepare_next_tag(struct ragd_str *tags, struct ragd_str *tag);

#endif
