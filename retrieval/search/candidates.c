#include "retrieval/search/candidates.h"

#include <errno.h>

#include "base/array.h"

int candidates_push(struct candidates *list, uint32_t passage, uint32_t document,
		    uint32_t collection, float lexical, float vector)
{
	if (!array_reserve(&list->p, &list->cap, list->n + 1, sizeof(*list->p)))
		return -ENOMEM;
	list->p[list->n++] = (struct search_candidate){ passage, document, collection,
							lexical, vector,   lexical };
	return 0;
}

/* Equal scores: the passage added first is first, so that results do not depend on chance. */
static bool is_better(const struct search_candidate *a, const struct search_candidate *b)
{
	return a->score != b->score ? a->score > b->score : a->passage < b->passage;
}

static void sift_down(struct candidates *list, size_t at)
{
	for (;;) {
		size_t best = at, child = 2 * at + 1;
		struct search_candidate swap;

		if (child < list->n && is_better(&list->p[child], &list->p[best]))
			best = child;
		if (child + 1 < list->n && is_better(&list->p[child + 1], &list->p[best]))
			best = child + 1;
		if (best == at)
			return;
		swap = list->p[at];
		list->p[at] = list->p[best];
		list->p[best] = swap;
		at = best;
	}
}

void candidates_order(struct candidates *list)
{
	for (size_t i = list->n / 2; i-- > 0;)
		sift_down(list, i);
}

bool candidates_pop(struct candidates *list, struct search_candidate *out)
{
	if (list->n == 0)
		return false;
	*out = list->p[0];
	list->p[0] = list->p[--list->n];
	sift_down(list, 0);
	return true;
}
