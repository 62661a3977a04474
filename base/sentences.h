/*
 * Text as sentences. Made for technical prose in plain text, Markdown, reStructuredText and
 * rendered manual pages: "e.g.", "Fig. 3", "v1.2" and initials end none; blank lines, list items,
 * headings and table rows do; a block of code is one. Terminators of every script count (UAX #29's
 * property).
 */
#ifndef BASE_SENTENCES_H
#define BASE_SENTENCES_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

#define SENTENCE_MAX 2048 /* bytes; longer ones are cut, at white space where there is some */

struct sentences;

/* Not shared between threads: one each. NULL when out of memory. */
struct sentences *sentences_new(void);
void sentences_free(struct sentences *s);

/* Begin with text, which must stay until the last sentence was read. */
void sentences_start(struct sentences *s, const char *text, size_t len);
/*
 * text[*start .. *end) is the next sentence, without white space around it. False at the end.
 * Between two sentences there is white space or nothing. Citation marks ("[2]") after a full stop,
 * and the line under a title, belong to the sentence before them.
 */
bool sentences_next(struct sentences *s, size_t *start, size_t *end);

/*
 * For text that arrives in pieces: how much of text[0..len) is sentences that further text cannot
 * change, up to the end of the last one; 0 if none is complete. With `last`, len. Whatever is
 * appended later, these sentences stay: read them with sentences_start() over text[0..len), up to
 * the one that ends there. Pass the text from its beginning.
 */
size_t sentences_complete(struct sentences *s, const char *text, size_t len, bool last);

#endif
