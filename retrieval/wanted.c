#include "retrieval/wanted.h"

#include <errno.h>

#include "base/clock.h"

int wanted_check(const struct ragd_call *call, struct ragd_err *err)
{
	if (call->deadline_ms != 0 && clock_ms() > call->deadline_ms)
		return ragd_err_set(err, -ETIMEDOUT, "the request's deadline has passed");
	if (call->cancelled != NULL && call->cancelled(call))
		return ragd_err_set(err, -ECANCELED, "nobody is waiting for the answer any more");
	return 0;
}

bool wanted_ask(struct wanted *w)
{
	w->spent = 0;
	return w->err.code == 0 && wanted_check(w->call, &w->err) == 0;
}
