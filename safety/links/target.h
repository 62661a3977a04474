/* Where a link of Markdown leads to. */
#ifndef SAFETY_TARGET_H
#define SAFETY_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "safety/stream/scan.h"

/* What stands in the parentheses of a link, or behind the colon of a definition. */
struct link_target {
	size_t first; /* the address, with a '<' that it may stand in */
	size_t start; /* and without */
	size_t end;
	size_t close;  /* behind all of it; 0: it is not well-formed */
	bool too_long; /* the address */
	bool too_far;  /* it stands behind more blanks than are looked at: start to close */
};

/* Read on from behind the '(' of a link. NO: there is nothing. */
enum outcome target_read(const struct scan_view *v, size_t p, struct link_target *t);
/* The same behind the ':' of a definition, whose title is left aside. */
enum outcome target_read_definition(const struct scan_view *v, size_t p, struct link_target *t);
/* <scheme:...> at s[i): *end is at its '>'. */
enum outcome target_read_autolink(const struct scan_view *v, size_t i, size_t *end);

#endif
