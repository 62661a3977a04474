/*
 * Growing byte buffer. It remembers that memory ran out: append freely, check buf_failed() once.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <ragd/plugin.h>

struct buf {
	char *data; /* NUL-terminated once anything was appended; NULL before */
	size_t len;
	size_t cap;
	bool failed;
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		NULL, 0, 0, false                                                                  \
	}

void buf_fini(struct buf *b);
/* Forget the content, keep the memory. */
void buf_clear(struct buf *b);
/* The slow half of buf_add(), which takes more memory if it needs any. */
void buf_add_growing(struct buf *b, const void *data, size_t len);

static inline void buf_add(struct buf *b, const void *data, size_t len)
{
	if (b->failed || len >= b->cap - b->len || len == 0) {
		buf_add_growing(b, data, len);
		return;
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

static inline void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_adds(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) RAGD_PRINTF(2, 3);
/* Drop the first n bytes. */
void buf_consume(struct buf *b, size_t n);
bool buf_failed(const struct buf *b);
struct ragd_str buf_str(const struct buf *b);
/* Hand the memory over to the caller, to be freed with free(); NULL if an append failed. */
char *buf_steal(struct buf *b, size_t *len);

#endif
