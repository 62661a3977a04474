/*
 * The end of a text that is being written: what of it may be shown. Bytes come in tokens, which cut
 * characters and stop strings anywhere; they are held back until it is certain that neither
 * is cut. What is shown depends on the bytes alone, not on the tokens they came in, but for when.
 */
#ifndef ENGINE_SERVE_HOLDBACK_H
#define ENGINE_SERVE_HOLDBACK_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

#include "base/buf.h"

struct holdback {
	const struct ragd_str *stops; /* borrowed; none is empty */
	size_t n_stops;
	struct buf held; /* bytes not shown yet */
	struct buf out;  /* what holdback_feed() showed: valid UTF-8 */
};

void holdback_init(struct holdback *t, const struct ragd_str *stops, size_t n_stops);
void holdback_fini(struct holdback *t);

/*
 * Take bytes; t->out becomes what may be shown now, perhaps nothing. True: a stop string is
 * complete; t->out is what stood before it and nothing more will be shown. Of several stop strings
 * the one that is complete first counts, and of those the longest. What is no UTF-8 becomes U+FFFD.
 * With `last` the text ends here: nothing is held back any more, and a character that is not whole
 * is dropped.
 */
bool holdback_feed(struct holdback *t, const char *bytes, size_t len, bool last);
/* Out of memory at some time: the text is not complete. */
bool holdback_failed(const struct holdback *t);

#endif
