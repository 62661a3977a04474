/*
 * Text that no link, tag or code begins in, which most text is: words, and signs between them. What
 * goes over it byte by byte does not have to look closer.
 */
#ifndef SAFETY_LINKLESS_H
#define SAFETY_LINKLESS_H

#include <stddef.h>

#include "safety/stream/scan.h"

/*
 * Where such text from v->s[i] on ends: at what may begin something, or at a word that is not
 * complete yet or may be the beginning of an address.
 */
size_t linkless_end(const struct scan_view *v, size_t i);

#endif
