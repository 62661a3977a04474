/*
 * Vectors in eight bits a number, at places 0 .. n - 1. Each row has a scale of its own, from its
 * own largest number: what is stored of one says nothing about another, and the same vector gives
 * the same row wherever it stands. Next to it stand its signs, a bit a number: in how many of them
 * a row and a question differ tells about how far apart they are, for an eighth of what the row
 * costs to read. Rows lie in chunks, so that growing copies nothing, and a file's can be mapped.
 * Whoever shares them keeps changes and searches apart.
 */
#ifndef RETRIEVAL_INDEX_CODES_H
#define RETRIEVAL_INDEX_CODES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "retrieval/index/codes_dot.h"

#define CODES_CHUNK   256 /* rows */
#define CODES_DIM_MAX 4096

/* A question, made once for many rows. */
struct codes_query {
	float scale;
	uint32_t n; /* a multiple of CODES_BLOCK */
	int16_t v[];
};

static inline uint32_t codes_stride(uint32_t dim)
{
	return (dim + CODES_BLOCK - 1) / CODES_BLOCK * CODES_BLOCK;
}

static inline size_t codes_query_size(uint32_t dim)
{
	return sizeof(struct codes_query) + codes_stride(dim) * sizeof(int16_t);
}

/* From q[dim] into codes_query_size(dim) bytes. */
void codes_query_set(struct codes_query *out, const float *q, uint32_t dim);

/* The scales of its rows, then the rows. */
struct codes_chunk {
	float scales[CODES_CHUNK];
	int8_t rows[];
};

static inline size_t codes_chunk_size(uint32_t dim)
{
	return sizeof(struct codes_chunk) + (size_t)CODES_CHUNK * codes_stride(dim);
}

static inline uint32_t codes_sign_words(uint32_t dim)
{
	return (dim + 63) / 64;
}

struct codes {
	uint32_t dim;
	uint32_t stride;
	uint32_t sign_words; /* of a row */
	size_t n;
	struct codes_chunk **chunks;
	uint64_t *signs; /* [cap_signs][sign_words]: in one piece, a search reads all */
	size_t cap_signs;
	size_t n_chunks; /* that are there */
	size_t cap_chunks;
	size_t n_mapped; /* the first of them, which lie in `map` */
	codes_dot_fn *dot;
	void *map;
	size_t map_len;
	uint64_t *sums;          /* [n_checks]: what the bytes of each mapped chunk come to */
	_Atomic uint8_t *checks; /* and whether they did: enum codes_check */
	size_t n_checks;
};

enum codes_check { CODES_UNCHECKED, CODES_WHOLE, CODES_DAMAGED };

/* hash_bytes() of a chunk. */
uint64_t codes_chunk_sum(const struct codes *c, size_t i);
/* Whether a mapped chunk is what was written; it is read when this is first asked. */
bool codes_chunk_check(const struct codes *c, size_t i);

/* Whether one was found that is damaged. */
bool codes_is_damaged(const struct codes *c);

static inline bool codes_chunk_is_whole(const struct codes *c, size_t i)
{
	return i >= c->n_mapped ||
	       atomic_load_explicit(&c->checks[i], memory_order_relaxed) == CODES_WHOLE ||
	       codes_chunk_check(c, i);
}

/* NULL: out of memory. dim is at most CODES_DIM_MAX. */
struct codes *codes_new(uint32_t dim);
/* Accepts NULL. */
void codes_free(struct codes *c);

static inline size_t codes_chunks(size_t n)
{
	return (n + CODES_CHUNK - 1) / CODES_CHUNK;
}

static inline float *codes_scale(const struct codes *c, size_t at)
{
	return &c->chunks[at / CODES_CHUNK]->scales[at % CODES_CHUNK];
}

static inline int8_t *codes_row(const struct codes *c, size_t at)
{
	return c->chunks[at / CODES_CHUNK]->rows + at % CODES_CHUNK * c->stride;
}

static inline size_t codes_signs_size(const struct codes *c)
{
	return c->n * c->sign_words * sizeof(*c->signs);
}

static inline uint64_t *codes_signs(const struct codes *c, size_t at)
{
	return c->signs + at * c->sign_words;
}

/* At least n, those that are new all zeros; -ENOMEM. */
int codes_grow(struct codes *c, size_t n);
/* Only the first n. */
void codes_shrink(struct codes *c, size_t n);

void codes_set(struct codes *c, size_t at, const float *x);
void codes_move(struct codes *c, size_t to, size_t at);

#define CODES_NONE (-2.0f) /* less than any product of unit vectors */

/* CODES_NONE: the row is lost. */
static inline float codes_product(const struct codes *c, size_t at, const struct codes_query *q)
{
	if (!codes_chunk_is_whole(c, at / CODES_CHUNK))
		return CODES_NONE;
	return *codes_scale(c, at) * q->scale * (float)c->dot(codes_row(c, at), q->v, c->stride);
}

/*
 * At `offset`, a multiple of the page size, an open file has codes_chunks(n) chunks, and then the
 * signs of n rows. Chunks are mapped, and what is changed is changed in memory alone; signs are
 * read. `c` is empty. sums[codes_chunks(n)] are those of the chunks, which are looked at when a
 * search first comes to one: rows of one that is damaged are lost. -EBADMSG: the file is too short.
 */
int codes_map(struct codes *c, int fd, size_t offset, size_t n, const uint64_t *sums);

#endif
