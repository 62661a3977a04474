/*
 * Users and groups of the system, by name or number. Entries may be of any length, since a group
 * may have any number of members.
 */
#ifndef BASE_USERS_H
#define BASE_USERS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * The id of a user or group: digits alone are the number itself, whether anyone has it or not;
 * anything else is looked up. -ENOENT if the system doesn't know it, -ENOMEM. The largest number
 * stands for "no id" in the kernel's interfaces and is none.
 */
int users_uid(const char *name, uid_t *out);
int users_gid(const char *name, gid_t *out);

/* The name of a user or group, which the caller frees; NULL if it has none, or out of memory. */
char *users_user_name(uid_t uid);
char *users_group_name(gid_t gid);
/* A user's home directory; the same. */
char *users_home(uid_t uid);

extern size_t users_first_room; /* bytes to begin with; tests begin with too few */

#endif
