/*
 * Forward passes over sequences of one's own, without the engine: for what wants logits of every
 * place, or the time of exactly one step.
 */
#ifndef MODEL_PASS_H
#define MODEL_PASS_H

#include "tools/model/load.h"

struct pass {
	const struct loaded *l;
	struct run *run;
	uint8_t *memory; /* of all pages */
	uint8_t **pages; /* [n_seqs][n_pages] */
	size_t n_seqs;
	size_t n_pages; /* of a sequence */
	size_t max_tokens;
	struct segment *segments; /* [n_seqs] */
};

/*
 * Room for n_seqs sequences of n_context tokens; a pass takes max_tokens, gives max_outputs rows.
 */
int pass_open(const struct loaded *l, size_t n_seqs, size_t n_context, size_t max_tokens,
	      size_t max_outputs, struct pass *p, struct ragd_err *err);
void pass_close(struct pass *p);

/*
 * Read ids[0..n) into sequence `seq` from position `first` on, as many passes as it takes. The last
 * n_outputs of them (at most what one pass gives) have their logits in *rows, [n_outputs][n_vocab],
 * valid until the next pass; rows may be NULL where n_outputs is 0.
 */
int pass_read(struct pass *p, size_t seq, const int32_t *ids, size_t n, size_t first,
	      size_t n_outputs, const float **rows, struct ragd_err *err);
/* One token of each sequence, ids[n_seqs], all at position `at`; rows [n_seqs][n_vocab]. */
int pass_step(struct pass *p, const int32_t *ids, size_t at, const float **rows,
	      struct ragd_err *err);

#endif
