/* Character references of HTML: "&amp;", "&#8217;", "&#x2019;". */
#ifndef RETRIEVAL_HTML_ENTITY_H
#define RETRIEVAL_HTML_ENTITY_H

#include <stddef.h>

#define HTML_ENTITY_UTF8_MAX 4

/*
 * Decode the reference at s[0..len), s[0] == '&', into utf8[0 .. *n). Returns the bytes of s that
 * it takes; 0 if there is none, and the '&' stands for itself.
 */
size_t html_entity(const char *s, size_t len, char utf8[HTML_ENTITY_UTF8_MAX], size_t *n);

#endif
