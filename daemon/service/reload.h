/* Making generations: shared by the start and by reloads. Loop thread. */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/service/ragd.h"

/*
 * Open the plugins of cfg, which is taken over (also on failure), as the first generation. done_cb
 * as for ragd_reload(); d->current is set when it reports success.
 */
int reload_first(struct ragd *d, struct config *cfg,
		 void (*done_cb)(const struct ragd_err *err, void *arg), void *arg,
		 struct ragd_err *err);

/*
 * For SIGHUP: reload now, or once more after the reload that is at work, which may have read the
 * file before it was changed. Says in the log why not.
 */
void reload_soon(struct ragd *d);

#endif
