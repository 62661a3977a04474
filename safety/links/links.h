/*
 * Addresses, images and HTML in an answer: what a client that renders Markdown would fetch, follow
 * or run. They leave only where the evidence or the question has the very same address, or its host
 * is allowed. Fenced code stays as it is, and tags in code spans do: nothing in it is rendered.
 */
#ifndef SAFETY_LINKS_H
#define SAFETY_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

#include "safety/stream/spans.h"

/* The most that is held, in bytes: an address, a tag, the target and title of a link. */
#define LINKS_HOLD 4096

struct links;

/*
 * screen's evidence and the hosts (NULL-ended; may be NULL) are borrowed. NULL when out of memory.
 */
struct links *links_new(const struct ragd_screen *screen, const char *const *hosts);
void links_free(struct links *l);

/*
 * The next bytes of the text, raw[0..len), which stand at offset `at`; `end`: nothing follows. Adds
 * what may not leave to out, parts of what goes on as spans that join. Returns the offset before
 * which all is decided.
 */
uint32_t links_feed(struct links *l, const char *raw, size_t len, uint32_t at, bool end,
		    struct spans *out);

/* Whether memory ran out. */
bool links_failed(const struct links *l);

#endif
