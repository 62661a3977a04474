#include "daemon/flow/findings.h"

#include <string.h>

#include "base/util.h"

void findings_add(struct findings *list, const struct finding *f)
{
	struct finding *v;

	if (list->n == list->cap) {
		size_t cap = list->cap > 0 ? 2 * list->cap : 8;

		v = arena_alloc(list->arena, cap, sizeof(*v));
		if (v == NULL)
			return;
		if (list->n > 0)
			memcpy(v, list->v, list->n * sizeof(*v));
		list->v = v;
		list->cap = cap;
	}
	v = &list->v[list->n];
	*v = *f;
	v->category = arena_strdup(list->arena, f->category);
	v->rule = f->rule != NULL ? arena_strdup(list->arena, f->rule) : NULL;
	if (v->category != NULL)
		list->n++;
}

void findings_undo(struct findings *list)
{
	list->n = list->n_before;
}

enum ragd_action action_max(enum ragd_action a, enum ragd_action b)
{
	return MAX(a, b);
}

const char *action_name(enum ragd_action action)
{
	static const char *const names[] = { "allow", "steer", "redact", "block" };

	return (unsigned)action < ARRAY_LEN(names) ? names[action] : "block";
}

const char *stage_name(enum ragd_stage stage)
{
	static const char *const names[] = { "prompt", "document", "response" };

	return (unsigned)stage < ARRAY_LEN(names) ? names[stage] : "?";
}
