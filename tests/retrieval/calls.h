/* What tests and benchmarks of the store need to call it: frames, callers, directories. */
#ifndef TESTS_RETRIEVAL_CALLS_H
#define TESTS_RETRIEVAL_CALLS_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ragd/plugin.h>

#include "base/arena.h"

struct test_call {
	struct ragd_call call;
	struct ragd_caller caller;
	struct arena *arena;
	bool cancelled;
};

/* Who sees all there is. */
static const struct ragd_caller test_admin = { .admin = true };

static inline void *test_call_alloc(const struct ragd_call *call, size_t n, size_t size)
{
	return arena_alloc(((const struct test_call *)call)->arena, n, size);
}

static inline bool test_call_cancelled(const struct ragd_call *call)
{
	return ((const struct test_call *)call)->cancelled;
}

/* A call of the user 1000 in group 1000. */
static inline void test_call_init(struct test_call *t)
{
	memset(t, 0, sizeof(*t));
	t->arena = arena_new((size_t)256 << 20);
	t->caller.uid = 1000;
	t->caller.gid = 1000;
	t->call.size = sizeof(t->call);
	t->call.caller = &t->caller;
	t->call.request_id = "test";
	t->call.alloc = test_call_alloc;
	t->call.cancelled = test_call_cancelled;
}

static inline void test_call_fini(struct test_call *t)
{
	arena_free(t->arena);
}

/* Remove a directory and the files in it, not what lies deeper. */
static inline void test_remove_dir(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		unlinkat(dirfd(d), e->d_name, 0); /* fails for . and .. */
	closedir(d);
	rmdir(dir);
}

#endif
