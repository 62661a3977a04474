/*
 * Which parts of Markdown are code, read so that no renderer which follows CommonMark takes for
 * text what is called code here. In doubt it is text: a fence that is not at the margin, and what
 * follows it once it cannot be told whether it was closed; a code span over more than one line or
 * over a cell of a table.
 */
#ifndef SAFETY_CODE_H
#define SAFETY_CODE_H

#include <stdbool.h>
#include <stddef.h>

#include "safety/stream/scan.h"

/* Where a text stands; zero-initialise. */
struct code {
	bool fenced;    /* in a fence at the margin */
	bool indented;  /* behind what may be one that is set in: that is text */
	bool contained; /* a fence within a list or quotation has been seen */
	bool lost;      /* nothing is fenced any more */
	char ch;        /* of the fence: '`' or '~' */
	size_t n;       /* of those */
	size_t indent;  /* columns before an indented one */
};

/* Whether the line that begins at s[i) is code, to its end. */
enum outcome code_line(struct code *c, const struct scan_view *v, size_t i);

/*
 * Whether a code span begins with the backticks at s[i). *end is then behind it, and behind the
 * backticks alone where there is none.
 */
enum outcome code_span(const struct scan_view *v, size_t i, size_t *end);

#endif
