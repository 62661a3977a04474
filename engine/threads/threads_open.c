/* The pool of compute threads: which processors it has, its start and its end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "engine/threads/cpus.h"
#include "engine/threads/threads_private.h"

unsigned threads_usable(void)
{
	return MIN(cpus_usable(), THREADS_MAX);
}

unsigned threads_n(const struct threads *t)
{
	return t->n;
}

void threads_stats(const struct threads *t, struct threads_stats *out)
{
	out->n_runs = atomic_load(&t->n_runs);
	out->n_late = atomic_load(&t->n_late);
	out->n_active = t->n - atomic_load(&t->n_out);
}

/* Signals are for the threads of the daemon, not for ours. */
static int workers_start(struct threads *t, struct ragd_err *err)
{
	sigset_t all, before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 1; i < t->n && rc == 0; i++) {
		struct compute_thread *w = &t->workers[i];

		w->threads = t;
		w->number = i;
		atomic_store(&w->cpu, -1);
		pthread_mutex_init(&w->lock, NULL);
		pthread_cond_init(&w->wake, NULL);
		rc = pthread_create(&w->id, NULL, threads_main, w);
		if (rc != 0) {
			pthread_cond_destroy(&w->wake);
			pthread_mutex_destroy(&w->lock);
			ragd_err_set(err, -rc, "start compute thread %u of %u: %s", i, t->n,
				     strerror(rc));
			break;
		}
		t->n_started = i;
		if (t->cpus != NULL)
			threads_pin(w->id, t->cpus[i]);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -rc;
}

/* Whether the system lets us choose at all, asked by choosing what is: seccomp may forbid it. */
static int may_pin(const char *list, struct ragd_err *err)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0 &&
	    sched_setaffinity(0, sizeof(set), &set) < 0)
		return ragd_err_sys(err, "pin compute threads to the processors \"%.64s\"", list);
	return 0;
}

/*
 * Thread i's processor is the i-th of the list, from its beginning again where the list is shorter.
 */
static int read_list(struct threads *t, const char *list, struct ragd_err *err)
{
	unsigned cpus[THREADS_MAX];
	int n = cpus_parse(list, cpus, ARRAY_LEN(cpus), err);
	int rc = n < 0 ? n : may_pin(list, err);

	if (rc < 0)
		return rc;
	if (t->n == 0)
		t->n = (unsigned)n;
	t->cpus = calloc(t->n, sizeof(*t->cpus));
	if (t->cpus == NULL)
		return ragd_err_set(err, -ENOMEM, "memory for %u compute threads", t->n);
	for (unsigned i = 0; i < t->n; i++)
		t->cpus[i] = cpus[i % (unsigned)n];
	return 0;
}

int threads_open(unsigned n, const char *cpus, struct threads **out, struct ragd_err *err)
{
	pthread_condattr_t attr;
	struct threads *t;
	int rc = 0;

	if (n > THREADS_MAX)
		return ragd_err_set(err, -EINVAL, "%u compute threads; at most %d", n, THREADS_MAX);
	t = aligned_alloc(_Alignof(struct threads), sizeof(*t));
	if (t == NULL)
		return ragd_err_set(err, -ENOMEM, "memory for compute threads");
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->turn, NULL);
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->finished, &attr);
	pthread_condattr_destroy(&attr);
	sched_getaffinity(0, sizeof(t->home), &t->home);
	t->n = n;
	if (cpus != NULL)
		rc = read_list(t, cpus, err);
	if (rc == 0 && t->n == 0)
		t->n = threads_usable();
	if (rc == 0) {
		t->workers =
			aligned_alloc(_Alignof(struct compute_thread), t->n * sizeof(*t->workers));
		if (t->workers == NULL)
			rc = ragd_err_set(err, -ENOMEM, "memory for %u compute threads", t->n);
		else
			memset(t->workers, 0, t->n * sizeof(*t->workers));
	}
	if (rc == 0)
		rc = workers_start(t, err);
	if (rc < 0) {
		threads_close(t);
		return rc;
	}
	*out = t;
	return 0;
}

void threads_close(struct threads *t)
{
	if (t == NULL)
		return;
	atomic_store(&t->stop, true);
	for (unsigned i = 1; i <= t->n_started; i++) {
		struct compute_thread *w = &t->workers[i];

		pthread_mutex_lock(&w->lock);
		pthread_cond_signal(&w->wake);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->id, NULL);
		pthread_cond_destroy(&w->wake);
		pthread_mutex_destroy(&w->lock);
	}
	pthread_cond_destroy(&t->finished);
	pthread_mutex_destroy(&t->lock);
	pthread_mutex_destroy(&t->turn);
	free(t->workers);
	free(t->cpus);
	free(t);
}
