/*
 * Byte-pair merging: of all neighbours in a piece of text that make a token together, the two that
 * do so first in the vocabulary's order (the leftmost of equals) become one, until none are left. A
 * heap finds them, so that time grows as n log n for any text; short pieces are looked through
 * instead.
 */
#ifndef ENGINE_TOKEN_MERGE_H
#define ENGINE_TOKEN_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct poll;
struct vocab;

#define MERGE_END UINT32_MAX

struct merge_symbol {
	uint32_t pos; /* in the piece */
	uint32_t len; /* 0: became part of the one before */
	uint32_t prev, next;
	int32_t id;     /* TOKEN_NONE: no token has this text */
	int32_t joined; /* what this and the next would become; TOKEN_NONE */
	uint32_t rank;  /* of that */
};

struct merge_candidate {
	uint64_t order; /* rank, then place */
	int32_t id;
};

/* All zero to begin with; used for one piece after the other. */
struct merge {
	struct merge_symbol *symbols; /* the first is 0, then along `next` */
	uint32_t n, cap;
	struct merge_candidate *heap;
	size_t n_heap, cap_heap;
	size_t n_steps; /* on the heap, since they were last counted */
};

void merge_fini(struct merge *m);

/*
 * Merge a piece, not empty: of bytes for byte-level BPE, of characters for SentencePiece. The
 * symbols lie in m until the next call. -ENOMEM, or what poll says.
 */
int merge_piece(struct merge *m, const struct vocab *v, const char *s, size_t len,
		struct poll *poll);

#endif
