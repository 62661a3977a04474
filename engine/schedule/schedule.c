/* What goes into the next step. */
#include "engine/schedule/schedule.h"

#include "base/util.h"

size_t schedule_budget(const struct step_cost *p, size_t n_streams, size_t rows, size_t step_tokens,
		       double max_gap)
{
	return n_streams == 0 ? step_tokens : MIN(step_cost_slice(p, rows, max_gap), step_tokens);
}

bool schedule_before(const struct schedule_seq *a, const struct schedule_seq *b)
{
	double x = a->used + (double)a->left, y = b->used + (double)b->left;

	if (a->begun != b->begun)
		return a->begun;
	if (!a->begun && x != y)
		return x < y;
	return a->id < b->id;
}

void schedule_step(struct schedule_seq *v, size_t n, size_t budget)
{
	for (size_t i = 0; i < n; i++)
		v[i].take = v[i].streams ? 1 : 0;
	while (budget > 0) {
		struct schedule_seq *next = NULL;

		for (size_t i = 0; i < n; i++)
			if (v[i].take == 0 && (next == NULL || schedule_before(&v[i], next)))
				next = &v[i];
		if (next == NULL)
			break;
		next->take = MIN(next->left, budget);
		budget -= next->take;
	}
}
