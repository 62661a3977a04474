/*
 * Sinks that are over. A plugin's thread may still hold one and call it, which is a fault of
 * the plugin and must stay one: so the memory of a sink outlives its answer, for as many
 * further answers as are kept here.
 */
#ifndef DAEMON_PLUGINS_SINKS_OVER_H
#define DAEMON_PLUGINS_SINKS_OVER_H

#define SINKS_OVER_MAX 4096

/*
 * Takes what malloc gave, and frees what it took SINKS_OVER_MAX calls
 * before. NULL is fine. Any thread.
 */
void sinks_over_keep(void *sink);

#endif
