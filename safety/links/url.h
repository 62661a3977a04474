/* Addresses as renderers and browsers read them. */
#ifndef SAFETY_URL_H
#define SAFETY_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "safety/stream/scan.h"

#define SCHEME_MAX 32
#define URL_MAX    2048 /* bytes; a longer one does not leave */

/*
 * The ASCII character that stands at s[i), be it written as an entity (&#104; &colon;) or, with
 * `percent`, as %68. Returns the bytes it takes, 0 if more text is needed to tell.
 */
size_t url_char(const struct scan_view *v, size_t i, bool percent, char *c);

/*
 * Whether s[0..len), the target of a link, can only be a place of the site that shows it: a
 * relative path or a fragment, in no writing that hides something else.
 */
bool url_is_local(const char *s, size_t len);

/*
 * Append what is the same for all ways to write one address: scheme and host in lower case,
 * entities undone, http, https, www. and // alike. All else counts as it stands.
 */
void url_normalise(const char *s, size_t len, struct buf *out);

/*
 * Whether a normalised address is on one of the hosts: "example.org" itself, "*.example.org" below
 * it.
 */
bool url_on_host(const char *s, size_t len, const char *const *hosts);

/* What a scheme is made of, and what no address goes over. */
bool url_is_scheme(char c);
bool url_ends(char c);

/*
 * Whether an address with a scheme begins at s[i), however its letters are written; *body is then
 * where what identifies it begins.
 */
enum outcome url_scheme(const struct scan_view *v, size_t i, size_t *body);
/*
 * The same for //host/path behind the character `prior`, which a browser completes by the page's
 * scheme.
 */
enum outcome url_network(const struct scan_view *v, size_t i, char prior, size_t *body);

/*
 * Signs at the end of the address s[start .. end) that are the sentence's; returns where they
 * begin.
 */
size_t url_trail(const char *s, size_t start, size_t end);

#endif
