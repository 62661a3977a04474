/*
 * The pool of compute threads: its state, shared by threads.c (runs) and threads_open.c (from open
 * to close).
 */
#ifndef ENGINE_THREADS_THREADS_PRIVATE_H
#define ENGINE_THREADS_THREADS_PRIVATE_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/threads/threads.h"

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
	int64_t late_ns;   /* what the caller has waited for it recently */
	int64_t shared_ns; /* recent runs in which it was on the caller's processor */
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
	int64_t recent_ns; /* the same, recently */
	cpu_set_t home;    /* where threads may be if they are not pinned */
	atomic_ulong n_runs, n_late;
	atomic_uint n_out;
	struct compute_thread *workers; /* [n]; the caller is the first and does not use it */
};

/* What a thread does until the pool stops; arg: its struct compute_thread. */
void *threads_main(void *arg);
void threads_pin(pthread_t id, unsigned cpu);

#endif
