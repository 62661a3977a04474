/*
 * Files that decide: code, configuration, rules, keys. Whoever may write one, or put another in its
 * place, decides instead of the administrator. So each is opened once and what was opened is
 * checked; a name may mean another file the moment after.
 *
 * Trusted is what root and the user of this process alone can change: owned by one of the two,
 * writable neither by others nor by a group, unless that is root's or the user's private one
 * (called like the user, with no other members).
 */
#ifndef BASE_TRUSTED_H
#define BASE_TRUSTED_H

#include <stdbool.h>
#include <sys/stat.h>

#include <ragd/err.h>

#define TRUSTED_PATH_MAX 4096

/*
 * Open a regular file for reading and check it, wherever it lies. Never waits: a FIFO or a device
 * is refused. Returns the descriptor, the caller's, with *st (may be NULL) filled. The sentence
 * names the file; -EINVAL: no regular file, -EACCES: not trusted, otherwise what open() says.
 */
int trusted_open(const char *path, struct stat *st, struct ragd_err *err);
/* The same for a file or a folder, by its name in the folder `dir`; `path` is for the sentence. */
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
 * passes if it is sticky, as /tmp is, for then they cannot replace what is not theirs; not so the
 * folder of the file itself. A relative path begins where the process is. *out is written only on
 * success.
 */
int trusted_walk(const char *path, struct trusted_file *out, struct ragd_err *err);

#endif
