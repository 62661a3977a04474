#include "base/file/trusted.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define LINKS_MAX 40 /* as in the kernel */

/* ---- who may change it ---------------------------------------------------------------------- */

/* Is the group nobody's but the user's, as useradd makes one for each user? */
static bool is_private_group(gid_t gid)
{
	char pw_text[4096], gr_text[4096];
	struct passwd pw, *user = NULL;
	struct group gr, *group = NULL;

	if (getpwuid_r(geteuid(), &pw, pw_text, sizeof(pw_text), &user) != 0 || user == NULL ||
	    getgrgid_r(gid, &gr, gr_text, sizeof(gr_text), &group) != 0 || group == NULL ||
	    user->pw_gid != gid || strcmp(user->pw_name, group->gr_name) != 0)
		return false;
	for (char **member = group->gr_mem; *member != NULL; member++)
		if (strcmp(*member, user->pw_name) != 0)
			return false;
	return true;
}

static bool by_group(const struct stat *st)
{
	return (st->st_mode & S_IWGRP) != 0 && st->st_gid != 0 && !is_private_group(st->st_gid);
}

static bool by_others(const struct stat *st)
{
	return (st->st_mode & S_IWOTH) != 0;
}

/* what: "file", "folder", "link" */
static int check_owner(const char *what, const char *path, const struct stat *st,
		       struct ragd_err *err)
{
	if (st->st_uid == 0 || st->st_uid == geteuid())
		return 0;
	return ragd_err_set(
		err, -EACCES,
		"the %s %s belongs to user %u; it must belong to root or the daemon's user", what,
		path, (unsigned)st->st_uid);
}

static int check_writers(const char *what, const char *path, const struct stat *st,
			 struct ragd_err *err)
{
	bool others = by_others(st);

	if (!others && !by_group(st))
		return 0;
	return ragd_err_set(err, -EACCES, "the %s %s may be written by %s; chmod %s-w it", what,
			    path, others ? "others" : "a group", others ? "o" : "g");
}

static int check_trust(const char *path, const struct stat *st, struct ragd_err *err)
{
	const char *what = S_ISDIR(st->st_mode) ? "folder" : "file";
	int rc = check_owner(what, path, st, err);

	return rc == 0 ? check_writers(what, path, st, err) : rc;
}

static int no_regular_file(const char *path, struct ragd_err *err)
{
	return ragd_err_set(err, -EINVAL, "%s is not a regular file", path);
}

/* flags: besides those that keep an open() from waiting, say for the writer of a FIFO. */
static int open_checked(int dir, const char *name, int flags, const char *path, bool folders_too,
			struct stat *st, struct ragd_err *err)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
	int rc;

	if (fd < 0)
		return ragd_err_sys(err, "open %s", path);
	if (fstat(fd, st) < 0)
		rc = ragd_err_sys(err, "look at %s", path);
	else if (!S_ISREG(st->st_mode) && !(folders_too && S_ISDIR(st->st_mode)))
		rc = no_regular_file(path, err);
	else
		rc = check_trust(path, st, err);
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int trusted_open(const char *path, struct stat *st, struct ragd_err *err)
{
	struct stat found;

	return open_checked(AT_FDCWD, path, 0, path, false, st != NULL ? st : &found, err);
}

int trusted_open_any(int dir, const char *name, const char *path, struct stat *st,
		     struct ragd_err *err)
{
	return open_checked(dir, name, 0, path, true, st, err);
}

/* ---- from the root -------------------------------------------------------------------------- */

struct path_walk {
	int dir;                    /* where we are */
	struct stat st;             /* of it */
	char at[TRUSTED_PATH_MAX];  /* its path, "" for the root */
	char way[TRUSTED_PATH_MAX]; /* what is gone, and what is still to go */
	const char *rest;           /* into way: still to go */
	unsigned n_links;
	struct ragd_err *err;
};

static int too_long(struct path_walk *w)
{
	return ragd_err_set(w->err, -ENAMETOOLONG, "the path to %.100s… is too long", w->at);
}

static const char *name_of(const char *at)
{
	return at[0] != '\0' ? at : "/";
}

/* Takes fd, also on failure. */
static int walk_enter(struct path_walk *w, int fd)
{
	const char *path = name_of(w->at);
	int rc;

	if (w->dir >= 0)
		close(w->dir);
	w->dir = fd;
	if (fd < 0 || fstat(fd, &w->st) < 0)
		return ragd_err_sys(w->err, "folder %s", path);
	rc = check_owner("folder", path, &w->st, w->err);
	if (rc == 0 && (w->st.st_mode & S_ISVTX) == 0)
		rc = check_writers("folder", path, &w->st, w->err);
	return rc;
}

static int enter_root(struct path_walk *w)
{
	w->at[0] = '\0';
	return walk_enter(w, open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static int enter_parent(struct path_walk *w)
{
	char *slash = strrchr(w->at, '/');

	if (slash != NULL)
		*slash = '\0';
	return walk_enter(w, openat(w->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

/* Take the next name off the rest; false at its end. "." and empty names are passed over. */
static bool next_name(struct path_walk *w, char *name, size_t size)
{
	size_t from, len;

	do {
		from = strspn(w->rest, "/");
		len = strcspn(w->rest + from, "/");
		if (len == 0 || len >= size)
			return false;
		memcpy(name, w->rest + from, len);
		name[len] = '\0';
		w->rest += from + len;
	} while (strcmp(name, ".") == 0);
	return true;
}

static int at_append(struct path_walk *w, const char *name)
{
	size_t len = strlen(w->at);

	if (snprintf(w->at + len, sizeof(w->at) - len, "/%s", name) >= (int)(sizeof(w->at) - len))
		return too_long(w);
	return 0;
}

/* Put what the link says before the rest. */
static int walk_follow(struct path_walk *w, int link, const char *name)
{
	char text[TRUSTED_PATH_MAX], way[TRUSTED_PATH_MAX];
	ssize_t len = readlinkat(link, "", text, sizeof(text) - 1);

	if (len < 0)
		return ragd_err_sys(w->err, "link %s/%s", w->at, name);
	if (++w->n_links > LINKS_MAX)
		return ragd_err_set(w->err, -ELOOP, "%s/%s: more than %d symbolic links", w->at,
				    name, LINKS_MAX);
	text[len] = '\0';
	if (snprintf(way, sizeof(way), "%s%s", text, w->rest) >= (int)sizeof(way))
		return too_long(w);
	strcpy(w->way, way);
	w->rest = w->way;
	return text[0] == '/' ? enter_root(w) : 0;
}

/* The file at the end of the way: opened from its folder, which was checked, and checked itself. */
static int open_last(struct path_walk *w, const char *name, struct trusted_file *out)
{
	int fd, rc = check_writers("folder", name_of(w->at), &w->st, w->err);

	if (rc == 0)
		rc = at_append(w, name);
	if (rc < 0)
		return rc;
	fd = open_checked(w->dir, name, O_NOFOLLOW, w->at, false, &out->st, w->err);
	if (fd < 0)
		return fd;
	out->fd = fd;
	strcpy(out->path, w->at);
	return 0;
}

/* One name further. Returns 1 when *out is filled. */
static int walk_step(struct path_walk *w, const char *name, struct trusted_file *out)
{
	bool last = w->rest[strspn(w->rest, "/")] == '\0';
	struct stat st;
	int fd, rc;

	if (strcmp(name, "..") == 0)
		return enter_parent(w);
	fd = openat(w->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = ragd_err_sys(w->err, "%s/%s", w->at, name);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	if (S_ISDIR(st.st_mode)) {
		rc = at_append(w, name);
		if (rc == 0)
			return walk_enter(w, fd);
	} else if (S_ISLNK(st.st_mode)) {
		char path[2 * TRUSTED_PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", w->at, name);
		rc = check_owner("link", path, &st, w->err);
		if (rc == 0)
			rc = walk_follow(w, fd, name);
	} else if (!last) {
		rc = ragd_err_set(w->err, -ENOTDIR, "%s/%s is not a folder", w->at, name);
	} else if (!S_ISREG(st.st_mode)) { /* opening it could wait, or do something */
		rc = at_append(w, name);
		rc = rc == 0 ? no_regular_file(w->at, w->err) : rc;
	} else {
		rc = open_last(w, name, out);
		rc = rc == 0 ? 1 : rc;
	}
	close(fd);
	return rc;
}

static int walk_begin(struct path_walk *w, const char *path)
{
	char *cwd = NULL;
	int n;

	if (path[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (cwd == NULL)
			return ragd_err_sys(w->err, "find %.100s", path);
	}
	w->rest = w->way;
	n = snprintf(w->way, sizeof(w->way), "%s/%s", cwd != NULL ? cwd : "", path);
	free(cwd);
	return n >= (int)sizeof(w->way) ? too_long(w) : enter_root(w);
}

int trusted_walk(const char *path, struct trusted_file *out, struct ragd_err *err)
{
	struct path_walk *w = calloc(1, sizeof(*w));
	char name[256];
	int rc;

	if (w == NULL)
		return ragd_err_set(err, -ENOMEM, "walk to %.100s: out of memory", path);
	w->dir = -1;
	w->err = err;
	rc = walk_begin(w, path);
	while (rc == 0 && next_name(w, name, sizeof(name)))
		rc = walk_step(w, name, out);
	if (rc == 0) /* the way ended at a folder, or a name is too long to be one */
		rc = w->rest[strspn(w->rest, "/")] == '\0'
			     ? ragd_err_set(err, -EINVAL, "%s is not a regular file",
					    name_of(w->at))
			     : too_long(w);
	if (w->dir >= 0)
		close(w->dir);
	free(w);
	return MIN(rc, 0);
}
