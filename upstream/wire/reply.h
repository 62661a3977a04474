/*
 * What servers say, out of JSON that need not be what it should: events of a stream, whole answers,
 * vectors, scores of passages, lists of models, errors.
 */
#ifndef UPSTREAM_WIRE_REPLY_H
#define UPSTREAM_WIRE_REPLY_H

#include <stdbool.h>

#include <jansson.h>

#include <ragd/plugin.h>

#include "base/buf.h"

#define REPLY_DIM_MAX     65536
#define REPLY_MESSAGE_MAX 120 /* bytes of a server's own words in an error */
#define REPLY_MODEL_MAX   256

/*
 * Parse bytes; what stands in texts and is no UTF-8, half a surrogate pair or a NUL becomes U+FFFD.
 * NULL if it is no JSON.
 */
json_t *reply_parse(const char *data, size_t len);

enum reply_finish {
	REPLY_GOES_ON,
	REPLY_STOP,
	REPLY_LENGTH,
	REPLY_FILTERED, /* the server's own filter held the answer, or the rest of it, back */
};

/* What one event, or a whole answer, says. Strings are the JSON value's. */
struct reply_chunk {
	const char *text; /* NULL or UTF-8 without NUL */
	size_t text_len;
	bool thinks;  /* text that is not for the reader came */
	bool refuses; /* text is a refusal, in the place that the API has for one */
	enum reply_finish finish;
	bool abstained; /* the server is a ragd, and nothing in its documents answers */
	bool has_usage;
	struct ragd_usage usage;
};

/*
 * Read an event's value; `whole`: one answer (choices[0].message) rather than a piece of one
 * (choices[0].delta). -EPROTO: it is neither; -EREMOTEIO: it is an error, told in *err.
 */
int reply_chunk_read(const json_t *root, bool whole, struct reply_chunk *out, struct ragd_err *err);

/*
 * Vectors of n texts as one malloc'd array of n * *dim floats, each of length 1. *dim is 0 for the
 * first batch and then what the first one said. -EPROTO and what is wrong, -ENOMEM.
 */
int reply_embeddings_read(const json_t *root, size_t n, uint32_t *dim, float **out,
			  struct ragd_err *err);

/*
 * How relevant n passages are, as logits: the server's own, or of the probabilities that it gives.
 * -EPROTO and what is wrong, -ENOMEM; then scores are not all set.
 */
int reply_ranks_read(const json_t *root, size_t n, bool logits, double *scores,
		     struct ragd_err *err);

/* The first model of a list, and whether `wanted` is in it. */
struct reply_models {
	char first[REPLY_MODEL_MAX + 1];
	bool listed;
	size_t n;
	/* of `wanted`, or else of the first; 0: not told */
	uint64_t n_parameters;
	uint32_t n_context;
};

int reply_models_read(const json_t *root, const char *wanted, struct reply_models *out,
		      struct ragd_err *err);

/*
 * A server's own words out of the body of an error, in one line of at most REPLY_MESSAGE_MAX bytes;
 * empty if there are none.
 */
void reply_message(const char *body, size_t len, char out[REPLY_MESSAGE_MAX + 1]);
/* How many tokens a reply says were read; 0: it does not say. */
uint32_t reply_prompt_tokens(const json_t *root);

#endif
