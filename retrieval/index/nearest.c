#include "retrieval/index/nearest.h"

#include <stdbool.h>

static bool hit_is_worse(const struct nearest_hit *a, const struct nearest_hit *b)
{
	return a->product != b->product ? a->product < b->product : a->place > b->place;
}

/* What stands at the top sinks to where it belongs. */
static void heap_sink(struct nearest_hit *heap, size_t n)
{
	struct nearest_hit top = heap[0];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < n) {
		if (child + 1 < n && hit_is_worse(&heap[child + 1], &heap[child]))
			child++;
		if (!hit_is_worse(&heap[child], &top))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = top;
}

static void heap_rise(struct nearest_hit *heap, size_t at)
{
	struct nearest_hit last = heap[at];

	for (; at > 0 && hit_is_worse(&last, &heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = last;
}

void nearest_add(struct nearest *near, uint32_t place, float product)
{
	struct nearest_hit hit = { place, product };

	if (near->n < near->k) {
		near->hits[near->n] = hit;
		heap_rise(near->hits, near->n++);
	} else if (near->k > 0 && hit_is_worse(&near->hits[0], &hit)) {
		near->hits[0] = hit;
		heap_sink(near->hits, near->n);
	}
}

void nearest_sort(struct nearest *near)
{
	for (size_t n = near->n; n > 1;) { /* the worst goes to the end, and so on */
		struct nearest_hit worst = near->hits[0];

		near->hits[0] = near->hits[--n];
		heap_sink(near->hits, n);
		near->hits[n] = worst;
	}
}
