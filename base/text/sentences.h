/*
 * Text as sentences. Made for technical prose in plain text, Markdown, reStructuredText and
 * rendered manual pages: "e.g.", "Fig. 3", "v1.2" and initials do not end a sentence; blank lines,
 * list items, headings and table rows do; a block of code is one. Terminators of every script count
 * (UAX #29's property).
 */
#ifndef BASE_SENTENCES_H
#define BASE_SENTENCES_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

#define SENTENCE_MAX 2048 /* bytes; longer ones are cut, at white space if there is any */

struct sentences;

/* Not shared between threads: one each. NULL when out of memory. */
struct sentences *sentences_new(void);
void sentences_free(struct sentences *s);

/* Begin with text, which must stay until the last sentence has been read. */
void sentences_start(struct sentences *s, const char *text, size_t len);
/*
 * text[*start .. *end) is the next sentence, without white space around it. False at the end.
 * Between two sentences there is white space or nothing. Citation marks ("[2]") after a full stop,
 * and the line under a title, belong to the sentence before them.
 */
bool sentences_next(struct sentences *s, size_t *start, size_t *end);

/*
 * For text that arrives in pieces: the next sentence that further text cannot change. text begins
 * with what it was at the call before, though it may have moved, and more follows. False: none is
 * complete yet; with `last` there are no more. Whatever is appended later, and wherever it was cut,
 * the sentences are those of the whole. Begin with sentences_start() of no text.
 */
bool sentences_more(struct sentences *s, const char *text, size_t len, bool last, size_t *start,
		    size_t *end);

#endif
