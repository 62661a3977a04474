/*
 * Extracted text, for the formats whose text is made rather than pointed at: appended piece by
 * piece, white space collapsed, blocks set apart by a blank line, every byte with its place in the
 * source.
 */
#ifndef RETRIEVAL_EXTRACT_H
#define RETRIEVAL_EXTRACT_H

#include <stdbool.h>
#include <stddef.h>

#include "retrieval/formats/format_out.h"

/* What comes between two pieces of text of one block; the strongest of several wins. */
enum extract_gap { EXTRACT_NONE, EXTRACT_SPACE, EXTRACT_CELL, EXTRACT_LINE };

struct extractor {
	struct format_out *out;
	enum format_block_kind kind; /* of the block that is open, else of the next */
	unsigned level;              /* of a heading */
	bool open;
	bool item;       /* the next block begins with "- " */
	bool after_item; /* the last one did */
	enum extract_gap gap;
	size_t block_start; /* in out->text */
	size_t source_end;  /* the content before it is used */
};

/* Text as it is, at content[at]; len > 0. Opens a block if none is. */
void extract_add(struct extractor *x, const char *s, size_t len, size_t at);
/* content[start .. end), white space collapsed. */
void extract_words(struct extractor *x, size_t start, size_t end);
/* A gap before the next text of this block. */
void extract_gap(struct extractor *x, enum extract_gap gap);
/* The block ends, if one is open; the next is of this kind. */
void extract_break(struct extractor *x, enum format_block_kind next);

#endif
