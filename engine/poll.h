/* Whether a call is still worth working for: what every loop over input asks. */
#ifndef ENGINE_POLL_H
#define ENGINE_POLL_H

#include <ragd/plugin.h>

#include "base/clock.h"

#define POLL_WORK 4096 /* units of work, a byte's worth or so each, between two questions */

/* 0, -ECANCELED, -ETIMEDOUT. call may be NULL. */
static inline int poll_call(const struct ragd_call *call)
{
	if (call == NULL)
		return 0;
	if (call->cancelled(call))
		return -ECANCELED;
	return call->deadline_ms != 0 && clock_ms() > call->deadline_ms ? -ETIMEDOUT : 0;
}

/* The work of one call; rc stays what ended it. */
struct poll {
	const struct ragd_call *call; /* NULL: never asked */
	size_t work;                  /* since the last question */
	int rc;
};

/* So many units more; false: stop, with p->rc. */
static inline bool poll_goes_on(struct poll *p, size_t work)
{
	p->work += work;
	if (p->work >= POLL_WORK && p->rc == 0) {
		p->work = 0;
		p->rc = poll_call(p->call);
	}
	return p->rc == 0;
}

#endif
