#include "safety/stream/work.h"

#include <errno.h>

#include "base/clock.h"

void work_start(struct work *w, const struct ragd_call *call)
{
	*w = (struct work){ .call = call };
	work_look(w);
}

bool work_look(struct work *w)
{
	const struct ragd_call *call = w->call;

	w->credit = WORK_LOOK;
	if (call == NULL || w->rc < 0)
		return w->rc == 0;
	if (call->cancelled != NULL && call->cancelled(call))
		w->rc = -ECANCELED;
	else if (call->deadline_ms != 0 && clock_ms() > call->deadline_ms)
		w->rc = -ETIMEDOUT;
	return w->rc == 0;
}

int work_error(const struct work *w, struct ragd_err *err)
{
	return ragd_err_set(err, w->rc, "safety: %s",
			    w->rc == -ECANCELED ? "nobody waits for this any more"
						: "the deadline has passed");
}
