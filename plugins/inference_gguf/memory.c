/* What memory there is, and whether a plan fits into it. */
#include "plugins/inference_gguf/llm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"

#define MIB (1024.0 * 1024)

/* A number in a small file of the kernel's: "max" and what cannot be read are UINT64_MAX. */
static uint64_t read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t n;

	if (f == NULL)
		return UINT64_MAX;
	if (fscanf(f, "%" SCNu64, &n) != 1)
		n = UINT64_MAX;
	fclose(f);
	return n;
}

static uint64_t system_available(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	uint64_t kib, found = UINT64_MAX;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			found = kib * 1024;
	if (f != NULL)
		fclose(f);
	return found;
}

/* The path of our control group, version 2: the line "0::/…". False if there is none. */
static bool group_path(char *out, size_t room)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[1024];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "0::/", 4) == 0) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(out, room, "/sys/fs/cgroup%s", line + 3);
			found = true;
		}
	if (f != NULL)
		fclose(f);
	return found;
}

/* The least that any group above us, too, still allows. */
static uint64_t group_available(void)
{
	char group[1100], path[1200], *slash;
	uint64_t least = UINT64_MAX;

	if (!group_path(group, sizeof(group)))
		return least;
	do {
		uint64_t limit, used;

		snprintf(path, sizeof(path), "%s/memory.max", group);
		limit = read_number(path);
		snprintf(path, sizeof(path), "%s/memory.current", group);
		used = read_number(path);
		if (limit != UINT64_MAX && used != UINT64_MAX)
			least = MIN(least, limit > used ? limit - used : 0);
		slash = strrchr(group, '/');
		*slash = '\0';
	} while (strlen(group) >= sizeof("/sys/fs/cgroup") - 1);
	return least;
}

uint64_t memory_available(void)
{
	return MIN(system_available(), group_available());
}

int memory_check(const struct ragd_host *host, const struct memory_plan *plan, uint64_t available,
		 uint64_t limit, struct ragd_err *err)
{
	uint64_t sum = plan->weights + plan->cache + plan->scratch;

	host->log(host, RAGD_LOG_INFO,
		  "memory: %.0f MiB of weights, %.0f MiB of KV cache at most, %.0f MiB to work in; "
		  "%.0f MiB available",
		  (double)plan->weights / MIB, (double)plan->cache / MIB,
		  (double)plan->scratch / MIB, (double)available / MIB);
	if (limit > 0 && sum > limit)
		return ragd_err_set(
			err, -ENOMEM,
			"needs %.0f MiB (weights %.0f, KV cache %.0f, working %.0f), and "
			"`memory` allows %.1f: a smaller model, `cache` or `context`",
			(double)sum / MIB, (double)plan->weights / MIB, (double)plan->cache / MIB,
			(double)plan->scratch / MIB, (double)limit / MIB);
	if (sum > available)
		return ragd_err_set(
			err, -ENOMEM,
			"needs %.0f MiB (weights %.0f, KV cache %.0f, working %.0f), and "
			"%.0f are available: a smaller model, `cache` or `context`",
			(double)sum / MIB, (double)plan->weights / MIB, (double)plan->cache / MIB,
			(double)plan->scratch / MIB, (double)available / MIB);
	return 0;
}
