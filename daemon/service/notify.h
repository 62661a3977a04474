/*
 * What a service manager and a daemon say to each other (sd_notify(3), sd_listen_fds(3)), without
 * libsystemd: datagrams to $NOTIFY_SOCKET, descriptors from 3 on.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

#include <ragd/plugin.h>

#define NOTIFY_FD_FIRST 3
#define NOTIFY_FDS_MAX  8

/*
 * Read the environment and take it away, so that no child acts on it. Before other threads exist.
 * Returns an error for an environment that is there but makes no sense.
 */
int notify_init(struct ragd_err *err);

/*
 * Send lines such as "READY=1\nSTATUS=serving". Without a service manager nothing happens and 0 is
 * returned. Any thread.
 */
int notify_send(const char *fmt, ...) RAGD_PRINTF(1, 2);
/* "RELOADING=1" and the time stamp that goes with it. */
void notify_reloading(void);
/* Ask for that much more time to start, reload or stop, counted from now. */
void notify_extend(int64_t ms);

/* How often a sign of life is due, in ms; 0: nobody asked. */
int64_t notify_watchdog_ms(void);

/* Descriptors handed over by socket activation: NOTIFY_FD_FIRST and up, close-on-exec set. */
int notify_n_fds(void);

#endif
