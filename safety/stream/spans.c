#include "safety/stream/spans.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void spans_add(struct spans *s, const struct text_span *span)
{
	if (s->failed)
		return;
	if (!array_reserve(&s->item, &s->cap, s->n + 1, sizeof(*s->item))) {
		s->failed = true;
		return;
	}
	s->item[s->n++] = *span;
}

void spans_drop(struct spans *s, size_t n)
{
	s->n -= n;
	if (n > 0 && s->n > 0)
		memmove(s->item, s->item + n, s->n * sizeof(*s->item));
}

void spans_clear(struct spans *s)
{
	s->n = 0;
	s->failed = false;
}

void spans_fini(struct spans *s)
{
	free(s->item);
	*s = (struct spans){ 0 };
}

static int span_cmp(const void *pa, const void *pb)
{
	const struct text_span *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->joins != b->joins)
		return a->joins ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return 0;
}

void spans_sort(struct spans *s)
{
	if (s->n > 1)
		qsort(s->item, s->n, sizeof(*s->item), span_cmp);
}
