/*
 * The innermost loops of a search: the product of a row of eight bits and a question, and the
 * number of signs in which they differ.
 */
#ifndef RETRIEVAL_INDEX_CODES_DOT_H
#define RETRIEVAL_INDEX_CODES_DOT_H

#include <stddef.h>
#include <stdint.h>

#define CODES_BLOCK 32 /* numbers at a time: rows and questions are padded to it with zeros */
/*
 * Of a question's numbers. A row of 4,096 numbers, none above 127, stays below 2^31 in whatever
 * order it is summed, so that every processor gets the same result.
 */
#define CODES_QUERY_MAX 4095

typedef int32_t codes_dot_fn(const int8_t *code, const int16_t *query, size_t n);

/* For n a multiple of CODES_BLOCK. */
int32_t codes_dot_plain(const int8_t *code, const int16_t *query, size_t n);
/* The fastest that this processor has. */
codes_dot_fn *codes_dot_choose(void);

/* Of n_rows rows of n_words words each: in how many bits each differs from `query`. */
typedef void codes_differ_fn(const uint64_t *rows, size_t n_rows, size_t n_words,
			     const uint64_t *query, uint16_t *out);

void codes_differ_plain(const uint64_t *rows, size_t n_rows, size_t n_words, const uint64_t *query,
			uint16_t *out);
codes_differ_fn *codes_differ_choose(void);

#endif
