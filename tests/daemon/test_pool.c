#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/util.h"
#include "daemon/service/pool.h"
#include "tests/test.h"

#define N_ITEMS       64
#define LONG_FROM_NOW (INT64_MAX / 2)
#define EVEN_LATER    (INT64_MAX / 2 + 1000)

/*
 * Items wait at a gate for as long as the test wants a thread to be held; whoever waits for
 * something turns the loop or waits for the count of those that run.
 */
struct item {
	struct pool_work work;
	struct pool_guard guard;
	struct fixture *f;
	char name;
	bool gated;
	bool open; /* under f->lock */
	int64_t until_ms;
	pid_t tid; /* of its thread; under f->lock */
	bool lost; /* loop, as are those below */
	unsigned n_done;
	unsigned n_back;
};

struct fixture {
	uv_loop_t loop;
	uv_idle_t idle;
	struct pool *pool;
	uv_mutex_t lock;
	uv_cond_t changed;
	unsigned n_running;
	char order[N_ITEMS + 1]; /* names as they began */
	size_t n_began;
	struct item items[N_ITEMS];
	size_t n;
};

static void work_cb(struct pool_work *work)
{
	struct item *item = container_of(work, struct item, work);
	struct fixture *f = item->f;

	pool_guard_begin(&item->guard, item->until_ms);
	uv_mutex_lock(&f->lock);
	f->order[f->n_began++] = item->name;
	item->tid = gettid();
	f->n_running++;
	uv_cond_broadcast(&f->changed);
	while (item->gated && !item->open)
		uv_cond_wait(&f->changed, &f->lock);
	f->n_running--;
	uv_mutex_unlock(&f->lock);
	pool_guard_end();
	assert_false(item->lost); /* who is lost does not come here */
}

static void done_cb(struct pool_work *work)
{
	container_of(work, struct item, work)->n_done++;
}

static void lost_cb(struct pool_guard *guard, struct pool_work *work)
{
	struct item *item = container_of(guard, struct item, guard);

	assert_ptr_equal(work, &item->work);
	item->lost = true;
}

static void back_cb(struct pool_guard *guard)
{
	container_of(guard, struct item, guard)->n_back++;
}

/* Names are users too: 'R' is an administrator. */
static struct item *start(struct fixture *f, char name, bool gated)
{
	struct item *item = &f->items[f->n++];

	*item = (struct item){ .work = { .steady = item->work.steady },
			       .guard = { lost_cb, back_cb },
			       .f = f,
			       .name = name,
			       .gated = gated,
			       .until_ms = LONG_FROM_NOW };
	pool_start(f->pool, &item->work, (uid_t)name, name == 'R', work_cb, done_cb);
	return item;
}

static void open_gate(struct item *item)
{
	uv_mutex_lock(&item->f->lock);
	item->open = true;
	uv_cond_broadcast(&item->f->changed);
	uv_mutex_unlock(&item->f->lock);
}

static void wait_running(struct fixture *f, unsigned n)
{
	uv_mutex_lock(&f->lock);
	while (f->n_running < n)
		uv_cond_wait(&f->changed, &f->lock);
	assert_int_equal(f->n_running, n);
	uv_mutex_unlock(&f->lock);
}

static void idle_cb(uv_idle_t *idle)
{
	(void)idle;
}

/* Also where nothing else keeps the loop alive. */
static void turn_until(struct fixture *f, const unsigned *count, unsigned want)
{
	uv_idle_start(&f->idle, idle_cb);
	while (*count < want)
		uv_run(&f->loop, UV_RUN_NOWAIT);
	uv_idle_stop(&f->idle);
}

static unsigned waiting(struct fixture *f)
{
	struct pool_stats stats;

	pool_stats(f->pool, &stats);
	return stats.n_waiting;
}

/* Not on the stack of a test: its threads may outlive one that fails. */
static struct fixture *set_up(unsigned n_threads)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ragd_err err = { 0 };

	assert_non_null(f);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	uv_idle_init(&f->loop, &f->idle);
	uv_mutex_init(&f->lock);
	uv_cond_init(&f->changed);
	assert_int_equal(pool_new(&f->loop, n_threads, 2, &f->pool, &err), 0);
	return f;
}

/* All gates open; every item is done once, and the loop ends by itself. */
static void tear_down(struct fixture *f)
{
	for (size_t i = 0; i < f->n; i++)
		open_gate(&f->items[i]);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < f->n; i++)
		assert_int_equal(f->items[i].n_done, f->items[i].lost ? 0 : 1);
	assert_true(pool_free(f->pool));
	uv_close((uv_handle_t *)&f->idle, NULL);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	uv_cond_destroy(&f->changed);
	uv_mutex_destroy(&f->lock);
	free(f);
}

static void a_user_alone_holds_all_threads(void **state)
{
	static const unsigned sizes[] = { 1, 2, 4, 16 };
	struct fixture *f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		f = set_up(sizes[i]);
		for (unsigned k = 0; k < sizes[i]; k++)
			start(f, 'a', true);
		wait_running(f, sizes[i]);
		tear_down(f);
	}
}

static void a_flood_of_one_user_keeps_nobody_waiting(void **state)
{
	static const unsigned sizes[] = { 1, 2, 4, 16 };
	struct fixture *f;
	struct item *other;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		f = set_up(sizes[i]);
		for (unsigned k = 0; k < sizes[i] + 20; k++)
			start(f, 'a', true);
		wait_running(f, sizes[i]);
		for (int k = 0; k < 5; k++) { /* each as soon as it comes */
			other = start(f, 'b', false);
			turn_until(f, &other->n_done, 1);
		}
		wait_running(f, sizes[i]); /* and the flood got no more for it */
		assert_int_equal(waiting(f), 20);
		tear_down(f);
	}
}

static void the_last_of_the_reserve_is_for_administrators(void **state)
{
	struct fixture *f;
	struct item *b, *c, *root;

	(void)state;
	f = set_up(1); /* and two in reserve */
	start(f, 'a', true);
	wait_running(f, 1);
	b = start(f, 'b', true);
	wait_running(f, 2);
	c = start(f, 'c', false);
	root = start(f, 'R', true);
	wait_running(f, 3);
	assert_int_equal(waiting(f), 1);
	assert_int_equal(c->n_done, 0);
	open_gate(root);
	turn_until(f, &root->n_done, 1);
	assert_int_equal(waiting(f), 1); /* it went back to the reserve */
	open_gate(b);
	turn_until(f, &c->n_done, 1);
	tear_down(f);
}

static void users_take_turns(void **state)
{
	struct fixture *f;
	struct item *first;

	(void)state;
	f = set_up(1);
	start(f, 'a', true); /* holds the one thread; the others share one of the reserve */
	wait_running(f, 1);
	first = start(f, 'b', true);
	wait_running(f, 2);
	for (const char *name = "bbbccd"; *name != '\0'; name++)
		start(f, *name, false);
	open_gate(first);
	turn_until(f, &f->items[f->n - 1].n_done, 1); /* d's */
	turn_until(f, &f->items[4].n_done, 1);        /* b's last */
	assert_string_equal(f->order, "abbcdbcb");
	tear_down(f);
}

static void a_free_thread_goes_to_who_holds_fewest(void **state)
{
	struct fixture *f;
	struct item *a[5];

	(void)state;
	f = set_up(4);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		a[i] = start(f, 'a', true);
	wait_running(f, 4);
	start(f, 'b', true); /* of the reserve */
	wait_running(f, 5);
	start(f, 'b', true);
	open_gate(a[0]); /* four are held again, of four */
	turn_until(f, &a[0]->n_done, 1);
	assert_int_equal(waiting(f), 2);
	open_gate(a[1]); /* a was served longer ago but holds two, b one */
	turn_until(f, &a[1]->n_done, 1);
	wait_running(f, 4);
	assert_string_equal(f->order, "aaaabb");
	tear_down(f);
}

static void a_lost_thread_is_replaced(void **state)
{
	struct fixture *f;
	struct item *lost, *others[2];
	struct pool_stats stats;

	(void)state;
	f = set_up(2);
	lost = start(f, 'a', true);
	wait_running(f, 1);
	pool_look(f->pool, EVEN_LATER);
	assert_true(lost->lost);
	pool_stats(f->pool, &stats);
	assert_int_equal(stats.n_lost, 1);
	assert_int_equal(stats.n_threads, 4);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) /* as many as before, besides the lost */
		others[i] = start(f, 'a', true);
	wait_running(f, 3);
	open_gate(others[0]);
	turn_until(f, &others[0]->n_done, 1);
	assert_int_equal(lost->n_back, 0);
	open_gate(lost);
	turn_until(f, &lost->n_back, 1);
	pool_stats(f->pool, &stats);
	assert_int_equal(stats.n_lost, 0);
	tear_down(f);
}

static void the_loop_does_not_wait_for_lost_threads(void **state)
{
	struct fixture *f;
	struct item *lost;

	(void)state;
	f = set_up(1);
	lost = start(f, 'a', true);
	wait_running(f, 1);
	pool_look(f->pool, EVEN_LATER);
	assert_true(lost->lost);
	uv_run(&f->loop, UV_RUN_DEFAULT); /* returns */
	assert_false(pool_free(f->pool));
	open_gate(lost);
	turn_until(f, &lost->n_back, 1);
	tear_down(f);
}

/* What is left of a lost item may be used again at once. */
static void lost_work_can_be_started_again(void **state)
{
	struct fixture *f;
	struct item *item;

	(void)state;
	f = set_up(1);
	item = start(f, 'a', true);
	wait_running(f, 1);
	pool_look(f->pool, EVEN_LATER);
	assert_true(item->lost);
	for (int i = 0; i < 3; i++) { /* other work of the same user goes on meanwhile */
		struct item *next = start(f, 'a', false);

		turn_until(f, &next->n_done, 1);
	}
	open_gate(item);
	turn_until(f, &item->n_back, 1);
	item->lost = false;
	item->open = false;
	pool_start(f->pool, &item->work, 'a', false, work_cb, done_cb);
	wait_running(f, 1);
	tear_down(f);
}

static int nice_of(struct item *item)
{
	pid_t tid;

	uv_mutex_lock(&item->f->lock);
	tid = item->tid;
	uv_mutex_unlock(&item->f->lock);
	return getpriority(PRIO_PROCESS, (id_t)tid);
}

static void long_work_gives_way_to_others(void **state)
{
	static const struct {
		const char *name;
		char other;
		bool steady;
		bool lower;
	} rows[] = {
		{ "work beside that of another user", 'b', false, true },
		{ "work beside more of its own user", 'a', false, false },
		{ "work that is to keep its priority", 'b', true, false },
	};
	int was = getpriority(PRIO_PROCESS, 0);
	struct fixture *f;
	struct item *item, *next;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		f = set_up(1);
		f->items[0].work.steady = rows[i].steady;
		item = start(f, 'a', true);
		wait_running(f, 1);
		pool_look(f->pool, 0);
		next = start(f, rows[i].other, true);
		if (rows[i].other != 'a')
			wait_running(f, 2);
		pool_look(f->pool, 0);
		assert_int_equal(nice_of(item), MIN(was + (rows[i].lower ? 10 : 0), 19));
		open_gate(item);
		turn_until(f, &item->n_done, 1);
		open_gate(next);
		turn_until(f, &next->n_done, 1);
		item = start(f, 'a', false); /* whoever comes next has all of it again */
		turn_until(f, &item->n_done, 1);
		assert_int_equal(nice_of(item), was);
		tear_down(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_alone_holds_all_threads),
		cmocka_unit_test(a_flood_of_one_user_keeps_nobody_waiting),
		cmocka_unit_test(the_last_of_the_reserve_is_for_administrators),
		cmocka_unit_test(users_take_turns),
		cmocka_unit_test(a_free_thread_goes_to_who_holds_fewest),
		cmocka_unit_test(long_work_gives_way_to_others),
		cmocka_unit_test(a_lost_thread_is_replaced),
		cmocka_unit_test(the_loop_does_not_wait_for_lost_threads),
		cmocka_unit_test(lost_work_can_be_started_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
