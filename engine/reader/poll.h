/* Whether a call is still worth working for. */
#ifndef ENGINE_POLL_H
#define ENGINE_POLL_H

#include <ragd/plugin.h>

#include "base/clock.h"

/* 0, -ECANCELED, -ETIMEDOUT. call may be NULL. */
static inline int poll_call(const struct ragd_call *call)
{
	if (call == NULL)
		return 0;
	if (call->cancelled(call))
		return -ECANCELED;
	return call->deadline_ms != 0 && clock_ms() > call->deadline_ms ? -ETIMEDOUT : 0;
}

#endif
