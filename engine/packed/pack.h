/*
 * Weights as the kernels read them. A matrix W (rows x cols, y = W x) is repacked once, when a
 * model is loaded, so that 16 rows lie side by side and one vector register holds the same four
 * columns of all of them: a product then needs no shuffle and no sum across lanes, memory is read
 * in one straight line, and prefill and decode share one layout.
 *
 * Rows come in groups of PACK_ROWS, the last one filled up with zeros. Numbers in a block keep the
 * precision of the file and take its room within a few percent: unpacking gives what quant_unpack()
 * gives, to the bit. forms.h has the exact offsets of every form.
 */
#ifndef ENGINE_PACKED_PACK_H
#define ENGINE_PACKED_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/quant/types.h"

#define PACK_ROWS  16
#define PACK_BLOCK 32 /* columns that share a scale of the activations */

/* A matrix in the file's layout: rows of whole blocks, one after another. */
struct weight_matrix {
	enum quant_type type;
	uint32_t cols;
	uint32_t rows;
	const void *data;
};

/* The same, packed. `data` is aligned to 64 bytes. */
struct packed {
	enum quant_type type; /* which form */
	uint32_t cols;
	uint32_t rows;
	size_t group_bytes; /* from one group of PACK_ROWS rows to the next; a multiple of 64 */
	const uint8_t *data;
};

/* Bytes that the packed form of a matrix takes; SIZE_MAX if it overflows. */
size_t pack_bytes(const struct weight_matrix *m);
/* Pack the groups [from, to) of m into out (pack_bytes(m), 64-aligned); any thread, any order. */
void pack_groups(const struct weight_matrix *m, uint8_t *out, size_t from, size_t to);
size_t pack_n_groups(const struct weight_matrix *m);
struct packed pack_view(const struct weight_matrix *m, const uint8_t *out);
/* Row r of the packed matrix as floats: for tests, and for the lookup of embeddings. */
void pack_row(const struct packed *p, size_t r, float *out);

#endif
