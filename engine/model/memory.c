#include "engine/model/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

#define MIB (1024.0 * 1024)

/* Where a version of control groups says what a group may take, and what it has taken. */
struct group_files {
	const char *controller; /* as /proc/self/cgroup names it */
	const char *mount;
	const char *limit, *used;
	const char *idle; /* in memory.stat: pages of files, given up before anything else */
};

static const struct group_files group_versions[] = {
	{ "", "/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file " },
	{ "memory", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
	  "total_inactive_file " },
};

/* The number behind `key` at the beginning of a line; `none` for "max", and where there is none. */
static uint64_t read_number(const char *path, const char *key, uint64_t none)
{
	FILE *f = fopen(path, "re");
	size_t key_len = strlen(key);
	uint64_t n, found = none;
	char line[256];

	while (f != NULL && found == none && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, key_len) == 0 &&
		    sscanf(line + key_len, " %" SCNu64, &n) == 1)
			found = n;
	if (f != NULL)
		fclose(f);
	return found;
}

static uint64_t system_available(const char *root)
{
	char path[PATH_MAX];
	uint64_t kib;

	snprintf(path, sizeof(path), "%s/proc/meminfo", root);
	kib = read_number(path, "MemAvailable:", UINT64_MAX);
	return kib != UINT64_MAX ? kib * 1024 : UINT64_MAX;
}

/* Our group of a controller: from a line "4:cpu,memory:/group". False if there is none. */
static bool group_name(const char *root, const char *controller, char *out, size_t room)
{
	char path[PATH_MAX], line[1024], *names, *group, *name, *rest;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL) {
		names = strchr(line, ':');
		group = names != NULL ? strchr(names + 1, ':') : NULL;
		if (group == NULL)
			continue;
		*group++ = '\0';
		rest = names + 1;
		while (!found && (name = strsep(&rest, ",")) != NULL)
			found = strcmp(name, controller) == 0;
		snprintf(out, room, "%.*s", (int)strcspn(group, "\n"), group);
	}
	if (f != NULL)
		fclose(f);
	return found;
}

/* What the group in this folder still allows. */
static uint64_t folder_available(const struct group_files *v, const char *folder)
{
	uint64_t limit, used, idle;
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, v->limit);
	limit = read_number(path, "", UINT64_MAX);
	snprintf(path, sizeof(path), "%s/%s", folder, v->used);
	used = read_number(path, "", UINT64_MAX);
	if (limit == UINT64_MAX || used == UINT64_MAX)
		return UINT64_MAX;
	snprintf(path, sizeof(path), "%s/memory.stat", folder);
	idle = read_number(path, v->idle, 0);
	used -= MIN(idle, used);
	return limit > used ? limit - used : 0;
}

/*
 * The least that our group and those above it allow. In a container the name may be the host's, of
 * which only the mount itself can be seen: what is missing is passed over.
 */
static uint64_t group_available(const struct group_files *v, const char *root)
{
	char group[1024], folder[PATH_MAX];
	uint64_t least = UINT64_MAX;

	if (!group_name(root, v->controller, group, sizeof(group)))
		return least;
	for (char *slash = group; slash != NULL;) {
		snprintf(folder, sizeof(folder), "%s%s%s", root, v->mount, group);
		least = MIN(least, folder_available(v, folder));
		slash = strrchr(group, '/');
		if (slash != NULL)
			*slash = '\0';
	}
	return least;
}

uint64_t memory_available_under(const char *root)
{
	uint64_t least = system_available(root);

	for (size_t i = 0; i < ARRAY_LEN(group_versions); i++)
		least = MIN(least, group_available(&group_versions[i], root));
	return least;
}

uint64_t memory_available(void)
{
	return memory_available_under("");
}

int memory_check(const struct memory_plan *plan, uint64_t available, uint64_t limit,
		 struct ragd_err *err)
{
	uint64_t sum = plan->weights + plan->cache + plan->scratch;
	char has[64];

	if (sum <= available && (limit == 0 || sum <= limit))
		return 0;
	if (limit > 0 && sum > limit)
		snprintf(has, sizeof(has), "`memory` allows %.1f", (double)limit / MIB);
	else
		snprintf(has, sizeof(has), "%.0f are available", (double)available / MIB);
	return ragd_err_set(
		err, -ENOMEM,
		"the model needs %.0f MiB (weights %.0f, KV cache %.0f, working %.0f), and %s: "
		"a smaller model, or less context",
		(double)sum / MIB, (double)plan->weights / MIB, (double)plan->cache / MIB,
		(double)plan->scratch / MIB, has);
}
