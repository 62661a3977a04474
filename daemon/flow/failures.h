/*
 * Filters that fail, in the log: which, at what stage, why, how often so far. At most one
 * line a second for each plugin, so that one that fails on every passage neither fills the
 * log nor hides another.
 */
#ifndef DAEMON_FAILURES_H
#define DAEMON_FAILURES_H

#include <ragd/plugin.h>

#include "daemon/plugins/plugin_set.h"

/* Plugins that have a line of their own; all others share one line a second. */
#define FAILURES_MAX 64

/* Any thread. */
void failures_tell(const struct plugin *p, enum ragd_stage stage, const struct ragd_err *err);

#endif
