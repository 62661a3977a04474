/* The product of a row of eight bits and a question: the innermost loop of a search. */
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

#endif
