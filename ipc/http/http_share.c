#include "ipc/http/http_share.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/util.h"

struct share *share_new(void)
{
	struct share *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->n_refs = 1;
	return s;
}

struct share *share_ref(struct share *s)
{
	s->n_refs++;
	return s;
}

void share_unref(struct share *s)
{
	if (s == NULL || --s->n_refs > 0)
		return;
	free(s->users);
	free(s);
}

static struct share_user *user_find(const struct share *s, uid_t uid)
{
	for (size_t i = 0; i < s->n_users; i++)
		if (s->users[i].uid == uid)
			return &s->users[i];
	return NULL;
}

static struct share_user *user_add(struct share *s, uid_t uid)
{
	if (!array_reserve(&s->users, &s->cap_users, s->n_users + 1, sizeof(*s->users)))
		return NULL;
	s->users[s->n_users] = (struct share_user){ .uid = uid };
	return &s->users[s->n_users++];
}

static enum share_answer share_decide(const struct share *s, enum share_kind kind, size_t own,
				      size_t n, bool reserved, bool admin)
{
	const struct share_bounds *b = &s->bounds[kind];
	size_t left = b->all - MIN(b->all, s->held[kind]);

	if (n > left)
		return SHARE_FULL;
	if (own > b->per_user || n > b->per_user - own)
		return SHARE_OWN_FULL;
	if (admin)
		return SHARE_OK;
	left -= n;
	if (!reserved)
		left -= MIN(left, b->reserve);
	if (own + n <= left)
		return SHARE_OK;
	/*
	 * A user that holds much of what was left has reached its own bound; one with little met
	 * everybody's.
	 */
	return own > left / 2 ? SHARE_OWN_FULL : SHARE_FULL;
}

enum share_answer share_take(struct share *s, enum share_kind kind, uid_t uid, size_t n,
			     bool reserved, bool admin)
{
	struct share_user *u = user_find(s, uid);
	enum share_answer a =
		share_decide(s, kind, u != NULL ? u->held[kind] : 0, n, reserved, admin);

	if (a != SHARE_OK || n == 0)
		return a;
	if (u == NULL)
		u = user_add(s, uid);
	if (u == NULL)
		return SHARE_FULL;
	u->held[kind] += n;
	s->held[kind] += n;
	return SHARE_OK;
}

void share_give(struct share *s, enum share_kind kind, uid_t uid, size_t n)
{
	struct share_user *u = user_find(s, uid);

	if (n == 0)
		return;
	assert(u != NULL && u->held[kind] >= n && s->held[kind] >= n);
	u->held[kind] -= n;
	s->held[kind] -= n;
	for (int k = 0; k < SHARE_N_KINDS; k++)
		if (u->held[k] > 0)
			return;
	*u = s->users[--s->n_users];
}

size_t share_held(const struct share *s, enum share_kind kind, uid_t uid)
{
	const struct share_user *u = user_find(s, uid);

	return u != NULL ? u->held[kind] : 0;
}
