#include "retrieval/index/codes.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/util.h"

#define CODE_MAX 127

/* ---- what is mapped -------------------------------------------------------------------------- */

/*
 * Whether a mapped chunk is what was written can be told until its first change. What is lost by
 * then stays lost.
 */
static void before_change(struct codes *c, size_t at)
{
	(void)codes_chunk_is_whole(c, at / CODES_CHUNK);
}

uint64_t codes_chunk_sum(const struct codes *c, size_t i)
{
	return hash_bytes((const char *)c->chunks[i], codes_chunk_size(c->dim));
}

/* Two searches may do it at the same time, with the same result. */
bool codes_chunk_check(const struct codes *c, size_t i)
{
	if (c->checks[i] == CODES_UNCHECKED)
		c->checks[i] = codes_chunk_sum(c, i) == c->sums[i] ? CODES_WHOLE : CODES_DAMAGED;
	return c->checks[i] == CODES_WHOLE;
}

bool codes_is_damaged(const struct codes *c)
{
	for (size_t i = 0; i < c->n_checks; i++)
		if (c->checks[i] == CODES_DAMAGED)
			return true;
	return false;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* What one step is worth, if the largest of x[n] takes `steps`; 0: all are zeros. */
static float scale_of(const float *x, uint32_t n, float steps)
{
	float most = 0;

	for (uint32_t i = 0; i < n; i++)
		most = MAX(most, fabsf(x[i]));
	return most / steps;
}

void codes_query_set(struct codes_query *out, const float *q, uint32_t dim)
{
	float scale = scale_of(q, dim, CODES_QUERY_MAX);

	out->scale = scale;
	out->n = codes_stride(dim);
	memset(out->v, 0, out->n * sizeof(*out->v));
	for (uint32_t i = 0; scale > 0 && i < dim; i++)
		out->v[i] = (int16_t)lrintf(q[i] / scale);
}

void codes_set(struct codes *c, size_t at, const float *x)
{
	float scale = scale_of(x, c->dim, CODE_MAX);
	uint64_t *signs = codes_signs(c, at);
	int8_t *row = codes_row(c, at);

	before_change(c, at);
	*codes_scale(c, at) = scale;
	memset(signs, 0, c->sign_words * sizeof(*signs));
	for (uint32_t i = 0; i < c->dim; i++) {
		row[i] = scale > 0 ? (int8_t)lrintf(x[i] / scale) : 0;
		signs[i / 64] |= (uint64_t)(row[i] > 0) << (i % 64);
	}
}

void codes_move(struct codes *c, size_t to, size_t at)
{
	before_change(c, to);
	if (codes_chunk_is_whole(c, at / CODES_CHUNK)) {
		*codes_scale(c, to) = *codes_scale(c, at);
		memmove(codes_row(c, to), codes_row(c, at), c->stride);
	} else {
		*codes_scale(c, to) = 0; /* near to nothing */
	}
	memmove(codes_signs(c, to), codes_signs(c, at), c->sign_words * sizeof(uint64_t));
}

/* ---- chunks ---------------------------------------------------------------------------------- */

struct codes *codes_new(uint32_t dim)
{
	struct codes *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->dim = dim;
	c->stride = codes_stride(dim);
	c->sign_words = codes_sign_words(dim);
	c->dot = codes_dot_choose();
	return c;
}

/* The chunks from the n-th on. */
static void drop_chunks(struct codes *c, size_t n)
{
	while (c->n_chunks > n) {
		c->n_chunks--;
		if (c->n_chunks >= c->n_mapped)
			free(c->chunks[c->n_chunks]);
		else
			c->n_mapped--;
	}
	if (c->n_mapped == 0 && c->map != NULL) {
		munmap(c->map, c->map_len);
		c->map = NULL;
	}
}

void codes_free(struct codes *c)
{
	if (c == NULL)
		return;
	drop_chunks(c, 0);
	free(c->chunks);
	free(c->sums);
	free(c->checks);
	free(c->signs);
	free(c);
}

static int reserve_chunks(struct codes *c, size_t n)
{
	size_t cap = MAX(n, c->cap_chunks + c->cap_chunks / 2);
	struct codes_chunk **p;

	if (n <= c->cap_chunks)
		return 0;
	p = reallocarray(c->chunks, cap, sizeof(*p));
	if (p == NULL)
		return -ENOMEM;
	c->chunks = p;
	c->cap_chunks = cap;
	return 0;
}

/* For so many rows, no fewer than there are. Large ones move without being copied. */
static int resize_signs(struct codes *c, size_t cap)
{
	uint64_t *p = reallocarray(c->signs, MAX(cap, (size_t)1), c->sign_words * sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	c->signs = p;
	c->cap_signs = cap;
	return 0;
}

int codes_grow(struct codes *c, size_t n)
{
	size_t n_chunks = codes_chunks(n);

	if (n <= c->n)
		return 0;
	if (reserve_chunks(c, n_chunks) < 0)
		return -ENOMEM;
	if (n > c->cap_signs && resize_signs(c, MAX(n, c->cap_signs + c->cap_signs / 4)) < 0)
		return -ENOMEM;
	while (c->n_chunks < n_chunks) {
		struct codes_chunk *chunk = calloc(1, codes_chunk_size(c->dim));

		if (chunk == NULL)
			return -ENOMEM;
		c->chunks[c->n_chunks++] = chunk;
	}
	memset(codes_signs(c, c->n), 0, (n - c->n) * c->sign_words * sizeof(*c->signs));
	c->n = n;
	return 0;
}

void codes_shrink(struct codes *c, size_t n)
{
	if (n < c->n && n % CODES_CHUNK != 0)
		before_change(c, n);
	for (size_t at = n; at < MIN(c->n, codes_chunks(n) * CODES_CHUNK); at++) {
		*codes_scale(c, at) = 0;
		memset(codes_row(c, at), 0, c->stride);
	}
	c->n = MIN(n, c->n);
	drop_chunks(c, codes_chunks(c->n));
	if (c->cap_signs > 2 * c->n + CODES_CHUNK)
		(void)resize_signs(c, c->n); /* if it fails, it keeps what it has */
}

static int read_signs(struct codes *c, int fd, size_t offset)
{
	size_t len = codes_signs_size(c), at = 0;

	while (at < len) {
		ssize_t got = pread(fd, (char *)c->signs + at, len - at, (off_t)(offset + at));

		if (got <= 0)
			return got == 0 ? -EBADMSG : -errno;
		at += (size_t)got;
	}
	return 0;
}

int codes_map(struct codes *c, int fd, size_t offset, size_t n, const uint64_t *sums)
{
	size_t size = codes_chunk_size(c->dim), n_chunks = codes_chunks(n);
	struct stat st;
	char *map;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((size_t)st.st_size < offset || ((size_t)st.st_size - offset) / size < n_chunks)
		return -EBADMSG;
	if (n == 0)
		return 0;
	c->sums = malloc(n_chunks * sizeof(*c->sums));
	c->checks = calloc(n_chunks, sizeof(*c->checks));
	if (c->sums == NULL || c->checks == NULL || reserve_chunks(c, n_chunks) < 0 ||
	    resize_signs(c, n) < 0)
		return -ENOMEM;
	memcpy(c->sums, sums, n_chunks * sizeof(*sums));
	c->n_checks = n_chunks;
	map = mmap(NULL, n_chunks * size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)offset);
	if (map == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < n_chunks; i++)
		c->chunks[i] = (struct codes_chunk *)(map + i * size);
	c->map = map;
	c->map_len = n_chunks * size;
	c->n_chunks = c->n_mapped = n_chunks;
	c->n = n;
	return read_signs(c, fd, offset + c->map_len);
}
