#include "daemon/config/paths.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file/private.h"
#include "base/users.h"
#include "base/util.h"

static const char *no_memory(struct ragd_err *err)
{
	ragd_err_set(err, -ENOMEM, "paths: out of memory");
	return NULL;
}

/* The XDG specification has relative values ignored. */
static const char *xdg_dir(const char *variable)
{
	const char *v = secure_getenv(variable);

	return v != NULL && v[0] == '/' ? v : NULL;
}

static const char *home_dir(struct arena *a, struct ragd_err *err)
{
	const char *v = secure_getenv("HOME"), *dir;
	char *found;

	if (v != NULL && v[0] == '/')
		return v;
	found = users_home(geteuid());
	if (found == NULL) {
		ragd_err_set(err, -ENOENT, "HOME is not set and user %u has no entry in passwd",
			     (unsigned)geteuid());
		return NULL;
	}
	dir = arena_strdup(a, found);
	free(found);
	return dir != NULL ? dir : no_memory(err);
}

/* $variable/tail, or $HOME/fallback/tail */
static const char *user_path(struct arena *a, const char *variable, const char *fallback,
			     const char *tail, struct ragd_err *err)
{
	const char *base = xdg_dir(variable), *path;

	if (base != NULL) {
		path = arena_printf(a, "%s/%s", base, tail);
	} else {
		base = home_dir(a, err);
		if (base == NULL)
			return NULL;
		path = arena_printf(a, "%s/%s/%s", base, fallback, tail);
	}
	return path != NULL ? path : no_memory(err);
}

const char *paths_config(enum config_scope scope, struct arena *a, struct ragd_err *err)
{
	if (scope == CONFIG_SYSTEM)
		return "/etc/ragd/ragd.conf";
	return user_path(a, "XDG_CONFIG_HOME", ".config", "ragd/ragd.conf", err);
}

const char *paths_state_dir(enum config_scope scope, struct arena *a, struct ragd_err *err)
{
	if (scope == CONFIG_SYSTEM)
		return "/var/lib/ragd";
	return user_path(a, "XDG_STATE_HOME", ".local/state", "ragd", err);
}

const char *paths_socket(enum config_scope scope, struct arena *a, struct ragd_err *err)
{
	const char *run = xdg_dir("XDG_RUNTIME_DIR"), *path;

	if (scope == CONFIG_SYSTEM)
		return "/run/ragd/ragd.sock";
	if (run != NULL)
		path = arena_printf(a, "%s/ragd/ragd.sock", run);
	else /* paths_make_dir has it private, for anybody can make one there */
		path = arena_printf(a, "/tmp/ragd-%u/ragd.sock", (unsigned)geteuid());
	return path != NULL ? path : no_memory(err);
}

static int check_dir(const char *path, bool private_, struct ragd_err *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return ragd_err_sys(err, "directory '%s'", path);
	/* Whoever made a link can turn it elsewhere. systemd makes some, as root. */
	if (private_ && S_ISLNK(st.st_mode) && st.st_uid != geteuid() && st.st_uid != 0)
		return ragd_err_set(err, -EPERM, "'%s' is a link that belongs to user %u", path,
				    (unsigned)st.st_uid);
	if (stat(path, &st) < 0)
		return ragd_err_sys(err, "directory '%s'", path);
	if (!S_ISDIR(st.st_mode))
		return ragd_err_set(err, -ENOTDIR, "'%s' is in the way: it is not a directory",
				    path);
	if (!private_)
		return 0;
	if (st.st_uid != geteuid())
		return ragd_err_set(err, -EPERM,
				    "directory '%s' belongs to user %u, but the daemon runs as %u",
				    path, (unsigned)st.st_uid, (unsigned)geteuid());
	if ((st.st_mode & 022) != 0)
		return ragd_err_set(
			err, -EPERM,
			"directory '%s' may be written by others (mode %04o): chmod go-w", path,
			(unsigned)st.st_mode & 07777);
	return 0;
}

/* With that mode, whatever the umask; not by chmod, for the name could be another's by then. */
static int make_one(const char *path, mode_t mode, struct ragd_err *err)
{
	mode_t old = umask(0777 & ~mode);
	int rc = mkdir(path, mode);

	umask(old);
	return rc < 0 && errno != EEXIST ? ragd_err_sys(err, "make directory '%s'", path) : 0;
}

int paths_make_dir(const char *path, mode_t mode, bool private_, struct ragd_err *err)
{
	char buf[4096];
	size_t len = strlen(path);
	int rc = 0;

	if (len == 0 || len >= sizeof(buf) || path[0] != '/')
		return ragd_err_set(err, -EINVAL, "'%s' is not an absolute path of a directory",
				    path);
	memcpy(buf, path, len + 1);
	for (char *p = buf + 1; rc == 0 && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		rc = make_one(buf, 0755, err);
		*p = '/';
	}
	if (rc == 0)
		rc = make_one(path, mode, err);
	return rc == 0 ? check_dir(path, private_, err) : rc;
}

int paths_make_private(const char *path, struct ragd_err *err)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return ragd_err_sys(err, "make directory '%s'", path);
	return check_dir(path, true, err);
}

/* The directory is open as fd: is it the one of the lock that we hold? */
static int state_check(int fd, int lock_fd, const char *path, struct stat *st, struct ragd_err *err)
{
	struct stat held, there;

	if (fstat(fd, st) < 0 || fstat(lock_fd, &held) < 0 ||
	    fstatat(fd, "lock", &there, AT_SYMLINK_NOFOLLOW) < 0)
		return ragd_err_sys(err, "state directory '%s'", path);
	if (st->st_uid != geteuid() || held.st_dev != there.st_dev || held.st_ino != there.st_ino)
		return ragd_err_set(err, -EPERM,
				    "state directory '%s' was replaced while it was being opened",
				    path);
	return 0;
}

static int tighten_state(int fd, int lock_fd, const char *path, struct ragd_err *err)
{
	/* Not whatever lies there: somebody may have chosen a directory with more in it. */
	static const char *const names[] = { "lock", "journal.db", "journal.db-wal",
					     "journal.db-shm", "plugins" };
	char below[4096];
	struct stat st;
	int rc, n = 0;

	rc = state_check(fd, lock_fd, path, &st, err);
	if (rc < 0)
		return rc;
	if ((st.st_mode & 077) != 0) {
		if (fchmod(fd, 0700) < 0)
			return ragd_err_sys(err, "make state directory '%s' private", path);
		n = 1;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(below, sizeof(below), "%.4000s/%s", path, names[i]);
		rc = private_tighten(fd, names[i], below, err);
		if (rc < 0)
			return rc;
		n += rc;
	}
	return n;
}

int paths_tighten(const char *state_dir, int lock_fd, struct ragd_err *err)
{
	int fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return ragd_err_sys(err, "state directory '%s'", state_dir);
	rc = tighten_state(fd, lock_fd, state_dir, err);
	close(fd);
	return rc;
}

static int refuse_lock(int fd, const char *dir, struct ragd_err *err)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		return ragd_err_set(err, -EBUSY,
				    "state directory '%s' is in use by another ragd, process %ld",
				    dir, pid);
	return ragd_err_set(err, -EBUSY, "state directory '%s' is in use by another ragd", dir);
}

int paths_lock(const char *state_dir, struct ragd_err *err)
{
	char path[4096];
	int fd, rc;

	if (snprintf(path, sizeof(path), "%s/lock", state_dir) >= (int)sizeof(path))
		return ragd_err_set(err, -ENAMETOOLONG,
				    "state directory '%.100s…' is too long a path", state_dir);
	fd = private_open(path, O_RDWR, err);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK ? refuse_lock(fd, state_dir, err)
					  : ragd_err_sys(err, "lock '%s'", path);
	} else if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		rc = ragd_err_sys(err, "write '%s'", path);
	} else {
		return fd;
	}
	close(fd);
	return rc;
}
