/*
 * A check whether to stop. What goes over a text says how far it has come, in steps of about a byte
 * looked at; every STOP_CHECK_STEPS steps the call is asked whether anybody still waits and whether
 * its deadline has passed.
 */
#ifndef SAFETY_STOP_CHECK_H
#define SAFETY_STOP_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

#define STOP_CHECK_STEPS 16384

struct stop_check {
	const struct ragd_call *call; /* NULL: nobody stops it */
	size_t credit;                /* steps until the call is asked again */
	int rc;                       /* why it is to stop: -ECANCELED, -ETIMEDOUT; 0: go on */
};

/* Begin, and ask at once. */
void stop_check_start(struct stop_check *w, const struct ragd_call *call);
/* Ask now. False: stop. */
bool stop_check_now(struct stop_check *w);
/* Why it stopped, with a sentence. */
int stop_check_error(const struct stop_check *w, struct ragd_err *err);

/* So many steps were done, or will be. False: stop. */
static inline bool stop_check_step(struct stop_check *w, size_t steps)
{
	while (steps >= w->credit && w->rc == 0) {
		steps -= w->credit;
		stop_check_now(w);
	}
	w->credit -= w->rc == 0 ? steps : 0;
	return w->rc == 0;
}

#endif
