#include "ipc/http/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The groups the peer had when it connected; a kernel without SO_PEERGROUPS (before 4.13): none. */
static int groups_read(int fd, gid_t **out, size_t *n, struct ragd_err *err)
{
	socklen_t len = 32 * sizeof(gid_t);
	gid_t *groups = NULL, *bigger;
	int rc;

	/* ERANGE leaves the needed length in len; the set cannot change, so this ends. */
	for (;;) {
		bigger = realloc(groups, len);
		if (bigger == NULL) {
			rc = ragd_err_set(err, -ENOMEM, "read a client's groups: out of memory");
			goto fail;
		}
		groups = bigger;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0)
			break;
		if (errno == ENOPROTOOPT) {
			len = 0;
			break;
		}
		if (errno != ERANGE) {
			rc = ragd_err_sys(err, "read a client's groups");
			goto fail;
		}
	}
	*out = groups;
	*n = len / sizeof(gid_t);
	return 0;
fail:
	free(groups);
	return rc;
}

int peer_init(struct peer *out, int fd, struct ragd_err *err)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	gid_t *groups = NULL;
	size_t n = 0;
	int rc;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return ragd_err_sys(err, "read a client's credentials");
	rc = groups_read(fd, &groups, &n, err);
	if (rc < 0)
		return rc;
	*out = (struct peer){
		.caller = {
			.size = sizeof(out->caller),
			.uid = cred.uid,
			.gid = cred.gid,
			.groups = groups,
			.n_groups = n,
			.admin = cred.uid == 0 || cred.uid == geteuid(),
		},
		.pid = cred.pid,
	};
	return 0;
}

void peer_fini(struct peer *p)
{
	free((void *)p->caller.groups);
	memset(p, 0, sizeof(*p));
}
