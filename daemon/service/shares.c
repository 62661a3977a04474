#include "daemon/service/shares.h"

#include <stdlib.h>

/* One place in so many is the administrators'. */
#define ADMIN_PART 16

struct shares_user {
	struct shares_user *next;
	uid_t uid;
	size_t n;
};

static struct shares_user **user_find(struct shares *s, uid_t uid)
{
	struct shares_user **link = &s->users;

	while (*link != NULL && (*link)->uid != uid)
		link = &(*link)->next;
	return link;
}

/* n / free < share / (100 - share), without the fractions. */
static bool share_allows(size_t n, size_t n_free, unsigned share)
{
	return n * (100 - share) < n_free * share;
}

int shares_take(struct shares *s, uid_t uid, bool admin, size_t max, unsigned share,
		const char *what, struct ragd_err *err)
{
	struct shares_user *u = *user_find(s, uid);
	size_t open = admin ? max : max - max / ADMIN_PART;

	if (s->n >= open)
		return ragd_err_set(
			err, -EAGAIN,
			"%zu %s are in progress, which is the limit; try again in a moment", s->n,
			what);
	if (!admin && u != NULL && !share_allows(u->n, open - s->n, share))
		return ragd_err_set(
			err, -EDQUOT,
			"%zu %s of yours are in progress, which is your share; try again in "
			"a moment",
			u->n, what);
	if (u == NULL) {
		u = calloc(1, sizeof(*u));
		if (u == NULL)
			return ragd_err_set(err, -EAGAIN, "%s: out of memory", what);
		u->uid = uid;
		u->next = s->users;
		s->users = u;
	}
	u->n++;
	s->n++;
	return 0;
}

void shares_give(struct shares *s, uid_t uid)
{
	struct shares_user **link = user_find(s, uid), *u = *link;

	s->n--;
	if (--u->n > 0)
		return;
	*link = u->next;
	free(u);
}
