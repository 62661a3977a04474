/* Places in the line: a list of those who wait, searched from the start. */
#include "engine/serve/line.h"

#include <errno.h>
#include <stdlib.h>

#define RESERVE 16 /* one place in so many, at least one, is for newcomers */
#define SHARE   9  /* of a client, times what is free */

int line_init(struct line *l, size_t max)
{
	*l = (struct line){ .max = max, .owners = calloc(max, sizeof(*l->owners)) };
	return l->owners != NULL ? 0 : -ENOMEM;
}

void line_fini(struct line *l)
{
	free(l->owners);
}

/* The end of the list: of this client nothing waits. */
static struct line_owner *owner_find(struct line *l, uint64_t client)
{
	struct line_owner *o = l->owners;

	while (o < l->owners + l->n_owners && o->client != client)
		o++;
	return o;
}

int line_enter(struct line *l, uint64_t client, struct ragd_err *err)
{
	size_t open = l->max - (l->max + RESERVE - 1) / RESERVE;
	size_t n_free = l->n < open ? open - l->n : 0;
	struct line_owner *o = owner_find(l, client);

	if (l->n == l->max)
		return ragd_err_set(err, -EBUSY, "%zu requests wait already: try again in a moment",
				    l->n);
	if (o == l->owners + l->n_owners) {
		*o = (struct line_owner){ .client = client };
		l->n_owners++;
	} else if (o->n >= SHARE * n_free) {
		return ragd_err_set(err, -EBUSY,
				    "you have %zu requests waiting already, which is your share: "
				    "try again in a moment",
				    o->n);
	}
	o->n++;
	l->n++;
	return 0;
}

void line_leave(struct line *l, uint64_t client)
{
	struct line_owner *o = owner_find(l, client);

	l->n--;
	if (--o->n == 0)
		*o = l->owners[--l->n_owners];
}
