/* The form that most families share: for each message a head, its text and a tail. */
#include "engine/chat/family.h"

#include <string.h>

static int refuse_system(const struct chat_turns *t, const struct chat_out *o)
{
	return ragd_err_set(o->err, -EINVAL, "%s",
			    t->system_complaint != NULL
				    ? t->system_complaint
				    : "the template has no place for a system message");
}

static int turns_check(const struct chat_turns *t, const struct chat_out *o,
		       const struct ragd_message *m, size_t n)
{
	size_t first = n > 0 && m[0].role == RAGD_ROLE_SYSTEM;
	int rc = 0;

	if (t->flags & TURNS_FIRST)
		rc = chat_not_empty(o, n);
	if (rc == 0 && t->role[RAGD_ROLE_SYSTEM].head == NULL && first)
		rc = refuse_system(t, o);
	if (rc == 0 && (t->flags & TURNS_ALTERNATE))
		rc = chat_alternate(o, m + first, n - first, CHAT_ALTERNATE);
	for (size_t i = first; rc == 0 && i < n; i++)
		if (t->role[m[i].role].head == NULL)
			rc = refuse_system(t, o);
	return rc;
}

static void turn_render(const struct chat_turns *t, struct chat_out *o,
			const struct ragd_message *m)
{
	const struct chat_role *r = &t->role[m->role];

	if ((t->flags & TURNS_HIDE) && m->role == RAGD_ROLE_SYSTEM && m->text.len == 0)
		return;
	chat_own(o, r->head);
	chat_text(o, r->trim ? chat_trimmed(m->text) : m->text);
	chat_own(o, r->tail);
}

int chat_turns(const void *form, struct chat_out *o, const struct ragd_message *m, size_t n)
{
	const struct chat_turns *t = form;
	int rc = turns_check(t, o, m, n);

	if (rc < 0)
		return rc;
	if (t->begin != NULL)
		chat_own(o, t->begin);
	if (n > 0 && (t->flags & TURNS_BOS))
		chat_own(o, BOS);
	if (n > 0 && m[0].role != RAGD_ROLE_SYSTEM && t->no_system != NULL)
		chat_own(o, t->no_system);
	for (size_t i = 0; i < n; i++)
		turn_render(t, o, &m[i]);
	if (n == 0 && (t->flags & TURNS_LAST))
		return 0;
	if (o->ctx->generation_prompt || (t->flags & TURNS_ALWAYS)) {
		if (t->prompt != NULL)
			chat_own(o, t->prompt);
	} else if (t->closed != NULL) {
		chat_own(o, t->closed);
	} else if (t->closed_answer != NULL && n > 0 && m[n - 1].role == RAGD_ROLE_ASSISTANT) {
		chat_own(o, t->closed_answer);
	}
	return 0;
}
