/* GGUF files built in memory, piece by piece, also such as no writer would write. */
#ifndef TESTS_ENGINE_GGUF_BUILD_H
#define TESTS_ENGINE_GGUF_BUILD_H

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "engine/gguf/gguf.h"

static inline void put_u32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof(v));
}

static inline void put_u64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof(v));
}

static inline void put_str(struct buf *b, const char *s)
{
	put_u64(b, strlen(s));
	buf_adds(b, s);
}

static inline void put_head(struct buf *b, uint32_t version, uint64_t n_tensors, uint64_t n_keys)
{
	buf_adds(b, "GGUF");
	put_u32(b, version);
	put_u64(b, n_tensors);
	put_u64(b, n_keys);
}

/* A key and its type; the value comes next. */
static inline void put_key(struct buf *b, const char *key, uint32_t type)
{
	put_str(b, key);
	put_u32(b, type);
}

static inline void put_scalar(struct buf *b, const char *key, uint32_t type, const void *v,
			      size_t n)
{
	put_key(b, key, type);
	buf_add(b, v, n);
}

static inline void put_key_u32(struct buf *b, const char *key, uint32_t v)
{
	put_scalar(b, key, GGUF_U32, &v, sizeof(v));
}

static inline void put_key_u16(struct buf *b, const char *key, uint16_t v)
{
	put_scalar(b, key, GGUF_U16, &v, sizeof(v));
}

static inline void put_key_str(struct buf *b, const char *key, const char *v)
{
	put_key(b, key, GGUF_STRING);
	put_str(b, v);
}

static inline void put_array(struct buf *b, const char *key, uint32_t type, uint64_t n)
{
	put_key(b, key, GGUF_ARRAY);
	put_u32(b, type);
	put_u64(b, n);
}

/* A tensor of two dimensions. */
static inline void put_tensor(struct buf *b, const char *name, uint64_t columns, uint64_t rows,
			      uint32_t type, uint64_t offset)
{
	put_str(b, name);
	put_u32(b, 2);
	put_u64(b, columns);
	put_u64(b, rows);
	put_u32(b, type);
	put_u64(b, offset);
}

/* Zeros up to the next multiple of `to`. */
static inline void put_pad(struct buf *b, size_t to)
{
	while (b->len % to != 0)
		buf_addc(b, '\0');
}

static inline void put_zeros(struct buf *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addc(b, '\0');
}

#endif
