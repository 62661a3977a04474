/*
 * Whose turn it is at the store's writer. A gate in the first job holds the writer's thread while
 * others are queued; what ran then, and in which order, is written down by the jobs themselves.
 */
#include "tests/retrieval/stores.h"

#include <semaphore.h>

#include "base/clock.h"
#include "retrieval/store/store_private.h"

#define ANNA 1000
#define BEN  2000

struct task {
	struct writer_job job;
	struct test_call *call;
	unsigned n; /* of its user's */
	struct scene *scene;
};

/* The store's own job that holds the writer, and what ran after it. */
struct scene {
	struct writer_job gate;
	sem_t held;
	sem_t open;
	struct store_writer *writer;
	struct test_call anna, ben;
	const struct task *ran[128];
	size_t n_ran;
};

static int gate_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct scene *sc = container_of(job, struct scene, gate);

	(void)db;
	(void)err;
	sem_post(&sc->held);
	while (sem_wait(&sc->open) < 0)
		;
	return 0;
}

static void scene_begin(struct scene *sc, struct fixture *f)
{
	memset(sc, 0, sizeof(*sc));
	sc->writer = f->store->writer;
	test_call_init(&sc->anna);
	test_call_init(&sc->ben);
	sc->anna.caller.uid = ANNA;
	sc->ben.caller.uid = BEN;
	sem_init(&sc->held, 0, 0);
	sem_init(&sc->open, 0, 0);
	sc->gate.run = gate_run;
	writer_submit(sc->writer, &sc->gate);
	while (sem_wait(&sc->held) < 0)
		;
}

static void scene_open(struct scene *sc)
{
	sem_post(&sc->open);
	assert_int_equal(writer_wait(sc->writer, &sc->gate, NULL), 0);
}

static void scene_end(struct scene *sc)
{
	test_call_fini(&sc->anna);
	test_call_fini(&sc->ben);
	sem_destroy(&sc->held);
	sem_destroy(&sc->open);
}

static int task_run(struct writer_job *job, struct db *db, struct ragd_err *err)
{
	struct task *t = container_of(job, struct task, job);

	(void)db;
	(void)err;
	t->scene->ran[t->scene->n_ran++] = t;
	return 0;
}

static void submit(struct scene *sc, struct task *t, struct test_call *call, unsigned n,
		   size_t cost)
{
	*t = (struct task){ .call = call, .n = n, .scene = sc };
	t->job.run = task_run;
	t->job.call = &call->call;
	t->job.cost = cost;
	writer_submit(sc->writer, &t->job);
}

static void wait_for(struct scene *sc, struct task *tasks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(writer_wait(sc->writer, &tasks[i].job, NULL), 0);
}

static void a_small_change_is_written_before_the_rest_of_anothers_many(void **state)
{
	struct task bulk[20], small;
	struct scene sc;

	scene_begin(&sc, *state);
	for (unsigned i = 0; i < ARRAY_LEN(bulk); i++)
		submit(&sc, &bulk[i], &sc.anna, i, 100);
	submit(&sc, &small, &sc.ben, 0, 1);
	scene_open(&sc);
	wait_for(&sc, &small, 1);
	wait_for(&sc, bulk, ARRAY_LEN(bulk));
	assert_int_equal(sc.n_ran, 21);
	assert_ptr_equal(sc.ran[0], &bulk[0]);
	assert_ptr_equal(sc.ran[1], &small);
	scene_end(&sc);
}

static void users_take_turns_and_each_keeps_the_order_of_its_own(void **state)
{
	struct task anna[30], ben[20];
	unsigned n_anna = 0, n_ben = 0;
	struct scene sc;

	scene_begin(&sc, *state);
	for (unsigned i = 0; i < ARRAY_LEN(anna); i++)
		submit(&sc, &anna[i], &sc.anna, i, 1);
	for (unsigned i = 0; i < ARRAY_LEN(ben); i++)
		submit(&sc, &ben[i], &sc.ben, i, 1);
	scene_open(&sc);
	wait_for(&sc, anna, ARRAY_LEN(anna));
	wait_for(&sc, ben, ARRAY_LEN(ben));
	assert_int_equal(sc.n_ran, 50);
	for (size_t i = 0; i < sc.n_ran; i++) {
		if (i < 40)
			assert_ptr_equal(sc.ran[i]->call, i % 2 == 0 ? &sc.anna : &sc.ben);
		assert_int_equal(sc.ran[i]->n, sc.ran[i]->call == &sc.anna ? n_anna++ : n_ben++);
	}
	scene_end(&sc);
}

static void what_is_given_up_while_it_waits_never_runs(void **state)
{
	struct task first, left, late, last;
	struct scene sc;

	scene_begin(&sc, *state);
	submit(&sc, &first, &sc.anna, 0, 1);
	submit(&sc, &left, &sc.anna, 1, 1);
	submit(&sc, &late, &sc.ben, 0, 1);
	sc.anna.cancelled = true;
	assert_int_equal(writer_wait(sc.writer, &left.job, NULL), -ECANCELED);
	sc.ben.call.deadline_ms = clock_ms() - 1;
	assert_int_equal(writer_wait(sc.writer, &late.job, NULL), -ETIMEDOUT);
	sc.anna.cancelled = false;
	submit(&sc, &last, &sc.anna, 2, 1);
	scene_open(&sc);
	wait_for(&sc, &first, 1);
	wait_for(&sc, &last, 1);
	assert_int_equal(sc.n_ran, 2);
	assert_ptr_equal(sc.ran[0], &first);
	assert_ptr_equal(sc.ran[1], &last);
	scene_end(&sc);
}

static void a_full_queue_is_full_for_its_own_user_alone(void **state)
{
	struct task large, more, small;
	struct scene sc;

	scene_begin(&sc, *state);
	submit(&sc, &large, &sc.anna, 0, (size_t)1 << 30);
	sc.anna.cancelled = true; /* else it would wait for room, and the gate be shut for ever */
	submit(&sc, &more, &sc.anna, 1, 1);
	assert_int_equal(writer_wait(sc.writer, &more.job, NULL), -ECANCELED);
	submit(&sc, &small, &sc.ben, 0, 1);
	scene_open(&sc);
	wait_for(&sc, &large, 1);
	wait_for(&sc, &small, 1);
	assert_int_equal(sc.n_ran, 2);
	scene_end(&sc);
}

struct impatient {
	struct test_call call; /* first: calls are cast */
	unsigned n;
};

/* More often than a small put asks by itself, so that it is waiting when it is told. */
static bool lose_patience(const struct ragd_call *call)
{
	return ++((struct impatient *)call)->n > 12;
}

static void a_put_that_waits_for_the_writer_can_be_given_up(void **state)
{
	struct fixture *f = *state;
	struct ragd_document doc = { .id = RAGD_STR("a.txt"), .content = RAGD_STR("one") };
	struct impatient i = { .n = 0 };
	struct ragd_put_result result;
	struct scene sc;

	test_call_init(&i.call);
	i.call.call.cancelled = lose_patience;
	scene_begin(&sc, f);
	assert_int_equal(store_put(f->store, &i.call.call, "c", &doc, 1, &result, NULL),
			 -ECANCELED);
	scene_open(&sc);
	assert_int_equal(count_documents(f), 0);
	assert_int_equal(add(f, "c", "a.txt", "one"), RAGD_PUT_ADDED);
	scene_end(&sc);
	test_call_fini(&i.call);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_small_change_is_written_before_the_rest_of_anothers_many),
		CASE(users_take_turns_and_each_keeps_the_order_of_its_own),
		CASE(what_is_given_up_while_it_waits_never_runs),
		CASE(a_full_queue_is_full_for_its_own_user_alone),
		CASE(a_put_that_waits_for_the_writer_can_be_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
