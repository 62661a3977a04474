#include "retrieval/store/acl.h"

#include <stddef.h>
#include <string.h>

#include "base/name.h"

static bool is_member(const struct ragd_caller *caller, gid_t group)
{
	if (caller->gid == group)
		return true;
	for (size_t i = 0; i < caller->n_groups; i++)
		if (caller->groups[i] == group)
			return true;
	return false;
}

bool acl_may(const struct acl *acl, const struct ragd_caller *caller, unsigned want)
{
	unsigned bits;

	if (caller->admin)
		return true;
	if (caller->uid == acl->owner)
		bits = acl->mode >> 6;
	else if (is_member(caller, acl->group))
		bits = acl->mode >> 3;
	else
		bits = acl->mode;
	return (bits & want) == want;
}

bool acl_knows(const struct acl *acl, const struct ragd_caller *caller)
{
	return acl_may(acl, caller, ACL_READ) || acl_may(acl, caller, ACL_WRITE);
}

int acl_absent(const char *name, struct ragd_err *err)
{
	return ragd_err_set(err, -ENOENT, "there is no collection '%.*s' that you may use",
			    ACL_NAME_MAX, name);
}

int acl_taken(const char *name, struct ragd_err *err)
{
	return ragd_err_set(err, -EACCES,
			    "the name '%.*s' is taken by a collection of another user: choose "
			    "another",
			    ACL_NAME_MAX, name);
}

int acl_check(const struct acl *acl, const char *name, const struct ragd_caller *caller,
	      unsigned want, struct ragd_err *err)
{
	if (acl_may(acl, caller, want))
		return 0;
	if (!acl_knows(acl, caller))
		return acl_absent(name, err);
	return ragd_err_set(err, -EACCES,
			    "you may not %s collection '%s': its owner can allow it with mode or "
			    "group",
			    (want & ACL_WRITE) != 0 ? "change" : "read", name);
}

static int check_mode(uint32_t mode, struct ragd_err *err)
{
	if ((mode & ~0666u) == 0 && (mode & 0600u) == 0600u)
		return 0;
	return ragd_err_set(err, -EINVAL, "mode %04o is not between 0600 and 0666 (r and w bits)",
			    (unsigned)mode);
}

int acl_new(const struct ragd_caller *caller, const struct ragd_collection *want, struct acl *out,
	    struct ragd_err *err)
{
	struct acl acl = { caller->uid, caller->gid, ACL_MODE_DEFAULT };
	int rc;

	rc = acl_change(caller, want, &acl, err);
	if (rc == 0)
		*out = acl;
	return rc;
}

int acl_change(const struct ragd_caller *caller, const struct ragd_collection *want,
	       struct acl *acl, struct ragd_err *err)
{
	struct acl to = *acl;
	int rc;

	rc = check_mode(want->mode, err);
	if (rc < 0)
		return rc;
	if (!acl_knows(acl, caller))
		return acl_taken(want->name, err);
	if (!caller->admin && caller->uid != acl->owner)
		return ragd_err_set(err, -EACCES,
				    "only its owner or an administrator may change collection "
				    "'%s'",
				    want->name);
	to.mode = want->mode;
	if (want->owner != (uid_t)-1)
		to.owner = want->owner;
	if (want->group != (gid_t)-1)
		to.group = want->group;
	if (to.owner != acl->owner && !caller->admin)
		return ragd_err_set(err, -EACCES,
				    "only an administrator may give collection '%s' to another "
				    "user",
				    want->name);
	if (to.group != acl->group && !caller->admin && !is_member(caller, to.group))
		return ragd_err_set(err, -EACCES,
				    "collection '%s': you are not a member of group %lu",
				    want->name, (unsigned long)to.group);
	*acl = to;
	return 0;
}

int acl_name_check(const char *name, struct ragd_err *err)
{
	size_t len = strlen(name);

	if (len == 0)
		return ragd_err_set(err, -EINVAL, "the name of a collection may not be empty");
	if (len > ACL_NAME_MAX)
		return ragd_err_set(
			err, -EINVAL,
			"the name of a collection may have at most %d bytes; this has %zu",
			ACL_NAME_MAX, len);
	if (!name_is_collection(name, len))
		return ragd_err_set(err, -EINVAL,
				    "the name of a collection is made of a-z, 0-9, '.', '_', '-' "
				    "and begins with a letter or digit");
	return 0;
}
