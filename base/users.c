#include "base/users.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MAX ((size_t)64 << 20) /* no honest entry is longer */

size_t users_first_room = 1024;

enum lookup { USER_BY_NAME, USER_BY_ID, GROUP_BY_NAME, GROUP_BY_ID };

/* A key, and what was found for it. The strings are in room. */
struct entry {
	const char *name;
	id_t id;
	struct passwd user;
	struct group group;
	char *room;
};

/* The return value of the C library's function, and whether it found an entry. */
static int entry_try(enum lookup lookup, struct entry *e, size_t size, bool *found)
{
	struct passwd *user = NULL;
	struct group *group = NULL;
	int rc;

	if (lookup == USER_BY_NAME)
		rc = getpwnam_r(e->name, &e->user, e->room, size, &user);
	else if (lookup == USER_BY_ID)
		rc = getpwuid_r(e->id, &e->user, e->room, size, &user);
	else if (lookup == GROUP_BY_NAME)
		rc = getgrnam_r(e->name, &e->group, e->room, size, &group);
	else
		rc = getgrgid_r(e->id, &e->group, e->room, size, &group);
	*found = user != NULL || group != NULL;
	return rc;
}

/* 0, -ENOENT or -ENOMEM; e->room is the caller's to free in any case. */
static int entry_find(enum lookup lookup, struct entry *e)
{
	bool found;
	char *room;
	int rc = ERANGE;

	for (size_t size = users_first_room; rc == ERANGE && size <= ROOM_MAX; size *= 2) {
		room = realloc(e->room, size);
		if (room == NULL)
			return -ENOMEM;
		e->room = room;
		rc = entry_try(lookup, e, size, &found);
	}
	if (rc == ENOMEM)
		return -ENOMEM;
	return rc == 0 && found ? 0 : -ENOENT;
}

/* Digits alone; strtoul() would take " 12", "+12" and "-1", too. */
static bool id_parse(const char *text, id_t *out)
{
	uint64_t n = 0;

	if (text[0] == '\0')
		return false;
	for (const char *c = text; *c != '\0'; c++) {
		if (*c < '0' || *c > '9')
			return false;
		n = n * 10 + (uint64_t)(*c - '0');
		if (n >= UINT32_MAX)
			return false;
	}
	*out = (id_t)n;
	return true;
}

int users_uid(const char *name, uid_t *out)
{
	struct entry e = { .name = name };
	int rc = 0;

	if (!id_parse(name, &e.id)) {
		rc = entry_find(USER_BY_NAME, &e);
		e.id = e.user.pw_uid;
	}
	if (rc == 0)
		*out = e.id;
	free(e.room);
	return rc;
}

int users_gid(const char *name, gid_t *out)
{
	struct entry e = { .name = name };
	int rc = 0;

	if (!id_parse(name, &e.id)) {
		rc = entry_find(GROUP_BY_NAME, &e);
		e.id = e.group.gr_gid;
	}
	if (rc == 0)
		*out = e.id;
	free(e.room);
	return rc;
}

char *users_user_name(uid_t uid)
{
	struct entry e = { .id = uid };
	char *name = entry_find(USER_BY_ID, &e) == 0 ? strdup(e.user.pw_name) : NULL;

	free(e.room);
	return name;
}

char *users_group_name(gid_t gid)
{
	struct entry e = { .id = gid };
	char *name = entry_find(GROUP_BY_ID, &e) == 0 ? strdup(e.group.gr_name) : NULL;

	free(e.room);
	return name;
}

char *users_home(uid_t uid)
{
	struct entry e = { .id = uid };
	char *home = entry_find(USER_BY_ID, &e) == 0 ? strdup(e.user.pw_dir) : NULL;

	free(e.room);
	return home;
}
