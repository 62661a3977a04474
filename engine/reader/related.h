/*
 * Forms of a word that no stemmer brings together ("wrote", "written"), and words that answer for one
 * another ("born", "birth"). English.
 */
#ifndef ENGINE_RELATED_H
#define ENGINE_RELATED_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Rows that hold the folded word: *row is then a text of words between spaces, *same tells whether they
 * are forms of one word. Begin with *at = 0; false when there are no more.
 */
bool related_next(const char *fold, size_t n, size_t *at, const char **row, bool *same);

#endif
