#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define BLOCK_MIN 4096
#define ALIGN     16

struct block {
	struct block *next;
	size_t size; /* bytes in data */
	size_t used;
	_Alignas(ALIGN) char data[];
};

struct arena {
	struct block *head; /* the block that is filled now; older ones follow */
	size_t limit;
	size_t used;
};

struct arena *arena_new(size_t limit)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a != NULL)
		a->limit = limit;
	return a;
}

void arena_free(struct arena *a)
{
	struct block *b, *next;

	if (a == NULL)
		return;
	for (b = a->head; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

void arena_reset(struct arena *a)
{
	struct block *b, *next;

	for (b = a->head; b != NULL && b->next != NULL; b = next) {
		next = b->next;
		free(b);
	}
	a->head = b;
	if (b != NULL)
		b->used = 0;
	a->used = 0;
}

static struct block *block_add(struct arena *a, size_t need)
{
	/* Doubling keeps the number of blocks logarithmic in what a request needs. */
	size_t size = MAX(need, a->head != NULL ? 2 * a->head->size : (size_t)BLOCK_MIN);
	struct block *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->next = a->head;
	b->size = size;
	b->used = 0;
	a->head = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
	struct block *b = a->head;
	size_t len;
	void *p;

	if (__builtin_mul_overflow(n, size, &len) || len > SIZE_MAX - ALIGN)
		return NULL;
	len = MAX((len + ALIGN - 1) & ~(size_t)(ALIGN - 1), (size_t)ALIGN);
	if (len > a->limit - a->used)
		return NULL;
	if ((b == NULL || len > b->size - b->used) && (b = block_add(a, len)) == NULL)
		return NULL;
	p = b->data + b->used;
	b->used += len;
	a->used += len;
	return memset(p, 0, len);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = len < SIZE_MAX ? arena_alloc(a, len + 1, 1) : NULL;

	if (p != NULL && len > 0)
		memcpy(p, s, len);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0 || (p = arena_alloc(a, (size_t)len + 1, 1)) == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return p;
}

struct ragd_str arena_str(struct arena *a, struct ragd_str s)
{
	char *p = arena_strndup(a, s.s, s.len);

	return p != NULL ? (struct ragd_str){ p, s.len } : (struct ragd_str){ NULL, 0 };
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
