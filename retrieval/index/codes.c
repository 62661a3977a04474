#include "retrieval/index/codes.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/util.h"

#define CODE_MAX 127

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

void codes_query_row(struct codes_query *out, const struct codes *c, size_t at)
{
	const int8_t *row = codes_row(c, at);

	out->scale = *codes_scale(c, at);
	out->n = c->stride;
	for (uint32_t i = 0; i < c->stride; i++)
		out->v[i] = row[i];
}

void codes_set(struct codes *c, size_t at, const float *x)
{
	float scale = scale_of(x, c->dim, CODE_MAX);
	int8_t *row = codes_row(c, at);

	*codes_scale(c, at) = scale;
	for (uint32_t i = 0; i < c->dim; i++)
		row[i] = scale > 0 ? (int8_t)lrintf(x[i] / scale) : 0;
}

void codes_copy(struct codes *c, size_t to, const struct codes *from, size_t at)
{
	*codes_scale(c, to) = *codes_scale(from, at);
	memmove(codes_row(c, to), codes_row(from, at), c->stride);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

struct codes *codes_new(uint32_t dim)
{
	struct codes *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->dim = dim;
	c->stride = codes_stride(dim);
	c->dot = codes_dot_choose();
	return c;
}

/* The chunks from the n-th on. */
static void drop_chunks(struct codes *c, size_t n)
{
	while (c->n_chunks > n) {
		struct codes_chunk *last = c->chunks[--c->n_chunks];

		if (c->n_chunks >= c->n_mapped)
			free(last);
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

int codes_grow(struct codes *c, size_t n)
{
	size_t n_chunks = codes_chunks(n);

	if (n <= c->n)
		return 0;
	if (reserve_chunks(c, n_chunks) < 0)
		return -ENOMEM;
	while (c->n_chunks < n_chunks) {
		struct codes_chunk *chunk = calloc(1, codes_chunk_size(c->dim));

		if (chunk == NULL)
			return -ENOMEM;
		c->chunks[c->n_chunks++] = chunk;
	}
	c->n = n;
	return 0;
}

void codes_shrink(struct codes *c, size_t n)
{
	for (size_t at = n; at < MIN(c->n, codes_chunks(n) * CODES_CHUNK); at++) {
		*codes_scale(c, at) = 0;
		memset(codes_row(c, at), 0, c->stride);
	}
	c->n = MIN(n, c->n);
	drop_chunks(c, codes_chunks(c->n));
}

int codes_map(struct codes *c, int fd, size_t offset, size_t n)
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
	if (reserve_chunks(c, n_chunks) < 0)
		return -ENOMEM;
	map = mmap(NULL, n_chunks * size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)offset);
	if (map == MAP_FAILED)
		return -errno;
	for (size_t i = 0; i < n_chunks; i++)
		c->chunks[i] = (struct codes_chunk *)(map + i * size);
	c->map = map;
	c->map_len = n_chunks * size;
	c->n_chunks = c->n_mapped = n_chunks;
	c->n = n;
	return 0;
}
