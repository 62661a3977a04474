/*
 * Compute threads: what a run costs, and how work on all processors goes while another process
 * keeps one of them busy, against one thread alone in the same seconds.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "engine/threads/threads.h"

#define SECOND 1000000
#define ROUNDS 3

/* About 30 microseconds of arithmetic for an item, as a piece of a product takes. */
static void item(void *arg, size_t from, size_t to, unsigned worker)
{
	volatile float *out = arg;

	for (size_t i = from; i < to; i++) {
		float x = (float)i;

		for (int j = 0; j < 20000; j++)
			x = x * 0.999f + 1;
		out[worker * 32] = x;
	}
}

/* Runs of n_items for a time: a forward pass is some hundreds of them. Items a second. */
static double speed(struct threads *t, size_t n_items, int64_t time_us)
{
	float out[32 * THREADS_MAX];
	int64_t start = clock_us(), now;
	double n = 0;

	do {
		threads_run(t, n_items, 1, item, out);
		n += (double)n_items;
		now = clock_us();
	} while (now - start < time_us);
	return n / (double)(now - start) * 1e6;
}

static void nothing(void *arg, size_t from, size_t to, unsigned worker)
{
	(void)arg, (void)from, (void)to, (void)worker;
}

static pid_t hog(void)
{
	pid_t id = fork();

	if (id == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (volatile unsigned i = 0;; i++)
			;
	}
	return id;
}

static void compare(const char *what, struct threads *one, struct threads *all)
{
	static const size_t sizes[] = { 8, 64, 512 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct threads_stats before, after;
		double alone = 0, together = 0;

		threads_stats(all, &before);
		for (int round = 0; round < ROUNDS; round++) {
			alone += speed(one, sizes[i], SECOND / 2);
			together += speed(all, sizes[i], SECOND / 2);
		}
		threads_stats(all, &after);
		printf("%s, runs of %3zu items: %u threads are %.2f of one; %lu of %lu runs late\n",
		       what, sizes[i], threads_n(all), together / alone,
		       after.n_late - before.n_late, after.n_runs - before.n_runs);
	}
}

int main(int argc, char **argv)
{
	unsigned n = argc > 1 ? (unsigned)atoi(argv[1]) : threads_usable();
	struct threads *one, *all;
	struct ragd_err err;
	int64_t start;
	pid_t other;

	if (threads_open(1, NULL, &one, &err) < 0 || threads_open(n, NULL, &all, &err) < 0) {
		printf("threads: %s\n", err.msg);
		return 1;
	}
	start = clock_us();
	for (int i = 0; i < 20000; i++)
		threads_run(all, 2 * n, 1, nothing, NULL);
	printf("a run of nothing on %u threads: %.2f us\n", n,
	       (double)(clock_us() - start) / 20000);
	compare("nobody else", one, all);
	other = hog();
	compare("another process", one, all);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	compare("nobody again", one, all);
	threads_close(all);
	threads_close(one);
	return 0;
}
