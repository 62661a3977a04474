/*
 * The daemon's worker threads: what may block or takes long runs here, and the loop is told when it
 * has ended.
 *
 * Work belongs to a user. Whose turn it is: of the users that wait, the one that holds the
 * fewest threads, and among equals they take turns, so a hundred items of one user put another
 * off by no more than one. A user alone may hold all of the pool's threads. There is
 * also a reserve for those that hold none, the last of it for administrators: long work of others
 * keeps nobody waiting.
 *
 * Long work runs on at a lower priority while others have work, so that it delays theirs by no more
 * than the processors' turns.
 *
 * Work that does not come back can be given up for lost: its thread is replaced by another.
 *
 * All functions run on the loop thread, except those of the guard.
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

/* Part of what is to be worked on; the pool's from pool_start() until done_cb or a lost_cb runs. */
struct pool_work {
	struct pool_work *next;
	struct pool_user *user;
	struct pool_thread *thread; /* while it runs */
	pool_cb work_cb;
	pool_cb done_cb;
	bool steady; /* the caller's: it keeps its priority however long it takes */
};

struct pool_stats {
	unsigned n_threads; /* the reserve included, those lost not */
	unsigned n_lost;    /* given up and not back */
	unsigned n_waiting; /* items without a thread */
};

/*
 * With n_threads, and n_reserve (at least 1) more for users that hold none. -EAGAIN
 * when the system has none left.
 */
int pool_new(uv_loop_t *loop, unsigned n_threads, unsigned n_reserve, struct pool **out,
	     struct ragd_err *err);

/*
 * Once no work is left, except what is lost: end the threads and free the pool; true. False if
 * threads are lost: then the pool and all that they may touch stays as it is, and only the end of
 * the process ends them. The loop must run once more to close the handle. NULL is fine.
 */
bool pool_free(struct pool *p);

/* Run work_cb on a thread in its user's turn, then done_cb on the loop. */
void pool_start(struct pool *p, struct pool_work *work, uid_t uid, bool admin, pool_cb work_cb,
		pool_cb done_cb);

/*
 * On a thread of the pool, around a call that may not come back: if pool_guard_end() is not
 * reached by until_ms (CLOCK_MONOTONIC; 0: no matter when) and POOL_GRACE_MS more, the
 * thread is given up for lost. Then lost_cb runs on the loop, the work is its owner's again
 * and done_cb will not be called. When the call comes back after all, pool_guard_end() does
 * not return: the thread leaves whatever its stack holds and ends, and back_cb runs on the
 * loop. Until then all that the call may touch must stay. No lock may be held around it. On
 * other threads both do nothing.
 */
struct pool_guard {
	void (*lost_cb)(struct pool_guard *guard, struct pool_work *work);
	void (*back_cb)(struct pool_guard *guard);
};
#define POOL_GRACE_MS 200 /* for a call that keeps its deadline by itself, on a busy machine */
void pool_guard_begin(struct pool_guard *guard, int64_t until_ms);
void pool_guard_end(void);

/* Give up what is overdue at now_ms; the pool does so itself, every POOL_LOOK_MS. */
void pool_look(struct pool *p, int64_t now_ms);
#define POOL_LOOK_MS 100

void pool_stats(struct pool *p, struct pool_stats *out);

#endif
