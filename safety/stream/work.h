/*
 * Work that can be stopped. What goes over a text says how far it has come, in steps of about a byte
 * looked at; every WORK_LOOK steps the call is asked whether anybody still waits and whether its
 * deadline has passed.
 */
#ifndef SAFETY_WORK_H
#define SAFETY_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include <ragd/plugin.h>

#define WORK_LOOK 16384

struct work {
	const struct ragd_call *call; /* NULL: nobody stops it */
	size_t credit;                /* steps until the call is asked again */
	int rc;                       /* why it is to stop: -ECANCELED, -ETIMEDOUT; 0: go on */
};

/* Begin, and ask at once. */
void work_start(struct work *w, const struct ragd_call *call);
/* Ask now. False: stop. */
bool work_look(struct work *w);
/* Why it stopped, with a sentence. */
int work_error(const struct work *w, struct ragd_err *err);

/* So many steps were done, or will be. False: stop. */
static inline bool work_step(struct work *w, size_t steps)
{
	while (steps >= w->credit && w->rc == 0) {
		steps -= w->credit;
		work_look(w);
	}
	w->credit -= w->rc == 0 ? steps : 0;
	return w->rc == 0;
}

#endif
