/* A list of those of whom something waits, searched from the start: it is short. */
#include "engine/schedule/queue_quota.h"

#include <errno.h>
#include <stdlib.h>

#define RESERVE 16 /* one place in so many, at least one, is for newcomers */
#define SHARE   9  /* of a client, times what is free */

int queue_quota_init(struct queue_quota *q, size_t max)
{
	*q = (struct queue_quota){ .max = max, .owners = calloc(max, sizeof(*q->owners)) };
	return q->owners != NULL ? 0 : -ENOMEM;
}

void queue_quota_fini(struct queue_quota *q)
{
	free(q->owners);
}

/* The end of the list: of this client nothing waits. */
static struct quota_owner *owner_find(struct queue_quota *q, uint64_t client)
{
	struct quota_owner *o = q->owners;

	while (o < q->owners + q->n_owners && o->client != client)
		o++;
	return o;
}

int queue_quota_enter(struct queue_quota *q, uint64_t client, struct ragd_err *err)
{
	size_t open = q->max - (q->max + RESERVE - 1) / RESERVE;
	size_t n_free = q->n < open ? open - q->n : 0;
	struct quota_owner *o = owner_find(q, client);

	if (q->n == q->max)
		return ragd_err_set(err, -EBUSY, "%zu requests wait already: try again in a moment",
				    q->n);
	if (o == q->owners + q->n_owners) {
		*o = (struct quota_owner){ .client = client };
		q->n_owners++;
	} else if (o->n >= SHARE * n_free) {
		return ragd_err_set(err, -EBUSY,
				    "you have %zu requests waiting already, which is your share: "
				    "try again in a moment",
				    o->n);
	}
	o->n++;
	q->n++;
	return 0;
}

void queue_quota_leave(struct queue_quota *q, uint64_t client)
{
	struct quota_owner *o = owner_find(q, client);

	q->n--;
	if (--o->n == 0)
		*o = q->owners[--q->n_owners];
}
