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

/* Does the note stand in it already, as whole lines? */
static bool notes_have(const struct notes *notes, struct ragd_str note)
{
	const char *at = notes->s, *end;

	if (notes->len == 0) /* and s may be NULL, to which nothing can be added */
		return false;
	end = at + notes->len;
	while (at != NULL && (size_t)(end - at) >= note.len) {
		if (memcmp(at, note.s, note.len) == 0 &&
		    (at + note.len == end || at[note.len] == '\n'))
			return true;
		at = memchr(at, '\n', (size_t)(end - at));
		if (at != NULL)
			at++;
	}
	return false;
}

void notes_add(struct notes *notes, struct arena *arena, struct ragd_str note)
{
	size_t need = notes->len + 1 + note.len;

	if (note.len == 0 || notes_have(notes, note))
		return;
	if (need > notes->cap) {
		size_t cap = MAX(2 * notes->cap, need);
		char *s = arena_alloc(arena, cap, 1);

		if (s == NULL)
			return;
		if (notes->len > 0)
			memcpy(s, notes->s, notes->len);
		notes->s = s;
		notes->cap = cap;
	}
	if (notes->len > 0)
		notes->s[notes->len++] = '\n';
	memcpy(notes->s + notes->len, note.s, note.len);
	notes->len += note.len;
}

struct ragd_str notes_str(const struct notes *notes)
{
	return (struct ragd_str){ notes->s, notes->len };
}

enum ragd_action action_max(enum ragd_action a, enum ragd_action b)
{
	return MAX(a, b);
}
