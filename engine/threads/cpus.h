/*
 * Which processors are ours: the affinity this process was given, what a cgroup lets it use of
 * them, and lists of them as people write them.
 */
#ifndef ENGINE_THREADS_CPUS_H
#define ENGINE_THREADS_CPUS_H

#include <ragd/err.h>

/*
 * How many processors the cgroups named in the file `self` (/proc/self/cgroup) allow, rounded up,
 * with their trees below `root` (/sys/fs/cgroup): of version 2 cpu.max, of version 1
 * cpu/cpu.cfs_quota_us; the least of a group and those above it. 0: no limit, or none that can be
 * read.
 */
unsigned cpus_quota(const char *self, const char *root);

/* Processors to run on: affinity and quota considered; at least 1. */
unsigned cpus_usable(void);

/*
 * The numbers in a list such as "0,2-5", in its order, into cpus[0..max). Returns how many; -EINVAL
 * for what is no list, for one too long and for processors that we may not run on.
 */
int cpus_parse(const char *list, unsigned *cpus, unsigned max, struct ragd_err *err);

#endif
