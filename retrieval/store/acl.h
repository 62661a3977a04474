/*
 * Who may do what to a collection: owner, group and mode, decided as the kernel decides for a file.
 * Also what a collection's name may look like.
 */
#ifndef RETRIEVAL_ACL_H
#define RETRIEVAL_ACL_H

#include <stdbool.h>
#include <stdint.h>

#include <ragd/plugin.h>

#define ACL_READ  4u
#define ACL_WRITE 2u

#define ACL_MODE_DEFAULT 0600u

#define ACL_NAME_MAX 64 /* bytes of a collection's name */

struct acl {
	uid_t owner;
	gid_t group;
	uint32_t mode;
};

/*
 * As for a file: the owner's bits for the owner, else the group's for its members, else the rest's.
 * An administrator always may.
 */
bool acl_may(const struct acl *acl, const struct ragd_caller *caller, unsigned want);
/* Whether the caller may know that the collection is there: it may read or write it. */
bool acl_knows(const struct acl *acl, const struct ragd_caller *caller);
/* -ENOENT with the one sentence that says so, whether there is none or the caller may not know. */
int acl_absent(const char *name, struct ragd_err *err);
/*
 * For what would make a collection: the name belongs to another. All names stand in one table, as
 * files in a directory, so that it is taken cannot be kept secret; nothing else is told.
 */
int acl_taken(const char *name, struct ragd_err *err);
/* acl_may, as -EACCES with a sentence that names the collection, or acl_absent. */
int acl_check(const struct acl *acl, const char *name, const struct ragd_caller *caller,
	      unsigned want, struct ragd_err *err);

/*
 * What a new collection of this caller gets, or what a change turns `acl` into: -EPERM with a
 * sentence if the caller may not. owner and group (uid_t)-1, (gid_t)-1: as they are; for a new one
 * the caller's own.
 */
int acl_new(const struct ragd_caller *caller, const struct ragd_collection *want, struct acl *out,
	    struct ragd_err *err);
int acl_change(const struct ragd_caller *caller, const struct ragd_collection *want,
	       struct acl *acl, struct ragd_err *err);

/* 0, or -EINVAL with a sentence that says what is allowed. */
int acl_name_check(const char *name, struct ragd_err *err);

#endif
