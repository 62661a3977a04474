/*
 * Files and folders for nobody's eyes but their user's: what the daemon keeps. Modes are set here
 * and do not depend on the umask.
 */
#ifndef BASE_PRIVATE_H
#define BASE_PRIVATE_H

#include <ragd/err.h>

/*
 * Open a file of the state, made with mode 0600 if it is missing; flags as for open(), without
 * O_CREAT. One that exists must be a regular file of this user, and loses what others may do with
 * it. No symbolic link is followed and nothing waits. Returns the descriptor, the caller's.
 */
int private_open(const char *path, int flags, struct ragd_err *err);

/*
 * Take from a file, or a folder with all below it, what group and others may do; by its name in the
 * folder `dir`, which nobody else can write. `path` is for the sentence. Links stay as they are; so
 * does what belongs to root, who reads everything anyway. Returns how many were changed, 0 if there
 * is nothing of that name; -EPERM if something belongs to somebody else.
 */
int private_tighten(int dir, const char *name, const char *path, struct ragd_err *err);

#endif
