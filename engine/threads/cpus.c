/* Which processors are ours. */
#include "engine/threads/cpus.h"

#include <ctype.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"

/* The limit of one group, rounded up; 0: none. */
static unsigned quota_processors(double quota, double period)
{
	double n = quota > 0 && period > 0 ? quota / period : 0;

	return n <= 0 || n > 1e6 ? 0 : (unsigned)n + (n > (unsigned)n);
}

static bool read_number(const char *dir, const char *name, double *out)
{
	char path[4352];
	FILE *f;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	ok = fscanf(f, "%lf", out) == 1;
	fclose(f);
	return ok;
}

static unsigned limit_v2(const char *dir)
{
	double quota = 0, period = 0;
	char path[4352];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/cpu.max", dir);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%lf %lf", &quota, &period) == 2) /* else "max" */
		n = quota_processors(quota, period);
	fclose(f);
	return n;
}

static unsigned limit_v1(const char *dir)
{
	double quota, period;

	if (!read_number(dir, "cpu.cfs_quota_us", &quota) ||
	    !read_number(dir, "cpu.cfs_period_us", &period))
		return 0;
	return quota_processors(quota, period);
}

/* The least limit of the group `path` and those above it. */
static unsigned limit_along(const char *root, const char *tree, const char *path,
			    unsigned (*limit)(const char *dir))
{
	unsigned least = 0;
	char dir[4224];
	size_t base;

	base = (size_t)snprintf(dir, sizeof(dir), "%s%s", root, tree);
	if (base >= sizeof(dir) || base + strlen(path) >= sizeof(dir))
		return 0;
	strcpy(dir + base, path);
	for (;;) {
		unsigned n = limit(dir);
		char *slash = strrchr(dir + base, '/');

		if (n > 0 && (least == 0 || n < least))
			least = n;
		if (slash == NULL)
			return least;
		*slash = '\0';
	}
}

/* Whether a comma-separated list of controllers has "cpu". */
static bool has_cpu(const char *controllers)
{
	for (const char *p = controllers; (p = strstr(p, "cpu")) != NULL; p += 3)
		if ((p == controllers || p[-1] == ',') && (p[3] == ',' || p[3] == '\0'))
			return true;
	return false;
}

unsigned cpus_quota(const char *self, const char *root)
{
	char *line = NULL;
	unsigned least = 0;
	size_t size = 0;
	FILE *f = fopen(self, "re");

	while (f != NULL && getline(&line, &size, f) > 0) { /* id:controllers:path */
		char *controllers = strchr(line, ':'), *path;
		unsigned n = 0;

		path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
		if (path == NULL)
			continue;
		*path++ = '\0';
		path[strcspn(path, "\n")] = '\0';
		controllers++;
		if (*controllers == '\0')
			n = limit_along(root, "", path, limit_v2);
		else if (has_cpu(controllers))
			n = limit_along(root, "/cpu", path, limit_v1);
		if (n > 0 && (least == 0 || n < least))
			least = n;
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return least;
}

unsigned cpus_usable(void)
{
	unsigned quota = cpus_quota("/proc/self/cgroup", "/sys/fs/cgroup");
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	if (quota > 0 && n > (long)quota)
		n = (long)quota;
	return n > 1 ? (unsigned)n : 1;
}

/* A number of the list; false if there is none here. */
static bool cpu_number_parse(const char **p, unsigned long *out)
{
	char *end;

	if (!isdigit((unsigned char)**p))
		return false;
	*out = strtoul(*p, &end, 10);
	*p = end;
	return true;
}

int cpus_parse(const char *list, unsigned *cpus, unsigned max, struct ragd_err *err)
{
	const char *p = list;
	cpu_set_t set;
	unsigned n = 0;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return ragd_err_sys(err, "processors we may run on");
	do {
		unsigned long from, to;

		if (!cpu_number_parse(&p, &from))
			goto malformed;
		to = from;
		if (*p == '-' && (p++, !cpu_number_parse(&p, &to) || to < from))
			goto malformed;
		for (unsigned long cpu = from; cpu <= to; cpu++) {
			if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &set))
				return ragd_err_set(err, -EINVAL,
						    "processor %lu of the list '%s' is not one we "
						    "may run on",
						    cpu, list);
			if (n == max)
				return ragd_err_set(err, -EINVAL,
						    "the list of processors '%s' has more than %u",
						    list, max);
			cpus[n++] = (unsigned)cpu;
		}
	} while (*p == ',' && p++ != NULL);
	if (*p == '\0')
		return (int)n;
malformed:
	return ragd_err_set(err, -EINVAL, "'%s' is no list of processors such as 0,2-5", list);
}
