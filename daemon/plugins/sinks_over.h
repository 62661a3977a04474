/*
 * Finished sinks. A plugin's thread may still hold one and call it. That is a fault of the
 * plugin, and must not become a use after free: so the memory of a sink outlives its answer
 * by SINKS_OVER_MAX further answers.
 */
#ifndef DAEMON_PLUGINS_SINKS_OVER_H
#define DAEMON_PLUGINS_SINKS_OVER_H

#define SINKS_OVER_MAX 4096

/*
 * Takes a sink from malloc, and frees the one that it took SINKS_OVER_MAX calls
 * before. Accepts NULL. Any thread.
 */
void sinks_over_keep(void *sink);

#endif
