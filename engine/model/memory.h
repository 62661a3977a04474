/*
 * What memory there is, and whether what a model takes fits into it: asked before anything is
 * allocated.
 */
#ifndef ENGINE_MODEL_MEMORY_H
#define ENGINE_MODEL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <ragd/err.h>

/* What loading takes, bytes. */
struct memory_plan {
	uint64_t weights; /* packed, with the tables that are looked up */
	uint64_t cache;   /* keys and values, at most */
	uint64_t scratch; /* to work in */
};

/*
 * Memory that this process may still take without swapping: what the system has available, and what
 * its control groups allow (version 1 and 2), the least of them. What cannot be read counts as no
 * limit.
 */
uint64_t memory_available(void);
/* The same of a system whose /proc and /sys lie under `root`. */
uint64_t memory_available_under(const char *root);

/*
 * -ENOMEM, with all figures, if the plan takes more than `limit` (0: none), or more than is
 * available. A model that does not fit would not fail: the system would push out everything else
 * first.
 */
int memory_check(const struct memory_plan *plan, uint64_t available, uint64_t limit,
		 struct ragd_err *err);

#endif
