/* Arrays that grow. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/* The slow half of array_reserve(). */
bool array_grow(void *array, size_t *cap, size_t n, size_t size);

/*
 * Room for n elements of `size` bytes in the malloc'd array whose pointer is at `array` (its
 * address: &list->items) and whose capacity is *cap; NULL and 0 to begin with. Capacity doubles, so
 * that n pushes cost n; new elements are not zeroed. False when out of memory, and then the array
 * is as it was, and still the owner's to free.
 */
static inline bool array_reserve(void *array, size_t *cap, size_t n, size_t size)
{
	return n <= *cap || array_grow(array, cap, n, size);
}

#endif
