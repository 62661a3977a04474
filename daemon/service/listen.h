/*
 * The listening socket: one of our own, which nobody can reach before its owner and mode are set,
 * or one that the service manager hands over.
 */
#ifndef DAEMON_LISTEN_H
#define DAEMON_LISTEN_H

#include <stddef.h>
#include <sys/types.h>

#include <ragd/plugin.h>

struct listen_spec {
	const char *path; /* absolute */
	uid_t owner;      /* (uid_t)-1: as it comes */
	gid_t group;
	mode_t mode;
};

/* A socket file that we created; left alone once somebody else has replaced it. */
struct listen_file {
	char *path; /* NULL: none */
	dev_t dev;
	ino_t ino;
};

/*
 * Bind and listen. The directory must exist. A stale socket (nothing answers) is replaced; refused,
 * each with its own sentence, and nothing touched: a path too long, something that is not a socket
 * in the way, a daemon that answers there. Returns the descriptor, non-blocking and close-on-exec.
 */
int listen_open(const struct listen_spec *spec, struct listen_file *file, struct ragd_err *err);

/* Check an inherited descriptor: a listening Unix stream socket. Makes it non-blocking. */
int listen_adopt(int fd, struct ragd_err *err);

/* Remove the file if it is still ours. */
void listen_unlink(struct listen_file *file);

#endif
