/* The life of the daemon: start, ready, drain, stop. */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include "daemon/config/config.h"

/*
 * Run until a signal ends it. Logs by itself; returns the exit status. Once in a process.
 */
int service_run(const struct config_source *source, int64_t started_us);

#endif
