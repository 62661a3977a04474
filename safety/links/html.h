/* Tags of HTML. */
#ifndef SAFETY_HTML_H
#define SAFETY_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "safety/stream/scan.h"

#define TAG_MAX 1024 /* bytes of a tag, and of a script with it */

enum html_sort {
	HTML_NONE,   /* text: a < b, vector<int>, <your name> */
	HTML_TAG,    /* a tag of a real element, a comment, a script with what is in it */
	HTML_INLINE, /* a tag that may stand within a word: <b>, <sub> */
	HTML_LOOSE,  /* may be taken for one: it does not end, or nobody knows its element */
};

/*
 * What begins with the '<' at s[i). YES: *sort, and where a tag ends. NO: HTML_NONE. MORE.
 */
enum outcome html_read(const struct scan_view *v, size_t i, enum html_sort *sort, size_t *end);

#endif
