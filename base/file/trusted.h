/*
 * Files that decide what happens: code, configuration, rules, keys. Whoever may write one, or put
 * another in its place, decides instead of the administrator. So each is opened once and what was
 * opened is checked; a moment later the name may mean another file.
 *
 * Trusted is what root and the user of this process alone can change: owned by one of the two,
 * writable neither by others nor by a group, unless that is root's or the user's private one
 * (of the user's name, with no other members).
 */
#ifndef BASE_TRUSTED_H
#define BASE_TRUSTED_H

#include <stdbool.h>
#include <sys/stat.h>

#include <ragd/err.h>

#define TRUSTED_PATH_MAX 4096

/*
 * Open a regular file for reading and check it, wherever it lies. Never waits: a FIFO or a device
 * is refused. Returns a descriptor that the caller owns, with *st (may be NULL) filled. The message
 * names the file; -EINVAL: not a regular file, -EACCES: not trusted, otherwise what open() says.
 */
int trusted_open(const char *path, struct stat *st, struct ragd_err *err);
/* The same for a file or a folder, by its name in the folder `dir`; `path` is for the message. */
int trusted_open_any(int dir, const char *name, const char *path, struct stat *st,
		     struct ragd_err *err);

struct trusted_file {
	int fd; /* for reading; the caller's */
	struct stat st;
	char path[TRUSTED_PATH_MAX]; /* from the root, symbolic links resolved */
};

/*
 * The same for what must not be swapped by way of a folder above it either: walks from the root by
 * descriptors and checks every folder and every symbolic link on the way. One that others may write
 * passes if it is sticky, as /tmp is, for then they cannot replace what is not theirs; the folder
 * of the file itself does not. A relative path begins at the process's current folder. *out is
 * written only on success.
 */
int trusted_walk(const char *path, struct trusted_file *out, struct ragd_err *err);

#endif
