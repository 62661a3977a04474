#include "daemon/service/listen.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file/private.h"

#define BACKLOG     1024
#define CLAIM_TRIES 10

static int set_address(const char *path, struct sockaddr_un *out, struct ragd_err *err)
{
	size_t len = strlen(path);

	if (len >= sizeof(out->sun_path))
		return ragd_err_set(err, -ENAMETOOLONG,
				    "socket path '%.110s…' has %zu bytes, but a Unix socket's may "
				    "have at most %zu",
				    path, len, sizeof(out->sun_path) - 1);
	if (path[0] != '/' || path[len - 1] == '/')
		return ragd_err_set(err, -EINVAL,
				    "socket path '%s' is not an absolute path of a file", path);
	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	memcpy(out->sun_path, path, len + 1);
	return 0;
}

/* "SOCKET.lock", while a socket is created. */
struct listen_claim {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
	int fd;
};

/* Whoever let go may have removed the file that we opened: is it still the one at the path? */
static bool is_current(const struct listen_claim *c)
{
	struct stat opened, there;

	return fstat(c->fd, &opened) == 0 && lstat(c->path, &there) == 0 &&
	       opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

/*
 * Only one at a time looks and then binds, or two that start at once would each take the other's
 * fresh socket for a stale one. The lock is a file of our own, which nobody else can open: the
 * directory is one that anybody may open, and lock. Nothing here waits.
 */
static int claim_take(struct listen_claim *c, const char *socket_path, struct ragd_err *err)
{
	struct ragd_err why = { 0 };
	int rc;

	snprintf(c->path, sizeof(c->path), "%s.lock", socket_path);
	for (int i = 0; i < CLAIM_TRIES; i++) {
		c->fd = private_open(c->path, O_RDWR, &why);
		if (c->fd < 0)
			return ragd_err_set(err, c->fd, "socket '%s': %s", socket_path, why.msg);
		if (flock(c->fd, LOCK_EX | LOCK_NB) < 0) {
			rc = errno == EWOULDBLOCK
				     ? ragd_err_set(err, -EADDRINUSE,
						    "another daemon is just opening '%s'",
						    socket_path)
				     : ragd_err_sys(err, "lock '%s'", c->path);
			close(c->fd);
			return rc;
		}
		if (is_current(c))
			return 0;
		close(c->fd);
	}
	return ragd_err_set(err, -EADDRINUSE, "other daemons keep opening '%s'", socket_path);
}

static void claim_drop(struct listen_claim *c)
{
	unlink(c->path); /* while it is ours */
	close(c->fd);
}

/* 0: nothing there, or nothing that answers. */
static int check_in_the_way(const struct sockaddr_un *to, struct ragd_err *err)
{
	const char *path = to->sun_path;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : ragd_err_sys(err, "look at socket '%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return ragd_err_set(err, -EEXIST,
				    "'%s' is in the way: it is not a socket and stays as it is",
				    path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return ragd_err_sys(err, "make a socket");
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 || errno == EAGAIN)
		rc = ragd_err_set(err, -EADDRINUSE, "another daemon answers on '%s'", path);
	else if (errno == ECONNREFUSED && unlink(path) == 0)
		rc = 0;
	else
		rc = ragd_err_sys(err, "replace the socket '%s'", path);
	close(fd);
	return rc;
}

static int bind_file(int fd, const struct sockaddr_un *at, const struct listen_spec *spec,
		     struct listen_file *file, struct ragd_err *err)
{
	mode_t old;
	struct stat st;
	int rc;

	/*
	 * Nobody can connect before listen(), so there is no moment at which the mode or the owner
	 * is not yet right.
	 */
	old = umask(0177);
	rc = bind(fd, (const struct sockaddr *)at, sizeof(*at));
	umask(old);
	if (rc < 0)
		return ragd_err_sys(err, "bind '%s'", spec->path);
	if (lstat(spec->path, &st) < 0)
		return ragd_err_sys(err, "look at socket '%s'", spec->path);
	file->path = strdup(spec->path);
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	if (file->path == NULL)
		return ragd_err_sys(err, "bind '%s'", spec->path);
	if ((spec->owner != (uid_t)-1 || spec->group != (gid_t)-1) &&
	    lchown(spec->path, spec->owner, spec->group) < 0)
		return ragd_err_sys(err, "give socket '%s' to user %d, group %d", spec->path,
				    (int)spec->owner, (int)spec->group);
	if (chmod(spec->path, spec->mode) < 0)
		return ragd_err_sys(err, "set mode %04o of socket '%s'", (unsigned)spec->mode,
				    spec->path);
	if (listen(fd, BACKLOG) < 0)
		return ragd_err_sys(err, "listen on '%s'", spec->path);
	return 0;
}

int listen_open(const struct listen_spec *spec, struct listen_file *file, struct ragd_err *err)
{
	struct listen_file made = { 0 };
	struct sockaddr_un at;
	struct listen_claim claim;
	int fd, rc;

	rc = set_address(spec->path, &at, err);
	if (rc < 0)
		return rc;
	rc = claim_take(&claim, spec->path, err);
	if (rc < 0)
		return rc;
	rc = check_in_the_way(&at, err);
	if (rc < 0)
		goto out;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		rc = ragd_err_sys(err, "make a socket");
		goto out;
	}
	rc = bind_file(fd, &at, spec, &made, err);
	if (rc < 0) {
		listen_unlink(&made);
		close(fd);
		goto out;
	}
	*file = made;
	rc = fd;
out:
	claim_drop(&claim);
	return rc;
}

int listen_adopt(int fd, struct ragd_err *err)
{
	int domain = 0, type = 0, listening = 0, flags;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return ragd_err_sys(err, "inherited descriptor %d", fd);
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len);
	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len);
	if (domain != AF_UNIX || type != SOCK_STREAM || !listening)
		return ragd_err_set(err, -EINVAL,
				    "inherited descriptor %d is not a listening Unix stream socket",
				    fd);
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return ragd_err_sys(err, "inherited descriptor %d", fd);
	return fd;
}

void listen_unlink(struct listen_file *file)
{
	struct stat st;

	if (file->path == NULL)
		return;
	if (lstat(file->path, &st) == 0 && st.st_dev == file->dev && st.st_ino == file->ino)
		unlink(file->path);
	free(file->path);
	file->path = NULL;
}
