/*
 * The daemon's worker threads: what may block or takes its time runs here, and its end is told on the
 * loop.
 *
 * Work belongs to a user. Whose turn it is: of the users that wait, the one that holds the fewest
 * threads, and among equals they take turns, so a hundred items of one user put another off by no more
 * than one. A user alone may hold all of the pool's threads. Beside them stands a reserve
 * for those that hold none, the last of it for administrators: threads held by long work of others keep
 * nobody waiting.
 *
 * Work that does not come back can be given up for lost: another thread takes the place of its own.
 *
 * All functions run on the loop thread but pool_leave_lost().
 */
#ifndef DAEMON_POOL_H
#define DAEMON_POOL_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include <ragd/plugin.h>

struct pool;
struct pool_thread;
struct pool_user;
struct pool_work;

typedef void (*pool_cb)(struct pool_work *work);

/* Part of what is to be worked on; the pool's from pool_start() until done_cb runs or pool_lose(). */
struct pool_work {
	struct pool_work *next;
	struct pool_user *user;
	struct pool_thread *thread; /* while it runs */
	pool_cb work_cb;
	pool_cb done_cb;
};

struct pool_stats {
	unsigned n_threads; /* the reserve included, those lost not */
	unsigned n_lost;    /* given up and not back */
	unsigned n_waiting; /* items without a thread */
};

/* With n_threads and a reserve. -EAGAIN when the system has no threads left. */
int pool_new(uv_loop_t *loop, unsigned n_threads, struct pool **out, struct ragd_err *err);

/*
 * End the threads and free the pool, once no work is left but what is lost: true. False if threads are
 * lost: pool and all they may touch stays as it is, and only the end of the process ends them. The loop
 * must run once more to close the handle. NULL is fine.
 */
bool pool_free(struct pool *p);

/* Run work_cb on a thread in its user's turn, then done_cb on the loop. */
void pool_start(struct pool *p, struct pool_work *work, uid_t uid, bool admin, pool_cb work_cb,
		pool_cb done_cb);

/*
 * Give up the thread that runs `work`, which is the caller's again: done_cb will not be called. When the
 * thread comes back after all, it must end in pool_leave_lost(); then back_cb runs. The pool counts on
 * the caller to be sure that it has not come back yet.
 */
void pool_lose(struct pool *p, struct pool_work *work, void (*back_cb)(void *arg), void *arg);

/* On a thread given up for lost: leave the work, whatever the stack holds, and the pool. */
_Noreturn void pool_leave_lost(void);

void pool_stats(struct pool *p, struct pool_stats *out);

#endif
