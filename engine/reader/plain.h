/*
 * A quoted sentence as people read it: markup of Markdown, reStructuredText and HTML taken off,
 * white space in a row, words, numbers and names unchanged.
 */
#ifndef ENGINE_PLAIN_H
#define ENGINE_PLAIN_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Append s[0..len), one sentence, to out, as valid UTF-8 and ended by a full stop or its like.
 * Appends nothing if only markup is there.
 */
void plain_sentence(struct buf *out, const char *s, size_t len);

#endif
