/* The collections that the configuration names, made where a retrieval plugin lacks them. */
#ifndef DAEMON_COLLECTIONS_H
#define DAEMON_COLLECTIONS_H

#include "daemon/plugins.h"

/*
 * Those that exist stay as they are, for their owner may have changed them since. Blocks; any
 * thread.
 */
int collections_make(const struct config *cfg, const struct plugin_set *set, struct ragd_err *err);

#endif
