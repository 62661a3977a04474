/* Private keys in PEM armour: -----BEGIN ... PRIVATE KEY----- to -----END ...-----. */
#ifndef SAFETY_PEM_H
#define SAFETY_PEM_H

#include "safety/stream/scan.h"

/*
 * Whether a private key begins at s[i): the line that announces it and at least the beginning of
 * what a key looks like, so that prose about such lines stays. *body is where the header line ends.
 */
enum outcome pem_try(const struct scan_view *v, size_t i, size_t *body);

/*
 * Go on through an open key, to its last line or to the first thing that is no part of a key. False
 * once it has ended and was added to out.
 */
bool pem_go_on(struct scanner *st, const struct scan_view *v, struct spans *out);

#endif
