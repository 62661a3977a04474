/*
 * Where things are by default, and the directories that are ours to make.
 */
#ifndef DAEMON_PATHS_H
#define DAEMON_PATHS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "daemon/config/config.h"

/*
 * System: /etc/ragd/ragd.conf, /run/ragd/ragd.sock, /var/lib/ragd. User: the XDG directories;
 * without XDG_RUNTIME_DIR the socket goes to /tmp/ragd-UID. All from the arena; NULL with *err set.
 */
const char *paths_config(enum config_scope scope, struct arena *a, struct ragd_err *err);
const char *paths_socket(enum config_scope scope, struct arena *a, struct ragd_err *err);
const char *paths_state_dir(enum config_scope scope, struct arena *a, struct ragd_err *err);

/*
 * Make the directory and what is missing above it, with mode (parents: 0755), whatever the umask.
 * One that exists must be a directory; with `private_` also ours and not writable by others,
 * since somebody else could have put it there first.
 */
int paths_make_dir(const char *path, mode_t mode, bool private_, struct ragd_err *err);

/* A directory in one that is there, mode 0700; one that exists is checked as above. */
int paths_make_private(const char *path, struct ragd_err *err);

/*
 * Take the lock of a state directory for the life of the descriptor, which is returned. -EBUSY
 * names the process that has it.
 */
int paths_lock(const char *state_dir, struct ragd_err *err);

/*
 * Take from the state directory of that lock, and from the daemon's files in it, what
 * others may read or search, as older versions left it. Returns how many were changed;
 * -EPERM if one belongs to somebody else.
 */
int paths_tighten(const char *state_dir, int lock_fd, struct ragd_err *err);

#endif
