/*
 * The pieces that passages are packed from: whole blocks, and parts of those that are too long to
 * stay whole. Between two pieces of one block stands white space only, or nothing.
 */
#ifndef RETRIEVAL_CHUNK_PIECES_H
#define RETRIEVAL_CHUNK_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "retrieval/passages/chunk.h"

struct chunk_piece {
	uint32_t start; /* text[start .. end) of the document */
	uint32_t end;
	uint32_t section;
	uint8_t kind;   /* of its block */
	bool apart;     /* after text that belongs to no block: nothing is joined over that */
	bool whole;     /* a whole block */
	bool announces; /* what follows should not be parted from it: a heading, "for example:" */
};

/* A heading with what it heads, up to the next heading; the first one stands before any heading. */
struct section {
	uint32_t parent; /* index; of the first: itself */
	uint32_t label;  /* index + 1; 0: none */
	uint8_t level;   /* 0: before any heading */
};

struct pieces {
	struct chunk_piece *v;
	size_t n;
	size_t cap;
	struct section *sections;
	size_t n_sections;
	size_t cap_sections;
};

/* Returns 0 or -ENOMEM; in either case pieces_fini. */
int pieces_cut(struct pieces *p, const struct format_document *doc, const struct chunk_options *o);
void pieces_fini(struct pieces *p);

#endif
