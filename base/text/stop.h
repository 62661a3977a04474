/* Stop words: words that say how a sentence is built, not what it is about. English only. */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the folded word is one. */
bool stop_is(const char *fold, size_t n);

#endif
