/*
 * Vectors by the store's encoder, made in the background: a document is found by its words at once,
 * by meaning later. Work goes on where it was after a restart, yields to whoever waits for an
 * answer (the encoder sees to that), and takes turns among collections.
 */
#ifndef RETRIEVAL_ENCODE_H
#define RETRIEVAL_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

struct encode;
struct store;

#define ENCODE_TROUBLE_MAX sizeof(((struct ragd_err *)NULL)->msg)

/* -ENOMEM. The store has an encoder. */
int encode_open(struct store *s, struct encode **out, struct ragd_err *err);
/* Accepts NULL. */
void encode_close(struct encode *e);

/*
 * The next few passages of each collection that has some without vectors. Returns in how many
 * milliseconds to call again; -1: once something is written. *rc: what went wrong, or 0. On the
 * maintenance thread.
 */
int64_t encode_round(struct encode *e, bool (*stop)(void *arg), void *arg, int *rc,
		     struct ragd_err *err);

/* Since it was opened: passages encoded; failed calls, and passages refused. Any thread. */
void encode_counts(struct encode *e, uint64_t *n_encoded, uint64_t *n_failures);
/* Passages a second of late; 0: none were made yet. Any thread. */
double encode_rate(struct encode *e);
/* Why there is no search by meaning at present; "" if there is. Any thread. */
void encode_trouble(struct encode *e, char out[ENCODE_TROUBLE_MAX]);

/* A question found no vector. It is forgotten once the encoder works. Any thread. */
void encode_note_trouble(struct encode *e, const char *msg);

#endif
