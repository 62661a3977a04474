/*
 * Files and folders that only their user may see: what the daemon keeps. Modes are set here and do
 * not depend on the umask.
 */
#ifndef BASE_PRIVATE_H
#define BASE_PRIVATE_H

#include <ragd/err.h>

/*
 * Open a file of the state, made with mode 0600 if it is missing; flags as for open(), without
 * O_CREAT. One that exists must be a regular file of this user, and loses all permissions of
 * others. No symbolic link is followed and nothing waits. Returns a descriptor that the caller
 * owns.
 */
int private_open(const char *path, int flags, struct ragd_err *err);

/*
 * Remove the permissions of group and others from a file, or from a folder and all below it; by its
 * name in the folder `dir`, which nobody else can write. `path` is for the message. Links stay as
 * they are, and so does what belongs to root, who can read everything anyway. Returns how many were
 * changed, 0 if there is nothing of that name; -EPERM if something belongs to somebody else.
 */
int private_tighten(int dir, const char *name, const char *path, struct ragd_err *err);

#endif
