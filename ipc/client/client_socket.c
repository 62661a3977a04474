#include "ipc/client/client_socket.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <ragd/client.h>

#include "base/util.h"

#define SYSTEM_SOCKET "/run/ragd/ragd.sock"
#define N_PLACES      3

/* 0 if something accepts connections at path, else why not. A full queue is a sign of life, too. */
static int socket_probe(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	struct stat st;
	int fd, rc = 0;

	if (len == 0)
		return -ENOENT;
	if (len >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	memcpy(addr.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 && errno != EAGAIN)
		rc = -errno;
	close(fd);
	return rc;
}

static const char *socket_why(int rc)
{
	switch (rc) {
	case -ENOENT:
		return "there is none";
	case -ECONNREFUSED:
		return "nothing listens there any more";
	case -EACCES:
		return "you may not use it";
	case -EPERM:
		return "others may write to that folder";
	case -ENAMETOOLONG:
		return "the path is too long for a socket (107 bytes at most)";
	case -ENOTSOCK:
	case -EPROTOTYPE:
		return "that is not a stream socket";
	default:
		return strerror(-rc);
	}
}

int client_socket_try(const char *path, char **out, struct ragd_err *err)
{
	int rc = socket_probe(path);

	if (rc < 0)
		return ragd_err_set(err, rc, "no ragd at '%s': %s", path, socket_why(rc));
	*out = strdup(path);
	return *out != NULL ? 0 : ragd_err_set(err, -ENOMEM, "out of memory");
}

static void place_set(struct ragd_place *p, const char *from, const char *path)
{
	size_t len = MIN(strlen(path), sizeof(p->path) - 1);

	*p = (struct ragd_place){ .from = from };
	memcpy(p->path, path, len);
	p->rc = path[len] == '\0' ? socket_probe(path) : -ENAMETOOLONG;
}

/*
 * Without XDG_RUNTIME_DIR a user's daemon is in /tmp. Anybody could have made the folder there,
 * to hear the questions: it has to be this user's and nobody else's to write to.
 */
static void place_set_tmp(struct ragd_place *p)
{
	char dir[64], path[80];
	struct stat st;

	snprintf(dir, sizeof(dir), "/tmp/ragd-%u", (unsigned)geteuid());
	snprintf(path, sizeof(path), "%s/ragd.sock", dir);
	place_set(p, "no XDG_RUNTIME_DIR", path);
	if (lstat(dir, &st) == 0 &&
	    (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0))
		p->rc = -EPERM;
}

size_t ragd_client_places(struct ragd_place *out, size_t n)
{
	const char *named = getenv("RAGD_SOCKET"), *dir = getenv("XDG_RUNTIME_DIR");
	struct ragd_place all[N_PLACES];
	char path[sizeof(all[0].path) + 1];
	size_t n_all = 0;

	if (named != NULL && named[0] != '\0') {
		place_set(&all[n_all++], "RAGD_SOCKET", named);
	} else {
		if (dir != NULL && dir[0] == '/') { /* a relative one is to be ignored */
			snprintf(path, sizeof(path), "%s/ragd/ragd.sock", dir);
			place_set(&all[n_all++], "XDG_RUNTIME_DIR", path);
		} else {
			place_set_tmp(&all[n_all++]);
		}
		place_set(&all[n_all++], "system", SYSTEM_SOCKET);
	}
	n = MIN(n, n_all);
	memcpy(out, all, n * sizeof(*out));
	return n;
}

int client_socket_find(char **out, struct ragd_err *err)
{
	struct ragd_place places[N_PLACES];
	size_t n = ragd_client_places(places, N_PLACES), len = 0;
	char looked[180] = "";
	int rc = -ENOENT;

	for (size_t i = 0; i < n; i++)
		if (places[i].rc == 0)
			return client_socket_try(places[i].path, out, err);
	for (size_t i = 0; i < n && len < sizeof(looked); i++) {
		const struct ragd_place *p = &places[i];

		if (p->rc != -ENOENT)
			rc = p->rc;
		len += (size_t)snprintf(looked + len, sizeof(looked) - len, "%s%s (%s)",
					i > 0 ? ", " : "", p->path, socket_why(p->rc));
	}
	return ragd_err_set(err, rc, "no ragd found; looked at %s; start one with `ragd --user`",
			    looked);
}
