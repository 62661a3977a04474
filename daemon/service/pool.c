#include "daemon/service/pool.h"

#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

/*
 * Work that two looks find at it is long; what its thread's nice value
 * rises by next to other users' work.
 */
#define N_LOOKS_LONG 2
#define NICE_LONG    10

/* In place of a time. */
#define NO_GUARD INT64_MAX
#define LOST     INT64_MIN

/* A user that has work here. */
struct pool_user {
	struct pool_user *next, *prev; /* in the pool's list; next alone: among the spare ones */
	uid_t uid;
	bool admin;
	unsigned n_running;
	struct pool_work *head, **tail; /* waiting */
};

struct pool_thread {
	struct pool *pool;
	struct pool_thread *next; /* in the pool's list, or among those that are back */
	struct pool_thread *next_idle;
	uv_cond_t wake;
	bool idle;
	uv_thread_t id;
	struct pool_work *work; /* NULL: none */
	unsigned n_looks;       /* that found it at this work */
	pid_t tid;
	bool lowered; /* it cannot raise itself again without privileges: another takes its place */
	/*
	 * Written by the thread alone while until_ms is NO_GUARD, and not at all when it is LOST.
	 */
	struct pool_guard *guard;
	_Atomic int64_t until_ms; /* of the guarded call; or NO_GUARD, or LOST */
	jmp_buf base;
};

struct pool {
	uv_async_t async;
	uv_timer_t look;
	unsigned n_closing;
	unsigned n_outstanding;      /* loop: started and not done; the loop goes on for these */
	struct pool_thread *threads; /* loop: those that work, not those that are lost */
	unsigned n_lost;             /* loop */
	unsigned n_missing;          /* loop: to be started when the system has threads again */

	uv_mutex_t lock;          /* all below */
	struct pool_thread *idle; /* the one that worked last first: its caches are warm */
	unsigned n_threads;       /* that any user may hold */
	unsigned n_reserve;
	unsigned n_busy;
	unsigned n_waiting;
	bool stopping;
	uid_t last_uid;                 /* served */
	bool mixed;                     /* more than one user was served since the last look */
	struct pool_user *first, *last; /* with work; longest unserved first */
	struct pool_user *spare;
	struct pool_user crowd; /* stands for users there is no memory to tell apart */
	struct pool_work *done, **done_tail;
	struct pool_thread *back; /* lost ones that came back */
	unsigned n_worn;          /* lowered ones whose work is done */
};

static _Thread_local struct pool_thread *current;

/* ---- users --------------------------------------------------------------------------------- */

static void user_link(struct pool *p, struct pool_user *u)
{
	u->next = NULL;
	u->prev = p->last;
	*(p->last != NULL ? &p->last->next : &p->first) = u;
	p->last = u;
}

static void user_unlink(struct pool *p, struct pool_user *u)
{
	*(u->prev != NULL ? &u->prev->next : &p->first) = u->next;
	*(u->next != NULL ? &u->next->prev : &p->last) = u->prev;
}

static struct pool_user *user_get(struct pool *p, uid_t uid, bool admin)
{
	struct pool_user *u = p->first;

	while (u != NULL && (u == &p->crowd || u->uid != uid))
		u = u->next;
	if (u != NULL)
		return u;
	u = p->spare;
	if (u != NULL)
		p->spare = u->next;
	else
		u = malloc(sizeof(*u));
	if (u == NULL) {
		u = &p->crowd;
		admin = false;
		if (u->n_running > 0 || u->head != NULL)
			return u;
	}
	*u = (struct pool_user){ .uid = uid, .admin = admin };
	u->tail = &u->head;
	user_link(p, u);
	return u;
}

/* Nothing of it runs or waits: forget it. */
static void user_put(struct pool *p, struct pool_user *u)
{
	if (u->n_running > 0 || u->head != NULL)
		return;
	user_unlink(p, u);
	if (u == &p->crowd)
		return;
	u->next = p->spare;
	p->spare = u;
}

static void users_free(struct pool *p)
{
	struct pool_user *u, *next;

	for (u = p->spare; u != NULL; u = next) {
		next = u->next;
		free(u);
	}
}

/* ---- whose turn it is ---------------------------------------------------------------------- */

static bool may_run(const struct pool *p, const struct pool_user *u)
{
	if (p->n_busy < p->n_threads)
		return true;
	return u->n_running == 0 && p->n_busy < p->n_threads + p->n_reserve - (u->admin ? 0 : 1);
}

/* The next item, taken from its user's queue; NULL: there is none that may run now. */
static struct pool_work *work_take(struct pool *p)
{
	struct pool_user *best = NULL;
	struct pool_work *work;

	for (struct pool_user *u = p->first; u != NULL; u = u->next)
		if (u->head != NULL && may_run(p, u) &&
		    (best == NULL || u->n_running < best->n_running))
			best = u;
	if (best == NULL)
		return NULL;
	work = best->head;
	best->head = work->next;
	if (best->head == NULL)
		best->tail = &best->head;
	best->n_running++;
	user_unlink(p, best); /* to the end: it was served last */
	user_link(p, best);
	p->mixed = p->mixed || best->uid != p->last_uid;
	p->last_uid = best->uid;
	p->n_busy++;
	p->n_waiting--;
	return work;
}

/* ---- threads ------------------------------------------------------------------------------- */

/* A function of its own, so that nothing that longjmp could spoil is in its frame. */
static void work_run(struct pool_thread *t)
{
	if (setjmp(t->base) == 0)
		t->work->work_cb(t->work);
}

static bool is_lost(struct pool_thread *t)
{
	return atomic_load(&t->until_ms) == LOST;
}

static void release_thread(struct pool *p, struct pool_work *work)
{
	work->user->n_running--;
	p->n_busy--;
	user_put(p, work->user);
}

static void work_finish(struct pool *p, struct pool_thread *t)
{
	struct pool_work *work = t->work;

	t->work = NULL;
	work->thread = NULL;
	release_thread(p, work);
	work->next = NULL;
	*p->done_tail = work;
	p->done_tail = &work->next;
}

static void thread_rest(struct pool *p, struct pool_thread *t)
{
	t->idle = true;
	t->next_idle = p->idle;
	p->idle = t;
	while (t->idle)
		uv_cond_wait(&t->wake, &p->lock);
}

/* Takes one from among the idle, under the lock; thread_wake() follows without it. */
static struct pool_thread *idle_take(struct pool *p)
{
	struct pool_thread *t = p->idle;

	if (t != NULL) {
		p->idle = t->next_idle;
		t->idle = false;
	}
	return t;
}

/*
 * Without the lock, for which the woken thread would only wait again at once. The loop alone wakes
 * threads and frees them, so it is still there.
 */
static void thread_wake(struct pool_thread *t)
{
	if (t != NULL)
		uv_cond_signal(&t->wake);
}

static void thread_main(void *arg)
{
	struct pool_thread *t = arg;
	struct pool *p = t->pool;

	current = t;
	t->tid = gettid();
	uv_mutex_lock(&p->lock);
	while (!p->stopping) {
		t->work = work_take(p);
		if (t->work == NULL) {
			thread_rest(p, t);
			continue;
		}
		t->work->thread = t;
		t->n_looks = 0;
		uv_mutex_unlock(&p->lock);
		work_run(t);
		uv_mutex_lock(&p->lock);
		if (is_lost(t)) {
			t->next = p->back;
			p->back = t;
			uv_async_send(&p->async);
			break;
		}
		work_finish(p, t);
		if (t->lowered) {
			p->n_worn++;
			uv_async_send(&p->async);
			break;
		}
		/* A call to the system that others need not wait for. */
		uv_mutex_unlock(&p->lock);
		uv_async_send(&p->async);
		uv_mutex_lock(&p->lock);
	}
	uv_mutex_unlock(&p->lock);
}

void pool_guard_begin(struct pool_guard *guard, int64_t until_ms)
{
	if (current == NULL || until_ms == 0)
		return;
	current->guard = guard;
	atomic_store_explicit(&current->until_ms, until_ms, memory_order_release);
}

void pool_guard_end(void)
{
	/* The loop may give the thread up in the same moment: one of the two is first. */
	if (current != NULL && atomic_exchange(&current->until_ms, NO_GUARD) == LOST) {
		atomic_store(&current->until_ms, LOST);
		longjmp(current->base, 1);
	}
}

static bool thread_start(struct pool *p)
{
	struct pool_thread *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return false;
	t->pool = p;
	atomic_init(&t->until_ms, NO_GUARD);
	uv_cond_init(&t->wake);
	if (uv_thread_create(&t->id, thread_main, t) < 0) {
		uv_cond_destroy(&t->wake);
		free(t);
		return false;
	}
	t->next = p->threads;
	p->threads = t;
	return true;
}

static void thread_join(struct pool_thread *t)
{
	uv_thread_join(&t->id);
	uv_cond_destroy(&t->wake);
	free(t);
}

/* Lowered threads end with their work; others take their place. */
static void threads_reap(struct pool *p)
{
	struct pool_thread **link = &p->threads, *t;
	unsigned n_worn;

	uv_mutex_lock(&p->lock);
	n_worn = p->n_worn;
	p->n_worn = 0;
	uv_mutex_unlock(&p->lock);
	while (n_worn > 0) {
		t = *link;
		if (!t->lowered || t->work != NULL) {
			link = &t->next;
			continue;
		}
		*link = t->next;
		thread_join(t);
		p->n_missing++;
		n_worn--;
	}
}

static void threads_replace(struct pool *p)
{
	while (p->n_missing > 0 && thread_start(p))
		p->n_missing--;
}

/* ---- the loop's side ----------------------------------------------------------------------- */

/* Work keeps the loop alive, as a libuv request would. */
static void hold_loop(struct pool *p)
{
	if (p->n_outstanding++ == 0)
		uv_ref((uv_handle_t *)&p->async);
}

static void let_loop_go(struct pool *p)
{
	if (--p->n_outstanding == 0)
		uv_unref((uv_handle_t *)&p->async);
}

static void async_cb(uv_async_t *async)
{
	struct pool *p = container_of(async, struct pool, async);
	struct pool_work *work, *next;
	struct pool_thread *t, *next_thread;

	uv_mutex_lock(&p->lock);
	work = p->done;
	p->done = NULL;
	p->done_tail = &p->done;
	t = p->back;
	p->back = NULL;
	uv_mutex_unlock(&p->lock);
	for (; work != NULL; work = next) {
		next = work->next; /* done_cb may free it, or start it again */
		let_loop_go(p);
		work->done_cb(work);
	}
	for (; t != NULL; t = next_thread) {
		next_thread = t->next;
		p->n_lost--;
		t->guard->back_cb(t->guard);
		thread_join(t);
	}
	threads_reap(p);
	threads_replace(p);
}

void pool_start(struct pool *p, struct pool_work *work, uid_t uid, bool admin, pool_cb work_cb,
		pool_cb done_cb)
{
	struct pool_thread *idle = NULL;
	struct pool_user *u;

	work->next = NULL;
	work->thread = NULL;
	work->work_cb = work_cb;
	work->done_cb = done_cb;
	hold_loop(p);
	uv_mutex_lock(&p->lock);
	work->user = u = user_get(p, uid, admin);
	*u->tail = work;
	u->tail = &work->next;
	p->n_waiting++;
	if (may_run(p, u))
		idle = idle_take(p);
	uv_mutex_unlock(&p->lock);
	thread_wake(idle);
}

static void thread_lose(struct pool *p, struct pool_thread **link)
{
	struct pool_thread *t = *link;
	struct pool_work *work = t->work;
	struct pool_thread *idle;

	*link = t->next;
	uv_mutex_lock(&p->lock);
	work->thread = NULL;
	release_thread(p, work);
	idle = idle_take(p); /* its user may have more waiting */
	uv_mutex_unlock(&p->lock);
	thread_wake(idle);
	p->n_lost++;
	p->n_missing++;
	let_loop_go(p);
	threads_replace(p);
	t->guard->lost_cb(t->guard, work);
}

/* False where it is not allowed to, in a sandbox: the thread runs on as it is. */
static bool priority_lower(pid_t tid)
{
	int was = getpriority(PRIO_PROCESS, (id_t)tid);

	return setpriority(PRIO_PROCESS, (id_t)tid, was + NICE_LONG) == 0;
}

/* Long work gives way to that of other users. */
static void lower_long(struct pool *p)
{
	uv_mutex_lock(&p->lock);
	for (struct pool_thread *t = p->threads; t != NULL; t = t->next)
		if (t->work != NULL && ++t->n_looks >= N_LOOKS_LONG && p->mixed && !t->lowered &&
		    !t->work->steady)
			t->lowered = priority_lower(t->tid);
	p->mixed = false;
	uv_mutex_unlock(&p->lock);
}

void pool_look(struct pool *p, int64_t now_ms)
{
	struct pool_thread **link = &p->threads;

	lower_long(p);
	while (*link != NULL) {
		int64_t until_ms = atomic_load_explicit(&(*link)->until_ms, memory_order_acquire);

		if (until_ms < now_ms - POOL_GRACE_MS &&
		    atomic_compare_exchange_strong(&(*link)->until_ms, &until_ms, LOST))
			thread_lose(p, link);
		else
			link = &(*link)->next;
	}
	threads_replace(p);
}

static void look_cb(uv_timer_t *timer)
{
	pool_look(container_of(timer, struct pool, look), clock_ms());
}

void pool_stats(struct pool *p, struct pool_stats *out)
{
	uv_mutex_lock(&p->lock);
	out->n_threads = p->n_threads + p->n_reserve - p->n_missing;
	out->n_lost = p->n_lost;
	out->n_waiting = p->n_waiting;
	uv_mutex_unlock(&p->lock);
}

static void closed_cb(uv_handle_t *handle)
{
	struct pool *p = handle->data;

	if (--p->n_closing == 0)
		free(p);
}

static void threads_stop(struct pool *p)
{
	struct pool_thread *t;

	uv_mutex_lock(&p->lock);
	p->stopping = true;
	while (p->idle != NULL)
		thread_wake(idle_take(p));
	uv_mutex_unlock(&p->lock);
	while ((t = p->threads) != NULL) {
		p->threads = t->next;
		thread_join(t);
	}
}

bool pool_free(struct pool *p)
{
	if (p == NULL)
		return true;
	threads_stop(p);
	if (p->n_lost > 0)
		return false;
	users_free(p);
	uv_mutex_destroy(&p->lock);
	p->n_closing = 2;
	uv_close((uv_handle_t *)&p->async, closed_cb);
	uv_close((uv_handle_t *)&p->look, closed_cb);
	return true;
}

int pool_new(uv_loop_t *loop, unsigned n_threads, unsigned n_reserve, struct pool **out,
	     struct ragd_err *err)
{
	struct pool *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return ragd_err_set(err, -ENOMEM, "pool: out of memory");
	rc = uv_async_init(loop, &p->async, async_cb);
	if (rc < 0) {
		free(p);
		return ragd_err_set(err, rc, "pool: %s", uv_strerror(rc));
	}
	uv_unref((uv_handle_t *)&p->async);
	uv_timer_init(loop, &p->look);
	uv_timer_start(&p->look, look_cb, POOL_LOOK_MS, POOL_LOOK_MS);
	uv_unref((uv_handle_t *)&p->look);
	p->async.data = p->look.data = p;
	uv_mutex_init(&p->lock);
	p->n_threads = n_threads;
	p->n_reserve = n_reserve;
	p->done_tail = &p->done;
	for (unsigned i = 0; i < n_threads + p->n_reserve; i++) {
		if (thread_start(p))
			continue;
		pool_free(p);
		return ragd_err_set(err, -EAGAIN, "pool: the system has no more threads than %u",
				    i);
	}
	*out = p;
	return 0;
}
