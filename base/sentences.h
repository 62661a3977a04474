/*
 * Text as sentences (UAX #29 through ICU, with what it gets wrong in technical prose mended: "e.g.",
 * "Fig. 3", "v1.2", initials; blank lines, list items, headings and table rows end a sentence; code
 * blocks are one each).
 */
#ifndef BASE_SENTENCES_H
#define BASE_SENTENCES_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

struct sentences;

/* Not shared between threads: one each. NULL when out of memory. */
struct sentences *sentences_new(void);
void sentences_free(struct sentences *s);

/* Begin with text, which must stay until the last sentence was read. */
void sentences_start(struct sentences *s, const char *text, size_t len);
/* text[*start .. *end) is the next sentence, without white space around it. False at the end. */
bool sentences_next(struct sentences *s, size_t *start, size_t *end);

/*
 * For text that arrives in pieces: how much of text[0..len) is sentences that further text cannot
 * change; 0 if none is complete. With `last`, len.
 */
size_t sentences_complete(struct sentences *s, const char *text, size_t len, bool last);

#endif
