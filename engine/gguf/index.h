/* Inside engine/gguf: the keys and the tensors of a model, looked up by name. */
#ifndef ENGINE_GGUF_INDEX_H
#define ENGINE_GGUF_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/plugin.h>

/*
 * Items whose first member is their name, a struct ragd_str. Sorted rather than hashed: no file can
 * choose its collisions. The items are the caller's and must stay.
 */
struct gguf_index {
	const char *items;
	size_t n;
	size_t size;     /* of an item */
	uint32_t *order; /* by name */
};

/* -ENOMEM */
int gguf_index_init(struct gguf_index *x, const void *items, size_t n, size_t size);
void gguf_index_fini(struct gguf_index *x);
/* A name that two items have, or NULL. */
const struct ragd_str *gguf_index_twice(const struct gguf_index *x);
/* The item of that name, or NULL. */
const void *gguf_index_find(const struct gguf_index *x, struct ragd_str name);

#endif
