/* Collections by name: those of the configuration are created, those of a request are looked up. */
#ifndef DAEMON_COLLECTIONS_H
#define DAEMON_COLLECTIONS_H

#include "daemon/plugins/call.h"
#include "daemon/plugins/plugin_set.h"

/*
 * One that exists must have the owner that the configuration names, and the group and mode where it
 * names them: -EPERM otherwise, for it would be somebody else's. Blocks; any thread.
 */
int collections_make(const struct config *cfg, const struct plugin_set *set, struct ragd_err *err);

/*
 * -ENOENT with a sentence for a name of the list that does not exist or that the caller may not
 * read; a search alone would find nothing and say nothing. By the call's deadline; any thread.
 */
int collections_known(const struct plugin *retrieval, struct call *call, const char *const *names,
		      size_t n, struct ragd_err *err);

#endif
