/*
 * Arena: memory that lives exactly as long as one request. Allocation bumps a pointer, and one call
 * frees everything. One owner at a time, no locks.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include <ragd/plugin.h>

struct arena;

/* A new arena that hands out at most `limit` bytes in all; NULL when out of memory. */
struct arena *arena_new(size_t limit);
void arena_free(struct arena *a);
/* Forget every allocation; keep the first block for reuse. */
void arena_reset(struct arena *a);

/*
 * Zeroed and aligned for any type; NULL if n * size overflows, or the limit or memory is reached.
 */
void *arena_alloc(struct arena *a, size_t n, size_t size);
/* A NUL-terminated copy; NULL as above. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_strdup(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) RAGD_PRINTF(2, 3);
/* A copy of a text (NUL-terminated too); { NULL, 0 } when out of memory. */
struct ragd_str arena_str(struct arena *a, struct ragd_str s);

/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *a);

#endif
