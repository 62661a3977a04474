#include "safety/stream/stop_check.h"

#include <errno.h>

#include "base/clock.h"

void stop_check_start(struct stop_check *w, const struct ragd_call *call)
{
	*w = (struct stop_check){ .call = call };
	stop_check_now(w);
}

bool stop_check_now(struct stop_check *w)
{
	const struct ragd_call *call = w->call;

	w->credit = STOP_CHECK_STEPS;
	if (call == NULL || w->rc < 0)
		return w->rc == 0;
	if (call->cancelled != NULL && call->cancelled(call))
		w->rc = -ECANCELED;
	else if (call->deadline_ms != 0 && clock_ms() > call->deadline_ms)
		w->rc = -ETIMEDOUT;
	return w->rc == 0;
}

int stop_check_error(const struct stop_check *w, struct ragd_err *err)
{
	return ragd_err_set(err, w->rc, "safety: %s",
			    w->rc == -ECANCELED ? "nobody is waiting for this any more"
						: "the deadline has passed");
}
