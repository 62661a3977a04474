/*
 * Classifies the lines of plain text, Markdown, reStructuredText and rendered manual pages by their
 * first characters.
 */
#ifndef BASE_BLOCKS_H
#define BASE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Text that may continue. Reading at or beyond its end, while more may come, marks it as starved:
 * what was concluded may change, and is not used.
 */
struct peek {
	const char *text;
	size_t len;
	bool last; /* no more will come */
	bool starved;
};

/* The byte at i, or -1 beyond the end. */
int peek_at(struct peek *p, size_t i);
/* Decode the character at i: its bytes, 0 beyond the end (also where one is cut there). */
size_t peek_char(struct peek *p, size_t i, uint32_t *cp);

enum block_kind {
	BLOCK_TEXT,
	BLOCK_BLANK,
	BLOCK_FENCE,   /* ``` or ~~~ */
	BLOCK_HEADING, /* # … */
	BLOCK_ROW,     /* of a table */
	BLOCK_BULLET,
	BLOCK_NUMBER,    /* 2. or 2) */
	BLOCK_DIRECTIVE, /* .. note:: */
	BLOCK_FIELD,     /* :param x: */
	BLOCK_RULE,      /* ===== and the like, under or over a title, or between parts */
};

struct block {
	enum block_kind kind;
	size_t indent; /* columns before the first character, quote marks taken off */
	size_t first;  /* offset of the first character */
	size_t marker; /* bytes of a list item's, field's or directive's marker with its space, else
			  0 */
	unsigned number; /* BLOCK_NUMBER; 0 for letters and # */
};

/* Classify the line that begins at `at`. */
void block_read(struct peek *p, size_t at, struct block *out);

/* The offset of the newline of the line at `at`, or the end of the text, or at + max if that is
 * less. */
size_t block_line_end(struct peek *p, size_t at, size_t max);

#endif
