/*
 * Stems of folded words by Snowball, with a cache in front: text repeats itself, and a look-up
 * costs a tenth of a stemming. A word in a script other than the language's is stemmed by the
 * stemmer of that script, so a collection in several languages can be searched without
 * configuration.
 */
#ifndef BASE_STEMS_H
#define BASE_STEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stems;

/* Not shared between threads. NULL when out of memory or the language is unknown. */
struct stems *stems_new(const char *language);
void stems_free(struct stems *st);

/*
 * Write the stem of fold[0..n), n <= 64, to stem (room for 64 bytes) and return its length; *stop
 * tells whether the word is a stop word of the language.
 */
uint8_t stems_find(struct stems *st, const char *fold, uint8_t n, char *stem, bool *stop);

#endif
