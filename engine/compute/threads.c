/*
 * Compute threads. A run is published by one store to `claim`, which holds how many pieces are left and
 * a number that no other run shares: whoever takes a piece has by the same step made sure that the run
 * it belongs to is not over, and may then read what the run is about.
 *
 * Threads that have nothing to do look out for a next run for some tens of microseconds, since the runs
 * of a forward pass follow each other closely, and then sleep. One that lost its processor in the middle
 * of a piece, so that the caller had to wait for it, or has none but the caller's is left out for a
 * while: what it could add is less than what the waiting costs.
 */
#include "engine/compute/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/util.h"
#include "engine/compute/cpus.h"

#define SPIN_NS      50000   /* how long an idle thread looks out before it sleeps */
#define WAIT_SPIN_NS 100000  /* how long the caller does for the last pieces */
#define LONG_NS      300000  /* pieces and waits from here on are looked into */
#define SHARED_NS    4000000 /* of runs: more than it takes the scheduler to part two threads */
#define LEND_NS      500000  /* waiting from here on: a thread has lost its processor */
#define LATE_NS      2000000 /* waiting that is of no account */
#define RECENT_NS    20000000
#define OUT_MIN_NS   10000000 /* how long a thread is left out at first */
#define OUT_MAX_NS   250000000
#define PARDON_NS    200000000 /* in time through runs of so long: what was before is forgotten */

/* Aligned so that one thread's counters do not share a line with another's. */
struct compute_thread {
	_Alignas(128) pthread_t id;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	atomic_bool asleep;
	atomic_bool out;  /* takes no pieces */
	atomic_bool lost; /* had no processor during a piece; reset by the caller */
	atomic_bool busy; /* with a piece */
	atomic_int cpu;   /* where it took part in the run; -1: it did not */
	unsigned number;
	struct threads *threads;

	/* The thread's own: clocks as they stood when it last awoke or looked. */
	int64_t wall_ns, cpu_ns;

	/* The caller's. */
	int64_t out_ns;    /* how long it was left out last; 0 if it has not been late */
	int64_t until_ns;  /* when it may try again */
	int64_t since_ns;  /* runs' time when it last did */
	bool guest;        /* moved to the caller's processor */
	int64_t late_ns;   /* what the caller has waited for it of late */
	int64_t shared_ns; /* runs of late that it had the caller's processor in */
};

struct threads {
	/* The run; stable while pieces of it are left or in work. */
	threads_fn fn;
	void *arg;
	size_t n_items, grain;
	uint32_t n_pieces;

	_Alignas(128) atomic_uint_fast64_t claim; /* number of the run << 32 | pieces left */
	_Alignas(128) atomic_uint done;
	atomic_bool stop;

	pthread_mutex_t turn; /* one caller at a time */
	pthread_mutex_t lock; /* for the caller's sleep */
	pthread_cond_t finished;
	atomic_bool waiting;

	unsigned n, n_started;
	unsigned *cpus; /* [n]; NULL: not pinned */
	pthread_t pinned;
	bool is_pinned; /* `pinned` called before */
	uint32_t run;
	int64_t runs_ns;   /* time that runs on several threads have taken */
	int64_t recent_ns; /* of late */
	cpu_set_t home;    /* where threads may be if they are not pinned */
	atomic_ulong n_runs, n_late;
	atomic_uint n_out;
	struct compute_thread *workers; /* [n]; the caller is the first and does not use it */
};

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
	for (int i = 0; i < 8; i++)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
	for (int i = 0; i < 8; i++)
		__asm__ volatile("isb");
#else
	sched_yield();
#endif
}

static bool work_left(struct threads *t)
{
	return (uint32_t)atomic_load(&t->claim) > 0;
}

/* Take a piece of the run there is, if one is left. */
static bool piece_take(struct threads *t, uint32_t *piece)
{
	uint64_t seen = atomic_load(&t->claim);

	while ((uint32_t)seen > 0) {
		if (atomic_compare_exchange_weak(&t->claim, &seen, seen - 1)) {
			*piece = t->n_pieces - (uint32_t)seen;
			return true;
		}
	}
	return false;
}

static void piece_run(struct threads *t, uint32_t piece, unsigned worker)
{
	size_t from = piece * t->grain;

	t->fn(t->arg, from, MIN(from + t->grain, t->n_items), worker);
}

/* A piece is done; whoever did the last one wakes the caller, which may be gone as soon as it knows. */
static void piece_finish(struct threads *t)
{
	uint32_t n = t->n_pieces;

	if (atomic_fetch_add(&t->done, 1) + 1 == n && atomic_load(&t->waiting)) {
		pthread_mutex_lock(&t->lock);
		pthread_cond_signal(&t->finished);
		pthread_mutex_unlock(&t->lock);
	}
}

/* ---- a thread -------------------------------------------------------------------------------------- */

static void read_clocks(struct compute_thread *w)
{
	w->wall_ns = now_ns(CLOCK_MONOTONIC);
	w->cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
}

/*
 * A piece took long: did the processor work for us all the time since the clocks were last read? The
 * thread has not slept since, and is billed for looking out too.
 */
static void look_back(struct compute_thread *w)
{
	int64_t wall = w->wall_ns, cpu = w->cpu_ns;

	read_clocks(w);
	if (w->wall_ns - wall - (w->cpu_ns - cpu) > LONG_NS)
		atomic_store(&w->lost, true);
}

/* May this thread begin? */
static bool worker_called(struct compute_thread *w)
{
	return !atomic_load(&w->out) && work_left(w->threads);
}

/* Until there is work, or all is over (false). */
static bool worker_await(struct compute_thread *w)
{
	struct threads *t = w->threads;
	int64_t start = now_ns(CLOCK_MONOTONIC);

	do {
		for (int i = 0; i < 4; i++) {
			if (atomic_load(&t->stop))
				return false;
			if (worker_called(w))
				return true;
			pause_briefly();
		}
	} while (!atomic_load(&w->out) && now_ns(CLOCK_MONOTONIC) - start < SPIN_NS);

	pthread_mutex_lock(&w->lock);
	atomic_store(&w->asleep, true);
	while (!atomic_load(&t->stop) && !worker_called(w))
		pthread_cond_wait(&w->wake, &w->lock);
	atomic_store(&w->asleep, false);
	pthread_mutex_unlock(&w->lock);
	read_clocks(w);
	return !atomic_load(&t->stop);
}

static void *worker_main(void *arg)
{
	struct compute_thread *w = arg;
	struct threads *t = w->threads;

	read_clocks(w);
	while (worker_await(w)) {
		int64_t start = now_ns(CLOCK_MONOTONIC), end;
		uint32_t piece;

		while (piece_take(t, &piece)) {
			atomic_store_explicit(&w->busy, true, memory_order_relaxed);
			atomic_store_explicit(&w->cpu, sched_getcpu(), memory_order_relaxed);
			piece_run(t, piece, w->number);
			end = now_ns(CLOCK_MONOTONIC);
			if (end - start > LONG_NS)
				look_back(w);
			start = end;
			atomic_store_explicit(&w->busy, false, memory_order_relaxed);
			piece_finish(t);
		}
	}
	return NULL;
}

/* ---- the caller ------------------------------------------------------------------------------------ */

static void pin_thread(pthread_t id, unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(id, sizeof(set), &set);
}

static void pin_caller(struct threads *t)
{
	if (t->cpus == NULL || (t->is_pinned && pthread_equal(t->pinned, pthread_self())))
		return;
	pin_thread(pthread_self(), t->cpus[0]);
	t->pinned = pthread_self();
	t->is_pinned = true;
}

/* Let those try again whose time has come. */
static void workers_readmit(struct threads *t)
{
	int64_t now;

	if (atomic_load(&t->n_out) == 0)
		return;
	now = now_ns(CLOCK_MONOTONIC);
	for (unsigned i = 1; i < t->n; i++) {
		struct compute_thread *w = &t->workers[i];

		if (atomic_load(&w->out) && now >= w->until_ns) {
			w->since_ns = t->runs_ns;
			w->late_ns = w->shared_ns = 0;
			atomic_store(&w->lost, false);
			atomic_store(&w->out, false);
			atomic_fetch_sub(&t->n_out, 1);
		}
	}
}

/* Publish the run and wake as many as there are pieces for. */
static void run_publish(struct threads *t, size_t n_items, size_t grain, threads_fn fn, void *arg)
{
	uint32_t wanted = t->n_pieces - 1;

	t->fn = fn;
	t->arg = arg;
	t->n_items = n_items;
	t->grain = grain;
	atomic_store(&t->done, 0);
	atomic_store(&t->claim, (uint64_t)++t->run << 32 | t->n_pieces);
	for (unsigned i = 1; i < t->n && wanted > 0; i++) {
		struct compute_thread *w = &t->workers[i];

		if (atomic_load(&w->out))
			continue;
		wanted--;
		if (atomic_load(&w->asleep)) {
			pthread_mutex_lock(&w->lock);
			pthread_cond_signal(&w->wake);
			pthread_mutex_unlock(&w->lock);
		}
	}
}

/*
 * A thread in the middle of a piece waits for its processor, and the caller for the thread: put it where
 * the caller is, which is about to sleep. `back` undoes that.
 */
static void lend_processor(struct threads *t, bool back)
{
	int cpu = sched_getcpu();

	if (t->cpus != NULL || cpu < 0)
		return;
	for (unsigned i = 1; i < t->n; i++) {
		struct compute_thread *w = &t->workers[i];

		if (back && w->guest)
			pthread_setaffinity_np(w->id, sizeof(t->home), &t->home);
		w->guest = !back && atomic_load_explicit(&w->busy, memory_order_relaxed);
		if (w->guest)
			pin_thread(w->id, (unsigned)cpu);
	}
}

/* Asleep until the rest is done or (true) the moment has come. */
static bool sleep_until(struct threads *t, int64_t moment_ns)
{
	struct timespec ts = { .tv_sec = moment_ns / 1000000000,
			       .tv_nsec = moment_ns % 1000000000 };
	int rc = 0;

	pthread_mutex_lock(&t->lock);
	atomic_store(&t->waiting, true);
	while (atomic_load(&t->done) < t->n_pieces && rc == 0)
		rc = moment_ns > 0 ? pthread_cond_timedwait(&t->finished, &t->lock, &ts)
				   : pthread_cond_wait(&t->finished, &t->lock);
	atomic_store(&t->waiting, false);
	pthread_mutex_unlock(&t->lock);
	return atomic_load(&t->done) < t->n_pieces;
}

/* Until the pieces that others took are done. Returns how long that took. */
static int64_t wait_for_rest(struct threads *t)
{
	int64_t start = now_ns(CLOCK_MONOTONIC), now = start;

	while (atomic_load(&t->done) < t->n_pieces && now - start < WAIT_SPIN_NS) {
		pause_briefly();
		now = now_ns(CLOCK_MONOTONIC);
	}
	if (atomic_load(&t->done) == t->n_pieces)
		return now - start;
	if (sleep_until(t, start + LEND_NS)) {
		lend_processor(t, false);
		sleep_until(t, 0);
		lend_processor(t, true);
	}
	return now_ns(CLOCK_MONOTONIC) - start;
}

/* Each time for longer. */
static void leave_out(struct threads *t, struct compute_thread *w)
{
	if (t->runs_ns - w->since_ns > PARDON_NS)
		w->out_ns = 0;
	w->out_ns = MIN(MAX(3 * w->out_ns, OUT_MIN_NS), OUT_MAX_NS);
	w->until_ns = now_ns(CLOCK_MONOTONIC) + w->out_ns;
	atomic_store(&w->out, true);
	atomic_fetch_add(&t->n_out, 1);
}

/*
 * The run was held up by who had lost its processor in it. A moment now and then is cheaper than to do
 * without the thread: it goes when a third of the time of late has been waiting.
 */
static void leave_out_late(struct threads *t, int64_t waited_ns)
{
	bool late = false;

	for (unsigned i = 1; i < t->n; i++) {
		struct compute_thread *w = &t->workers[i];

		if (!atomic_exchange(&w->lost, false) || atomic_load(&w->out))
			continue;
		late = true;
		w->late_ns += waited_ns;
		if (w->late_ns > MAX(t->recent_ns / 3, LATE_NS))
			leave_out(t, w);
	}
	if (late)
		atomic_fetch_add(&t->n_late, 1);
}

/*
 * Where others keep the processors busy, a thread may be given no other than the caller's: it adds
 * nothing there, and what it spends looking out is the caller's loss.
 */
static void leave_out_sharing(struct threads *t, int64_t took_ns)
{
	int here = sched_getcpu();

	for (unsigned i = 1; i < t->n && t->cpus == NULL; i++) {
		struct compute_thread *w = &t->workers[i];

		if (atomic_exchange_explicit(&w->cpu, -1, memory_order_relaxed) != here)
			continue;
		w->shared_ns += took_ns;
		if (w->shared_ns > MAX(t->recent_ns / 2, SHARED_NS) && !atomic_load(&w->out))
			leave_out(t, w);
	}
}

/* A run has taken so long; what was more than a little while ago counts half. */
static void run_account(struct threads *t, int64_t took_ns)
{
	t->runs_ns += took_ns;
	t->recent_ns += took_ns;
	if (t->recent_ns < RECENT_NS)
		return;
	t->recent_ns /= 2;
	for (unsigned i = 1; i < t->n; i++) {
		t->workers[i].late_ns /= 2;
		t->workers[i].shared_ns /= 2;
	}
}

/* As threads_run(), in the caller's turn. */
static void run_in_turn(struct threads *t, size_t n_items, size_t grain, threads_fn fn, void *arg)
{
	int64_t start, waited_ns, took_ns;
	uint32_t piece;

	atomic_fetch_add(&t->n_runs, 1);
	pin_caller(t);
	workers_readmit(t);
	if (n_items <= grain || t->n - atomic_load(&t->n_out) == 1) {
		for (size_t from = 0; from < n_items; from += grain)
			fn(arg, from, MIN(from + grain, n_items), 0);
		return;
	}
	t->n_pieces = (uint32_t)((n_items + grain - 1) / grain);
	start = now_ns(CLOCK_MONOTONIC);
	run_publish(t, n_items, grain, fn, arg);
	while (piece_take(t, &piece)) {
		piece_run(t, piece, 0);
		atomic_fetch_add(&t->done, 1);
	}
	waited_ns = wait_for_rest(t);
	took_ns = now_ns(CLOCK_MONOTONIC) - start;
	run_account(t, took_ns);
	if (waited_ns > LONG_NS)
		leave_out_late(t, waited_ns);
	leave_out_sharing(t, took_ns);
}

void threads_run(struct threads *t, size_t n_items, size_t grain, threads_fn fn, void *arg)
{
	if (n_items == 0)
		return;
	pthread_mutex_lock(&t->turn);
	run_in_turn(t, n_items, MAX(grain, MAX(n_items >> 31, 1)), fn, arg);
	pthread_mutex_unlock(&t->turn);
}

/* ---- from beginning to end ------------------------------------------------------------------------- */

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
		rc = pthread_create(&w->id, NULL, worker_main, w);
		if (rc != 0) {
			pthread_cond_destroy(&w->wake);
			pthread_mutex_destroy(&w->lock);
			ragd_err_set(err, -rc, "start compute thread %u of %u: %s", i, t->n,
				     strerror(rc));
			break;
		}
		t->n_started = i;
		if (t->cpus != NULL)
			pin_thread(w->id, t->cpus[i]);
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

/* Thread i's processor is the i-th of the list, from its beginning again where the list is shorter. */
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
