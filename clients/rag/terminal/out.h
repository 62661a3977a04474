/*
 * Where a command writes: a terminal with colours and a width, or a pipe that gets the bare text.
 */
#ifndef RAG_OUT_H
#define RAG_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <ragd/err.h>

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_MARK, STYLE_GOOD, STYLE_WARN, STYLE_BAD };

struct out {
	FILE *f;
	bool tty; /* wrap lines, make control characters harmless */
	bool color;
	unsigned width; /* columns */
};

/* when: "auto", "always", "never" or NULL; NO_COLOR and TERM=dumb are respected. */
void out_init(struct out *o, FILE *f, const char *when);

/*
 * Text from elsewhere: on a terminal its control characters but for newline and tab become U+FFFD.
 */
void out_text(struct out *o, const char *s, size_t len);
void out_style(struct out *o, enum style style);
/* The formatted text in a style, then plain again. */
void out_printf(struct out *o, enum style style, const char *fmt, ...) RAGD_PRINTF(3, 4);

/* One character of UTF-8 at s[0..len), len > 0; invalid bytes count one by one as U+FFFD. */
size_t text_char(const char *s, size_t len, unsigned *cp);
/* Columns it takes on a terminal. */
unsigned text_columns(unsigned cp);

#endif
