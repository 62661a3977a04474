/*
 * Filters that fail, in the log: which, at what stage, why, how often so far. Of each
 * plugin at most a line a second, so that one that fails on every passage neither
 * fills the log nor hides another.
 */
#ifndef DAEMON_FAILURES_H
#define DAEMON_FAILURES_H

#include <ragd/plugin.h>

#include "daemon/plugins/plugin_set.h"

/* Plugins that are told apart; those beyond share one line a second. */
#define FAILURES_MAX 64

/* Any thread. */
void failures_tell(const struct plugin *p, enum ragd_stage stage, const struct ragd_err *err);

#endif
