/*
 * One client among others: what it may have waiting, and when its texts are embedded. Counted in
 * passes.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/util.h"
#include "engine/schedule/queue_quota.h"
#include "tests/engine/serve/ask.h"
#include "tests/engine/serve/fake.h"
#include "tests/test.h"

enum { ANN = 1000, BOB = 1001, EVE = 1002 };

/* ---- places in the line --------------------------------------------------------------------- */

/* How many of a client's get in until one does not. */
static size_t enter_all(struct queue_quota *l, uint64_t client)
{
	size_t n = 0;

	while (queue_quota_enter(l, client, NULL) == 0)
		n++;
	return n;
}

static void one_alone_has_most_and_newcomers_find_room(void **state)
{
	static const struct {
		size_t max;
		size_t ann, bob, eve; /* that get in, in this order */
	} rows[] = {
		{ 1, 1, 0, 0 },   { 2, 1, 1, 0 },   { 8, 7, 1, 0 },
		{ 16, 14, 1, 1 }, { 64, 54, 6, 1 }, { 1024, 864, 87, 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct queue_quota l;

		assert_int_equal(queue_quota_init(&l, rows[i].max), 0);
		assert_int_equal(enter_all(&l, ANN), rows[i].ann);
		assert_int_equal(enter_all(&l, BOB), rows[i].bob);
		assert_int_equal(enter_all(&l, EVE), rows[i].eve);
		assert_true(l.n <= l.max);
		while (l.n_owners > 0)
			queue_quota_leave(&l, l.owners[0].client);
		assert_int_equal(l.n, 0);
		queue_quota_fini(&l);
	}
}

static void two_that_press_come_to_half_each(void **state)
{
	size_t n[2] = { 0 };
	struct queue_quota l;

	(void)state;
	assert_int_equal(queue_quota_init(&l, 64), 0);
	n[0] = enter_all(&l, ANN);
	for (size_t i = 0; i < 1000; i++) { /* each has one served, and asks for all it can get */
		for (size_t k = 0; k < 2; k++) {
			if (n[k] > 0) {
				queue_quota_leave(&l, ANN + k);
				n[k]--;
			}
			n[1 - k] += enter_all(&l, ANN + 1 - k);
			n[k] += enter_all(&l, ANN + k);
		}
	}
	assert_true(n[0] >= 25 && n[1] >= 25);
	assert_int_equal(n[0] + n[1], l.n);
	queue_quota_fini(&l);
}

static void who_floods_is_told_and_others_get_in(void **state)
{
	enum { FLOOD = 80, WAITING = 64 };
	struct engine_options o = { .model = &fake_causal, .max_active = 1, .n_context = 512 };
	static struct ask a[FLOOD];
	static int32_t ids[FLOOD][10];
	struct tokens t = { .ids = ids[0], .n = 1 };
	struct ragd_err err = { 0 };
	struct engine *e = NULL;
	struct engine_stats st;
	struct ask bob;
	size_t n = 0;
	double got;

	(void)state;
	fake_reset();
	ask_reset();
	o.cache_bytes = 64 * model_page_bytes(o.model, o.kv);
	assert_int_equal(engine_open(&o, &e, NULL), 0);
	fake_hold();
	for (; n < FLOOD; n++) {
		for (size_t i = 0; i < 10; i++)
			ids[n][i] = (int32_t)(2 + (n + i * 7) % (FAKE_VOCAB - 2));
		ask_init(&a[n], ids[n], 10, 1);
		a[n].r.client = ANN;
		if (engine_submit(e, &a[n].r, &err) < 0)
			break;
		if (n == 0)
			fake_await();
	}
	assert_int_equal(n, 1 + 54); /* one runs */
	assert_int_equal(err.code, -EBUSY);
	assert_non_null(strstr(err.msg, "you have 54 requests waiting already"));
	/* Nor is there a way round it. */
	assert_int_equal(engine_score(e, ANN, ids[0], 10, &t, 1, &got, NULL, NULL, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "you have 54 requests waiting already"));
	ask_init(&bob, ids[0], 10, 1);
	bob.r.client = BOB;
	ask_start(e, &bob);
	/* Then so many others that all places are taken. */
	for (uint64_t client = EVE;; client++) {
		ask_init(&a[n + 1], ids[0], 10, 1);
		a[n + 1].r.client = client;
		if (engine_submit(e, &a[n + 1].r, &err) < 0)
			break;
		n++;
	}
	assert_non_null(strstr(err.msg, "64 requests wait already"));
	engine_stats(e, &st);
	assert_int_equal(st.n_waiting, WAITING);
	fake_free();
	ask_wait(&bob);
	assert_int_equal(bob.rc, 0);
	engine_close(e);
	for (size_t i = 0; i < ARRAY_LEN(a); i++)
		ask_fini(&a[i]);
	ask_fini(&bob);
}

/* ---- turns of texts ------------------------------------------------------------------------- */

#define LONG 64 /* tokens: a pass for itself */

static const struct engine_options encoder = { .model = &fake_encoder,
					       .n_context = LONG,
					       .step_tokens = LONG - 1 };
static const struct engine_options causal = { .model = &fake_causal,
					      .n_context = 512,
					      .max_active = 1,
					      .step_tokens = LONG - 1,
					      .cache_bytes = 512 * 8 }; /* one context */

struct texts {
	pthread_t thread;
	struct engine *e;
	uint64_t client;
	bool background;
	size_t n, n_tokens; /* texts, tokens of each */
	atomic_bool cancel;
	int rc;
};

static bool is_cancelled(void *arg)
{
	struct texts *x = arg;

	return atomic_load(&x->cancel);
}

static void *embed(void *arg)
{
	static const int32_t ids[512] = { 5, 6, 7 };
	struct texts *x = arg;
	struct tokens t[16];
	float out[16][FAKE_EMBD];
	struct ragd_err err;

	for (size_t i = 0; i < x->n; i++)
		t[i] = (struct tokens){ .ids = (int32_t *)ids, .n = x->n_tokens };
	x->rc = (x->background ? engine_embed_background : engine_embed)(
		x->e, x->client, t, x->n, out[0], is_cancelled, x, &err);
	return NULL;
}

/* v[0..n) one after the other, the first of them held up in its first pass. */
static struct engine *embed_all(const struct engine_options *o, struct texts *v, size_t n)
{
	struct engine *e = NULL;
	struct engine_stats st;

	fake_reset();
	assert_int_equal(engine_open(o, &e, NULL), 0);
	fake_hold();
	for (size_t i = 0; i < n; i++) {
		v[i].e = e;
		assert_int_equal(pthread_create(&v[i].thread, NULL, embed, &v[i]), 0);
		do {
			sched_yield();
			engine_stats(e, &st);
		} while (st.n_requests <= i);
		if (i == 0)
			fake_await();
	}
	return e;
}

static size_t next_pass(void)
{
	struct fake_counts before, after;

	fake_counts(&before);
	fake_allow(1);
	fake_await();
	fake_counts(&after);
	assert_int_equal(after.n_passes, before.n_passes + 1);
	return after.n_tokens - before.n_tokens;
}

static void texts_of_several_clients_are_read_in_turn(void **state)
{
	static const struct engine_options *rows[] = { &encoder, &causal };
	/*
	 * Who asks little is read after one pass of each other, however much those have asked, and
	 * when.
	 */
	static const size_t want[] = { LONG, 5, 3, LONG, 7, LONG, LONG };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(rows); m++) {
		struct texts v[] = {
			{ .client = ANN, .n = 16, .n_tokens = LONG },
			{ .client = ANN, .n = 16, .n_tokens = LONG },
			{ .client = BOB, .n = 1, .n_tokens = 5 },
			{ .client = BOB, .n = 1, .n_tokens = 7 },
			{ .client = EVE, .n = 1, .n_tokens = 3 },
		};
		struct engine *e = embed_all(rows[m], v, ARRAY_LEN(v));

		for (size_t i = 0; i < ARRAY_LEN(want); i++)
			assert_int_equal(next_pass(), want[i]);
		fake_free();
		for (size_t i = 0; i < ARRAY_LEN(v); i++) {
			pthread_join(v[i].thread, NULL);
			assert_int_equal(v[i].rc, 0);
		}
		engine_close(e);
	}
}

static void texts_in_the_background_come_after_all_others(void **state)
{
	enum { SLICE = LONG / 4 + 1 };
	static const struct engine_options *rows[] = { &encoder, &causal };
	static const size_t want[2][7] = {
		{ LONG, LONG, 5, LONG, LONG, LONG },
		/* A causal model reads them in smaller slices, too. */
		{ SLICE, 5, LONG, LONG, SLICE, SLICE, LONG - 3 * SLICE },
	};

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(rows); m++) {
		struct texts v[] = {
			{ .client = ANN, .n = 4, .n_tokens = LONG, .background = true },
			{ .client = BOB, .n = 1, .n_tokens = 5 },
			{ .client = ANN, .n = 2, .n_tokens = LONG },
		};
		struct engine *e = embed_all(rows[m], v, ARRAY_LEN(v));
		struct fake_counts counts;

		for (size_t i = 0; i < ARRAY_LEN(want[m]) && want[m][i] > 0; i++)
			assert_int_equal(next_pass(), want[m][i]);
		fake_free();
		for (size_t i = 0; i < ARRAY_LEN(v); i++) {
			pthread_join(v[i].thread, NULL);
			assert_int_equal(v[i].rc, 0);
		}
		/* An encoder's pass is long: they go between its layers. */
		fake_counts(&counts);
		assert_int_equal(counts.n_between, rows[m] == &encoder ? 3 : 0);
		engine_close(e);
	}
}

static void texts_that_want_pages_have_the_next_that_are_free(void **state)
{
	struct texts v[] = {
		{ .client = ANN, .n = 2, .n_tokens = 512 }, /* all pages, twice */
		{ .client = BOB, .n = 1, .n_tokens = 5 },
	};
	struct engine *e = embed_all(&causal, v, 2);

	(void)state;
	for (size_t i = 0; i < 512 / LONG; i++)
		assert_int_equal(next_pass(), LONG);
	assert_int_equal(next_pass(), 5);
	fake_free();
	for (size_t i = 0; i < 2; i++) {
		pthread_join(v[i].thread, NULL);
		assert_int_equal(v[i].rc, 0);
	}
	engine_close(e);
}

static void texts_that_nobody_waits_for_go_before_their_turn(void **state)
{
	struct texts v[] = {
		{ .client = ANN, .n = 16, .n_tokens = LONG },
		{ .client = ANN, .n = 16, .n_tokens = LONG },
	};
	struct engine *e = embed_all(&encoder, v, 2);
	struct engine_stats st;

	(void)state;
	atomic_store(&v[1].cancel, true);
	next_pass();
	engine_stats(e, &st);
	assert_int_equal(st.n_cancelled, 1);
	pthread_join(v[1].thread, NULL);
	assert_int_equal(v[1].rc, -ECANCELED);
	fake_free();
	pthread_join(v[0].thread, NULL);
	assert_int_equal(v[0].rc, 0);
	engine_close(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_alone_has_most_and_newcomers_find_room),
		cmocka_unit_test(two_that_press_come_to_half_each),
		cmocka_unit_test(who_floods_is_told_and_others_get_in),
		cmocka_unit_test(texts_of_several_clients_are_read_in_turn),
		cmocka_unit_test(texts_in_the_background_come_after_all_others),
		cmocka_unit_test(texts_that_want_pages_have_the_next_that_are_free),
		cmocka_unit_test(texts_that_nobody_waits_for_go_before_their_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
