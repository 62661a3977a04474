/*
 * Checks of servers: each is asked from time to time, with some chance in the time, whether it is well
 * and which models it has. On the instance's thread.
 */
#ifndef UPSTREAM_PROBE_H
#define UPSTREAM_PROBE_H

#include "upstream/upstream.h"

/* One for each endpoint; -ENOMEM. */
int probes_new(struct upstream *u, struct ragd_err *err);
/* Ends those under way. */
void probes_free(struct upstream *u);

/* Start what is due. */
void probes_tick(struct upstream *u, int64_t now_ms);
/* When the next is due; INT64_MAX: none is. */
int64_t probes_next_ms(const struct upstream *u);

#endif
