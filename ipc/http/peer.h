/* Who is at the other end of a Unix socket: what the kernel says, and nothing else. */
#ifndef IPC_PEER_H
#define IPC_PEER_H

#include <sys/types.h>

#include <ragd/plugin.h>

struct peer {
	struct ragd_caller caller; /* as of connect(2); groups belong to the peer */
	pid_t pid;
};

/*
 * Fill *out for the connected socket fd. Admin is uid 0 and the user this process runs as. -ENOMEM,
 * or what getsockopt(2) says.
 */
int peer_init(struct peer *out, int fd, struct ragd_err *err);
void peer_fini(struct peer *p);

#endif
