/*
 * The end of a text that is being written: what of it may be shown. Bytes come in tokens, which cut
 * characters and stop strings anywhere; they are held back until it is certain that neither
 * is cut. What is shown depends on the bytes alone, not on the tokens they came in, but for when.
 */
#ifndef ENGINE_SERVE_TAIL_H
#define ENGINE_SERVE_TAIL_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

#include "base/buf.h"

struct tail {
	const struct ragd_str *stops; /* borrowed; none is empty */
	size_t n_stops;
	struct buf held; /* bytes not shown yet */
	struct buf out;  /* what tail_feed() showed: valid UTF-8 */
};

void tail_init(struct tail *t, const struct ragd_str *stops, size_t n_stops);
void tail_fini(struct tail *t);

/*
 * Take bytes; t->out becomes what may be shown now, perhaps nothing. True: a stop string is complete; t->out
 * is what stood before it and nothing more will be shown. Of several stop strings the one that is
 * complete first counts, and of those the longest. What is no UTF-8 becomes U+FFFD. With `last` the text
 * ends here: nothing is held back any more, and a character that is not whole is dropped.
 */
bool tail_feed(struct tail *t, const char *bytes, size_t len, bool last);
/* Out of memory at some time: the text is not complete. */
bool tail_failed(const struct tail *t);

#endif
