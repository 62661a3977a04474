/*
 * Compute threads: one call splits work into pieces and returns when all are done. Threads take
 * pieces as they get to them, so that a core taken away by another process slows the whole by its
 * share only; where a thread keeps being late, work is done without it for a while. Nobody spins
 * while there is nothing to do.
 */
#ifndef ENGINE_THREADS_THREADS_H
#define ENGINE_THREADS_THREADS_H

#include <stddef.h>

#include <ragd/err.h>

struct threads;

#define THREADS_MAX 256

/*
 * n threads in all, the caller of threads_run() counted; 0: as many as there are processors to run
 * on (affinity and the cgroup's quota considered, not the machine's count). `cpus` pins them: a
 * list such as "0,2-5", NULL for none. -EINVAL for a list that cannot be read or names processors
 * that are not ours.
 */
int threads_open(unsigned n, const char *cpus, struct threads **out, struct ragd_err *err);
void threads_close(struct threads *t);
unsigned threads_n(const struct threads *t);
/* What threads_open(0) would take. */
unsigned threads_usable(void);

/*
 * Work on the items [from, to); worker < threads_n() names the thread, for its own scratch memory.
 */
typedef void (*threads_fn)(void *arg, size_t from, size_t to, unsigned worker);

/*
 * Run fn over [0, n_items) in pieces of about `grain` items, on all threads; the caller takes part
 * as worker 0. Returns when every item is done, with all that was written visible. Several callers
 * take turns, one run after the other's.
 */
void threads_run(struct threads *t, size_t n_items, size_t grain, threads_fn fn, void *arg);

/* Counts since the start, for metrics. */
struct threads_stats {
	unsigned long n_runs;
	unsigned long n_late; /* runs held up by a thread that had lost its processor */
	unsigned n_active;    /* threads that take part now */
};
void threads_stats(const struct threads *t, struct threads_stats *out);

#endif
