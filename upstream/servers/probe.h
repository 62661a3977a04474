/*
 * Checks of servers: each is asked from time to time, with some chance in the time, whether it is
 * well and which models it has. On the instance's thread.
 */
#ifndef UPSTREAM_SERVERS_PROBE_H
#define UPSTREAM_SERVERS_PROBE_H

#include "upstream/servers/servers.h"

struct probes;

/* Told whenever a check is over and the server's state is as it says. */
typedef void (*probes_checked_cb)(void *arg);

/* One for each server; -ENOMEM. */
int probes_new(struct servers *servers, probes_checked_cb checked, void *arg, struct probes **out,
	       struct ragd_err *err);
/* Ends those under way. */
void probes_free(struct probes *probes);

/* Start what is due. */
void probes_tick(struct probes *probes, int64_t now_ms);
/* When the next is due; INT64_MAX: none is. */
int64_t probes_next_ms(const struct probes *probes);

#endif
