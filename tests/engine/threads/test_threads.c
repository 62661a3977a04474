/* Compute threads: every item once, whatever the pieces; lists of processors; limits of cgroups. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "engine/threads/cpus.h"
#include "engine/threads/threads.h"
#include "tests/test.h"

#define ITEMS 1000

struct tally {
	unsigned seen[ITEMS]; /* plain: an item that two threads work on is a race */
	size_t n_items, grain;
	unsigned n_workers;
	atomic_uint wrong;
};

static void count(void *arg, size_t from, size_t to, unsigned worker)
{
	struct tally *t = arg;

	if (from >= to || to > t->n_items || to - from > t->grain || worker >= t->n_workers)
		atomic_fetch_add(&t->wrong, 1);
	for (size_t i = from; i < MIN(to, t->n_items); i++)
		t->seen[i]++;
}

static void every_item_is_worked_on_once(void **state)
{
	static const struct {
		unsigned n;
		size_t items, grain;
	} rows[] = {
		{ 1, ITEMS, 10 },    { 2, ITEMS, 1 },      { 2, ITEMS, 7 }, { 2, ITEMS, ITEMS },
		{ 4, ITEMS, 3 },     { 4, 1, 1 },          { 4, 0, 1 },     { 4, 5, 1 },
		{ 3, ITEMS, 10000 }, { 8, ITEMS - 1, 13 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };
		struct threads *t;
		struct tally tally = { .n_items = rows[i].items,
				       .grain = rows[i].grain,
				       .n_workers = rows[i].n };

		assert_int_equal(threads_open(rows[i].n, NULL, &t, &err), 0);
		assert_int_equal(threads_n(t), rows[i].n);
		for (unsigned run = 1; run <= 20; run++) {
			threads_run(t, rows[i].items, rows[i].grain, count, &tally);
			for (size_t j = 0; j < ITEMS; j++)
				assert_int_equal(tally.seen[j], j < rows[i].items ? run : 0);
		}
		assert_int_equal(atomic_load(&tally.wrong), 0);
		threads_close(t);
	}
}

struct caller {
	struct threads *threads;
	struct tally tally;
	unsigned n_runs;
	bool wrong;
};

static void *call_again_and_again(void *arg)
{
	struct caller *c = arg;

	for (unsigned run = 1; run <= c->n_runs && !c->wrong; run++) {
		threads_run(c->threads, ITEMS, c->tally.grain, count, &c->tally);
		for (size_t i = 0; i < ITEMS; i++)
			c->wrong |= c->tally.seen[i] != run;
	}
	return NULL;
}

static void callers_take_turns(void **state)
{
	struct caller callers[3] = { 0 };
	pthread_t ids[ARRAY_LEN(callers)];
	struct threads *t;

	(void)state;
	assert_int_equal(threads_open(3, NULL, &t, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		callers[i].threads = t;
		callers[i].n_runs = getenv("VALGRIND") != NULL ? 50 : 2000;
		callers[i].tally.n_items = ITEMS;
		callers[i].tally.n_workers = 3;
		callers[i].tally.grain = 100 + i;
		assert_int_equal(pthread_create(&ids[i], NULL, call_again_and_again, &callers[i]),
				 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(callers); i++) {
		assert_int_equal(pthread_join(ids[i], NULL), 0);
		assert_false(callers[i].wrong);
		assert_int_equal(atomic_load(&callers[i].tally.wrong), 0);
	}
	threads_close(t);
}

static void a_grain_of_nothing_is_one_item(void **state)
{
	struct tally tally = { .n_items = 3, .grain = 1, .n_workers = 2 };
	struct threads *t;

	(void)state;
	assert_int_equal(threads_open(2, NULL, &t, NULL), 0);
	threads_run(t, 3, 0, count, &tally);
	assert_int_equal(atomic_load(&tally.wrong), 0);
	assert_int_equal(tally.seen[2], 1);
	threads_close(t);
}

/* Runs that follow each other at every distance, so that threads are met asleep and awake. */
static void no_run_is_lost(void **state)
{
	struct tally tally = { .n_items = 16, .grain = 1, .n_workers = 4 };
	struct threads_stats stats;
	volatile unsigned sink = 0;
	struct threads *t;

	(void)state;
	assert_int_equal(threads_open(4, NULL, &t, NULL), 0);
	for (unsigned run = 0; run < 3000; run++) {
		threads_run(t, tally.n_items, tally.grain, count, &tally);
		for (unsigned i = 0; i < run * 37 % 20000; i++)
			sink = sink + i;
	}
	for (size_t i = 0; i < tally.n_items; i++)
		assert_int_equal(tally.seen[i], 3000);
	assert_int_equal(atomic_load(&tally.wrong), 0);
	threads_stats(t, &stats);
	assert_int_equal(stats.n_runs, 3000);
	assert_in_range(stats.n_active, 1, 4);
	threads_close(t);
}

struct meeting {
	atomic_uint here;
	unsigned n;
	pid_t of[4];
};

static void meet(void *arg, size_t from, size_t to, unsigned worker)
{
	struct meeting *m = arg;

	(void)from, (void)to;
	m->of[worker]++;
	atomic_fetch_add(&m->here, 1);
	while (atomic_load(&m->here) < m->n)
		sched_yield();
}

static void give_way(void *arg, size_t from, size_t to, unsigned worker)
{
	atomic_uint *seen = arg;

	(void)from, (void)to;
	atomic_fetch_or(seen, 1u << worker);
	for (int i = 0; i < 50; i++)
		sched_yield(); /* so that others come to their turn */
}

/* Not in every run: a late thread is left out for a while. */
static void all_threads_take_part(void **state)
{
	atomic_uint seen = 0;
	struct threads *t;

	(void)state;
	assert_int_equal(threads_open(4, NULL, &t, NULL), 0);
	for (int i = 0; i < 5000 && atomic_load(&seen) != 15; i++)
		threads_run(t, 16, 1, give_way, &seen);
	assert_int_equal(atomic_load(&seen), 15);
	threads_close(t);
}

static int64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/*
 * What all threads use while nobody calls is measured against what they would if they looked out.
 */
static void nobody_spins_when_idle(void **state)
{
	struct tally tally = { .n_items = 8, .grain = 1, .n_workers = 4 };
	struct timespec nap = { .tv_nsec = 200000000 };
	struct threads *t;
	int64_t before;

	(void)state;
	assert_int_equal(threads_open(4, NULL, &t, NULL), 0);
	threads_run(t, tally.n_items, tally.grain, count, &tally);
	before = cpu_ns();
	nanosleep(&nap, NULL); /* what is watched is that nothing happens */
	assert_true(cpu_ns() - before < nap.tv_nsec / 2);
	threads_close(t);
}

static void where(void *arg, size_t from, size_t to, unsigned worker)
{
	struct meeting *m = arg;

	meet(arg, from, to, worker);
	m->of[worker] = sched_getcpu();
}

static unsigned first_cpu(void)
{
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (unsigned i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &set))
			return i;
	return 0;
}

static void threads_stay_where_the_list_says(void **state)
{
	struct meeting m = { .n = 2 };
	cpu_set_t before;
	struct threads *t;
	char list[16];

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	snprintf(list, sizeof(list), "%u", first_cpu());
	assert_int_equal(threads_open(2, list, &t, NULL), 0);
	threads_run(t, 2, 1, where, &m);
	assert_int_equal(m.of[0], first_cpu());
	assert_int_equal(m.of[1], first_cpu());
	threads_close(t);
	assert_int_equal(threads_open(0, list, &t, NULL), 0);
	assert_int_equal(threads_n(t), 1); /* as many as the list has */
	threads_close(t);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

static void open_refuses_what_it_cannot_do(void **state)
{
	static const struct {
		unsigned n;
		const char *cpus, *says;
	} rows[] = {
		{ 257, NULL, "257 compute threads; at most 256" },
		{ 2, "", "is no list" },
		{ 2, "x", "'x' is no list" },
		{ 2, "0,", "is no list" },
		{ 2, "0-", "is no list" },
		{ 2, "-1", "is no list" },
		{ 2, "3-1", "is no list" },
		{ 2, "0 1", "is no list" },
		{ 2, "100000", "processor 100000 of the list" },
		{ 2, "99999999999999999999", "we may run on" },
		{ 2, "1023", "processor 1023 of the list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ragd_err err = { 0 };
		struct threads *t = NULL;

		print_message("%s\n", rows[i].cpus != NULL ? rows[i].cpus : "too many");
		assert_int_equal(threads_open(rows[i].n, rows[i].cpus, &t, &err), -EINVAL);
		assert_null(t);
		assert_non_null(strstr(err.msg, rows[i].says));
	}
}

static void lists_are_read_in_their_order(void **state)
{
	unsigned cpus[3], first = first_cpu();
	char list[64];

	(void)state;
	snprintf(list, sizeof(list), "%u-%u,%u,%u", first, first, first, first);
	assert_int_equal(cpus_parse(list, cpus, 3, NULL), 3);
	assert_int_equal(cpus[0], first);
	assert_int_equal(cpus[2], first);
	assert_int_equal(cpus_parse(list, cpus, 2, NULL), -EINVAL);
}

/* ---- limits of cgroups, from files like the kernel's ---------------------------------------- */

static void put(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	for (const char *p = name; (p = strchr(p, '/')) != NULL; p++) {
		snprintf(path, sizeof(path), "%s/%.*s", dir, (int)(p - name), name);
		mkdir(path, 0700);
	}
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void the_least_limit_of_the_cgroups_counts(void **state)
{
	static const struct {
		const char *name, *self;
		unsigned want;
	} rows[] = {
		{ "version 2", "0::/two\n", 2 },
		{ "rounded up", "0::/half\n", 1 },
		{ "rounded up from above one", "0::/more\n", 4 },
		{ "no limit", "0::/free\n", 0 },
		{ "the parent's, where it is less", "0::/two/five\n", 2 },
		{ "the parent's alone", "0::/two/none\n", 2 },
		{ "version 1", "3:cpuset:/two\n2:cpu,cpuacct:/old\n", 3 },
		{ "version 1, no limit", "2:cpuacct,cpu:/unlimited\n", 0 },
		{ "cpuset and cpuacct are others", "2:cpuset:/old\n1:cpuacct:/old\n", 0 },
		{ "a path that is not there", "0::/gone/for/good\n", 0 },
		{ "no numbers", "0::/odd\n", 0 },
		{ "no line of ours", "nonsense\n\n:\n", 0 },
		{ "nothing", "", 0 },
	};
	char dir[] = "/tmp/ragd-cpus-XXXXXX", self[64], command[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	put(dir, "two/cpu.max", "200000 100000\n");
	put(dir, "two/five/cpu.max", "500000 100000\n");
	put(dir, "half/cpu.max", "50000 100000\n");
	put(dir, "more/cpu.max", "350000 100000\n");
	put(dir, "free/cpu.max", "max 100000\n");
	put(dir, "odd/cpu.max", "-3 nothing\n");
	put(dir, "cpu/old/cpu.cfs_quota_us", "300000\n");
	put(dir, "cpu/old/cpu.cfs_period_us", "100000\n");
	put(dir, "cpu/unlimited/cpu.cfs_quota_us", "-1\n");
	put(dir, "cpu/unlimited/cpu.cfs_period_us", "100000\n");
	snprintf(self, sizeof(self), "%s/self", dir);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		put(dir, "self", rows[i].self);
		assert_int_equal(cpus_quota(self, dir), rows[i].want);
	}
	assert_int_equal(cpus_quota("/nowhere/at/all", dir), 0);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	assert_int_equal(system(command), 0);
}

static void the_default_is_what_may_be_used(void **state)
{
	cpu_set_t before, one;
	struct threads *t;

	(void)state;
	assert_in_range(threads_usable(), 1, THREADS_MAX);
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	CPU_SET(first_cpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(threads_usable(), 1);
	assert_int_equal(threads_open(0, NULL, &t, NULL), 0);
	assert_int_equal(threads_n(t), 1);
	threads_close(t);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_item_is_worked_on_once),
		cmocka_unit_test(callers_take_turns),
		cmocka_unit_test(a_grain_of_nothing_is_one_item),
		cmocka_unit_test(no_run_is_lost),
		cmocka_unit_test(all_threads_take_part),
		cmocka_unit_test(nobody_spins_when_idle),
		cmocka_unit_test(threads_stay_where_the_list_says),
		cmocka_unit_test(open_refuses_what_it_cannot_do),
		cmocka_unit_test(lists_are_read_in_their_order),
		cmocka_unit_test(the_least_limit_of_the_cgroups_counts),
		cmocka_unit_test(the_default_is_what_may_be_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
