/*
 * Compute threads. A run is published by one store to `claim`, which holds how many pieces are left
 * and a number that no other run shares: whoever takes a piece has by the same step made sure that
 * the run it belongs to is not over, and may then read what the run is about.
 *
 * Threads that have nothing to do look out for a next run for some tens of microseconds, since the
 * runs of a forward pass follow each other closely, and then sleep. One that lost its processor in
 * the middle of a piece, so that the caller had to wait for it, or has none but the caller's is
 * left out for a while: what it could add is less than what the waiting costs.
 */
#include "engine/threads/threads.h"

#include <time.h>

#include "base/util.h"
#include "engine/threads/threads_private.h"

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

/*
 * Take a piece of the run there is, if one is left. The number of the run in the upper half is what
 * makes this safe for a thread that has slept between the load and the exchange: by then the count
 * may be the same again in another run, but not the number, and the exchange fails. Once it
 * succeeds, the run cannot end before this piece is finished, so fn, arg and n_pieces may be read
 * without a lock.
 */
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

/*
 * A piece is done; whoever did the last one wakes the caller. With the addition the run may be
 * over, and the next one published: what is needed of this one (n_pieces) is read before it. The
 * caller sets `waiting` before it looks at `done`, we add to `done` before we look at `waiting`:
 * one of us sees the other.
 */
static void piece_finish(struct threads *t)
{
	uint32_t n = t->n_pieces;

	if (atomic_fetch_add(&t->done, 1) + 1 == n && atomic_load(&t->waiting)) {
		pthread_mutex_lock(&t->lock);
		pthread_cond_signal(&t->finished);
		pthread_mutex_unlock(&t->lock);
	}
}

/* ---- a thread ------------------------------------------------------------------------------- */

static void read_clocks(struct compute_thread *w)
{
	w->wall_ns = now_ns(CLOCK_MONOTONIC);
	w->cpu_ns = now_ns(CLOCK_THREAD_CPUTIME_ID);
}

/*
 * A piece took long: did the processor work for us all the time since the clocks were last read?
 * The thread has not slept since, and is billed for looking out too.
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

/*
 * Until there is work, or all is over (false). Looking out costs a processor but no system call; it
 * ends after SPIN_NS. Falling asleep must not miss a run that is just being published: we set
 * `asleep` and then look at the claim, run_publish() stores the claim and then looks at `asleep`.
 * Both are sequentially consistent, so at least one sees the other, and the lock keeps the signal
 * from coming between our look and our wait.
 */
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

void *threads_main(void *arg)
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

/* ---- the caller ----------------------------------------------------------------------------- */

void threads_pin(pthread_t id, unsigned cpu)
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
	threads_pin(pthread_self(), t->cpus[0]);
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

/*
 * Publish the run and wake as many as there are pieces for. The store to `claim` is the
 * publication: all that a run is about has to be written before it, and `done` reset. Plain members
 * are enough: the last run is over, so nobody reads them, and whoever reads them next has seen the
 * claim.
 */
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
 * A thread in the middle of a piece waits for its processor, and the caller for the thread: put it
 * where the caller is, which is about to sleep. `back` undoes that.
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
			threads_pin(w->id, (unsigned)cpu);
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
 * The run was held up by a thread that had lost its processor in it. A moment now and then is
 * cheaper than doing without the thread: it goes when a third of the recent time has been waiting.
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
