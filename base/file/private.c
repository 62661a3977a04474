#include "base/file/private.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS    077
#define DEPTH_MAX 32

static int belongs_to(const char *path, const struct stat *st, struct ragd_err *err)
{
	return ragd_err_set(err, -EPERM, "'%s' belongs to user %u, but the daemon runs as %u", path,
			    (unsigned)st->st_uid, (unsigned)geteuid());
}

int private_open(const char *path, int flags, struct ragd_err *err)
{
	int fd = open(path, flags | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return ragd_err_sys(err, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		rc = ragd_err_sys(err, "look at '%s'", path);
	else if (!S_ISREG(st.st_mode))
		rc = ragd_err_set(err, -EINVAL, "'%s' is not a regular file", path);
	else if (st.st_uid != geteuid())
		rc = belongs_to(path, &st, err);
	else if ((st.st_mode & OTHERS) != 0 && fchmod(fd, st.st_mode & 0700) < 0)
		rc = ragd_err_sys(err, "make '%s' private", path);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

static int tighten_at(int dir, const char *name, const char *path, unsigned depth,
		      struct ragd_err *err);

/* All that is in the folder; takes fd. */
static int tighten_entries(int fd, const char *path, unsigned depth, struct ragd_err *err)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	char below[4096];
	int rc = 0, n = 0;

	if (dir == NULL) {
		rc = ragd_err_sys(err, "read folder '%s'", path);
		close(fd);
		return rc;
	}
	while (rc >= 0 && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >=
		    (int)sizeof(below))
			rc = ragd_err_set(err, -ENAMETOOLONG, "below '%.100s…': too long a path",
					  path);
		else
			rc = tighten_at(fd, entry->d_name, below, depth, err);
		n += rc > 0 ? rc : 0;
	}
	closedir(dir);
	return rc < 0 ? rc : n;
}

static int tighten_at(int dir, const char *name, const char *path, unsigned depth,
		      struct ragd_err *err)
{
	struct stat st;
	int fd, n, rc = 0;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : ragd_err_sys(err, "look at '%s'", path);
	if (S_ISLNK(st.st_mode) || (st.st_uid == 0 && geteuid() != 0))
		return 0;
	if (st.st_uid != geteuid())
		return belongs_to(path, &st, err);
	if (depth == DEPTH_MAX)
		return ragd_err_set(err, -ELOOP, "'%s': folders too deep", path);
	n = (st.st_mode & OTHERS) != 0;
	/* A folder first: then nobody else gets at what is in it. */
	if (n > 0 && fchmodat(dir, name, st.st_mode & 0700, 0) < 0)
		return ragd_err_sys(err, "make '%s' private", path);
	if (S_ISDIR(st.st_mode)) {
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		rc = fd < 0 ? ragd_err_sys(err, "read folder '%s'", path)
			    : tighten_entries(fd, path, depth + 1, err);
	}
	return rc < 0 ? rc : n + rc;
}

int private_tighten(int dir, const char *name, const char *path, struct ragd_err *err)
{
	return tighten_at(dir, name, path, 0, err);
}
