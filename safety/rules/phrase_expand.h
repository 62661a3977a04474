/*
 * Word patterns of rule files, written out: "bomb[s]|(pipe|nail) bomb" is bomb, bombs, pipe bomb,
 * nail bomb. A finite set of literals is what a multi-pattern matcher compiles fastest and streams
 * with the least state.
 */
#ifndef SAFETY_PHRASE_EXPAND_H
#define SAFETY_PHRASE_EXPAND_H

#include <stddef.h>

#include <ragd/err.h>

#define EXPAND_MAX  2000 /* literals of one pattern */
#define LITERAL_MAX 96   /* bytes of one literal */

/*
 * Expand text[0..len): `|` separates alternatives, `[x|y]` may stand or not, `(x|y)` must. Letters
 * come out in lower case, runs of blanks, `-` and `_` as one blank, as in the text they meet. Calls
 * cb for each literal; a negative return of it stops and is returned. -EINVAL with a sentence if
 * the pattern is malformed, empty or expands to more than EXPAND_MAX.
 */
int phrase_expand(const char *text, size_t len,
		  int (*cb)(void *arg, const char *literal, size_t len), void *arg,
		  struct ragd_err *err);

#endif
