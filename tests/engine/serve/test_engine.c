/*
 * The engine, on a model that is a plain function: what runs, what waits, and how everything ends.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "tests/engine/serve/fake_engine.h"
#include "tests/test.h"

#define CONTEXT 4096
#define PAGES   (2 * CONTEXT / KV_PAGE)

static struct engine *open_engine(struct engine_options o)
{
	return fake_engine_open(o, PAGES);
}

/* What a greedy request writes alone. */
static void check_greedy(const struct ask *a)
{
	int32_t *ids = malloc((a->r.n + a->n_out) * sizeof(*ids));
	float logits[FAKE_VOCAB];

	assert_non_null(ids);
	memcpy(ids, a->r.ids, a->r.n * sizeof(*ids));
	for (size_t i = 0; i < a->n_out; i++) {
		size_t best = 0;

		fake_logits(ids, a->r.n + i, logits);
		for (size_t j = 1; j < FAKE_VOCAB; j++)
			best = logits[j] > logits[best] ? j : best;
		assert_int_equal(a->out[i], best);
		ids[a->r.n + i] = (int32_t)best;
	}
	free(ids);
}

static void check_counts(void)
{
	struct fake_counts c;

	fake_counts(&c);
	assert_int_equal(c.n_wrong, 0);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void refuses_options_that_make_no_sense(void **state)
{
	size_t page = model_page_bytes(&fake_causal, KV_F16);
	const struct {
		struct engine_options o;
		const char *want;
	} rows[] = {
		{ { .n_context = 5000, .cache_bytes = 1000 * page }, "the model's is 4096" },
		{ { .n_context = 320, .cache_bytes = 9 * page },
		  "one context of 320 tokens takes" },
		{ { .n_context = 32, .cache_bytes = page, .max_gap = 1 }, "more than 1" },
		{ { .n_context = 32, .cache_bytes = page, .draft_tokens = 65 },
		  "65 drafted tokens" },
		{ { .n_context = 32, .cache_bytes = page, .max_active = 5000 }, "5000 sequences" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct engine_options o = rows[i].o;
		struct ragd_err err = { 0 };
		struct engine *e;

		o.model = &fake_causal;
		assert_int_equal(engine_open(&o, &e, &err), -EINVAL);
		if (strstr(err.msg, rows[i].want) == NULL)
			fail_msg("'%s' says nothing of '%s'", err.msg, rows[i].want);
	}
	engine_close(NULL);
}

static void says_what_it_will_take(void **state)
{
	struct engine_options o = { .model = &fake_causal,
				    .cache_bytes = 1 << 20,
				    .n_context = 512 };
	size_t with, without;

	(void)state;
	with = engine_plan(&o);
	o.cache_bytes = 1 << 19;
	without = engine_plan(&o);
	assert_int_equal(with - without, 1 << 19);
	o.model = &fake_encoder; /* which has no cache */
	o.n_context = 0;
	with = engine_plan(&o);
	o.cache_bytes = 0;
	assert_int_equal(with, engine_plan(&o));
}

static void refuses_requests_that_cannot_be_served(void **state)
{
	static const struct ragd_bias bad_bias = { FAKE_VOCAB, 1 };
	static const struct ragd_str empty;
	static int32_t ids[200];
	int32_t wild[] = { 5, FAKE_VOCAB, 5 }, negative[] = { -1 };
	struct sampler_options ok = { .top_p = 1, .repeat_penalty = 1 };
	struct {
		const char *want;
		int rc;
		struct engine_request r;
	} rows[] = {
		{ "the prompt is empty", -EINVAL, { .ids = ids } },
		{ "200 tokens, 101 over the 99", -EMSGSIZE, { .ids = ids, .n = 200 } },
		{ "token 1 is 96", -EINVAL, { .ids = wild, .n = 3 } },
		{ "token 0 is -1", -EINVAL, { .ids = negative, .n = 1 } },
		{ "stop string 0 is empty",
		  -EINVAL,
		  { .ids = ids, .n = 1, .stop = &empty, .n_stop = 1 } },
		{ "temperature -1",
		  -EINVAL,
		  { .ids = ids, .n = 1, .sampling = { .temperature = -1 } } },
		{ "temperature nan",
		  -EINVAL,
		  { .ids = ids, .n = 1, .sampling = { .temperature = NAN } } },
		{ "top_p 2", -EINVAL, { .ids = ids, .n = 1, .sampling = { .top_p = 2 } } },
		{ "min_p 1", -EINVAL, { .ids = ids, .n = 1, .sampling = { .min_p = 1 } } },
		{ "repetition penalty -1",
		  -EINVAL,
		  { .ids = ids, .n = 1, .sampling = { .repeat_penalty = -1 } } },
		{ "a penalty is no number",
		  -EINVAL,
		  { .ids = ids, .n = 1, .sampling = { .presence_penalty = INFINITY } } },
		{ "21 log-probabilities",
		  -EINVAL,
		  { .ids = ids, .n = 1, .sampling = { .n_logprobs = 21 } } },
		{ "bias for token 96",
		  -EINVAL,
		  { .ids = ids, .n = 1, .sampling = { .bias = &bad_bias, .n_bias = 1 } } },
		{ "without done()", -EINVAL, { .ids = ids, .n = 1 } },
	};
	struct engine *e = open_engine((struct engine_options){ .n_context = 100 });
	struct engine *enc = open_engine((struct engine_options){ .model = &fake_encoder });
	struct ragd_err err = { 0 };
	struct ask a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct engine_request *r = &rows[i].r;

		ask_init(&a, r->ids, r->n, 0);
		if (r->sampling.top_p == 0)
			r->sampling.top_p = ok.top_p;
		if (r->sampling.repeat_penalty == 0)
			r->sampling.repeat_penalty = ok.repeat_penalty;
		if (i + 1 < ARRAY_LEN(rows))
			r->done = a.r.done;
		assert_int_equal(engine_submit(e, r, &err), rows[i].rc);
		if (strstr(err.msg, rows[i].want) == NULL)
			fail_msg("'%s' says nothing of '%s'", err.msg, rows[i].want);
	}
	ask_init(&a, ids, 1, 1);
	assert_int_equal(engine_submit(enc, &a.r, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "fake-encoder"));
	engine_close(enc);
	engine_close(e);
}

/* ---- running and ending --------------------------------------------------------------------- */

static void writes_until_it_is_full_and_tells_what_it_took(void **state)
{
	struct engine *e = open_engine((struct engine_options){ .n_context = 200 });
	struct engine_stats st;
	int32_t ids[150];
	struct ask a, b;

	(void)state;
	fake_ids(ids, 150, 1);
	ask_init(&a, ids, 150, 20);
	ask_start(e, &a);
	ask_wait(&a);
	assert_int_equal(a.rc, 0);
	assert_int_equal(a.finish, RAGD_FINISH_LENGTH);
	assert_int_equal(a.n_out, 20);
	assert_int_equal(a.usage.n_prompt, 150);
	assert_int_equal(a.usage.n_cached, 0);
	assert_int_equal(a.usage.n_output, 20);
	assert_true(a.usage.first_us >= 0);
	check_greedy(&a);
	/* The same again: only its last token is computed. No bound but the context. */
	ask_init(&b, ids, 150, 0);
	ask_start(e, &b);
	ask_wait(&b);
	assert_int_equal(b.usage.n_cached, 149);
	assert_int_equal(b.n_out, 50);
	assert_int_equal(b.finish, RAGD_FINISH_LENGTH);
	assert_memory_equal(a.out, b.out, 20 * sizeof(*a.out));
	engine_stats(e, &st);
	assert_int_equal(st.n_requests, 2);
	assert_int_equal(st.n_prompt_tokens, 300);
	assert_int_equal(st.n_cached_tokens, 149);
	assert_int_equal(st.n_output_tokens, 70);
	engine_close(e);
	check_counts();
	ask_fini(&a);
	ask_fini(&b);
}

static void too_many_wait(void **state)
{
	struct engine *e =
		open_engine((struct engine_options){ .max_active = 1, .max_waiting = 2 });
	struct ragd_err err = { 0 };
	struct engine_stats st;
	int32_t ids[4][10];
	struct ask a[4];

	(void)state;
	fake_hold();
	for (size_t i = 0; i < 4; i++) {
		fake_ids(ids[i], 10, (uint32_t)i);
		ask_init(&a[i], ids[i], 10, 3);
	}
	ask_start(e, &a[0]);
	fake_await();
	ask_start(e, &a[1]);
	a[2].r.client = a[3].r.client = 1; /* the last place is not for whom one waits */
	ask_start(e, &a[2]);
	assert_int_equal(engine_submit(e, &a[3].r, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "2 requests wait"));
	engine_stats(e, &st);
	assert_int_equal(st.n_waiting, 2);
	fake_free();
	for (size_t i = 0; i < 3; i++) {
		ask_wait(&a[i]);
		check_greedy(&a[i]);
	}
	engine_close(e);
	assert_int_equal(a[3].n_done, 0);
	for (size_t i = 0; i < 4; i++)
		ask_fini(&a[i]);
}

static void a_cancelled_request_ends_within_one_step(void **state)
{
	struct engine *e =
		open_engine((struct engine_options){ .max_active = 1, .step_tokens = 16 });
	struct fake_counts before, after;
	int32_t ids[1000];
	struct ask a, waits;

	(void)state;
	fake_ids(ids, 1000, 1);
	ask_init(&a, ids, 1000, 100);
	ask_init(&waits, ids, 500, 100);
	fake_hold();
	ask_start(e, &a);
	fake_await();
	ask_start(e, &waits);
	fake_allow(3);
	fake_await();
	atomic_store(&a.cancel, true);
	atomic_store(&waits.cancel, true);
	fake_counts(&before);
	fake_free();
	ask_wait(&a);
	ask_wait(&waits);
	fake_counts(&after);
	assert_int_equal(after.n_passes, before.n_passes + 1); /* the one that was under way */
	assert_int_equal(a.rc, -ECANCELED);
	assert_int_equal(waits.rc, -ECANCELED);
	assert_int_equal(a.n_out, 0);
	assert_true(a.err.msg[0] != '\0');
	engine_close(e);
	ask_fini(&a);
	ask_fini(&waits);
}

static void its_reader_ends_a_request(void **state)
{
	struct engine *e = open_engine((struct engine_options){ .draft_tokens = 8 });
	int32_t ids[20];
	struct ask a;

	(void)state;
	fake_ids(ids, 20, 1);
	ask_init(&a, ids, 20, 100);
	a.stop_after = 7;
	ask_start(e, &a);
	ask_wait(&a);
	assert_int_equal(a.rc, -ECANCELED);
	assert_int_equal(a.n_out, 7);
	assert_int_equal(a.usage.n_output, 7);
	check_greedy(&a);
	engine_close(e);
	ask_fini(&a);
}

static void a_pass_that_fails_ends_its_sequences_only(void **state)
{
	struct engine *e = open_engine((struct engine_options){ .n_context = 64 });
	int32_t ids[20];
	struct ask a, b;

	(void)state;
	fake_ids(ids, 20, 1);
	fake_fail(4);
	ask_init(&a, ids, 20, 20);
	ask_start(e, &a);
	ask_wait(&a);
	assert_int_equal(a.rc, -EIO);
	assert_string_equal(a.err.msg, "the pass that was to fail");
	assert_int_equal(a.n_out, 3);
	ask_init(&b, ids, 20, 20);
	ask_start(e, &b);
	ask_wait(&b);
	assert_int_equal(b.rc, 0);
	check_greedy(&b);
	engine_close(e);
	ask_fini(&a);
	ask_fini(&b);
}

static void *close_it(void *e)
{
	engine_close(e);
	return NULL;
}

/* Submits until the engine says that it is being closed; returns how many it let in. */
static size_t submit_until_closing(struct engine *e, struct ask *late, size_t n_late,
				   const int32_t *ids, size_t n)
{
	size_t n_in = 0;

	for (;;) {
		struct ragd_err err;
		int rc;

		assert_true(n_in < n_late);
		ask_init(&late[n_in], ids, n, 0);
		rc = engine_submit(e, &late[n_in].r, &err);
		if (rc == 0) {
			n_in++;
			continue;
		}
		ask_fini(&late[n_in]);
		if (rc == -ESHUTDOWN)
			return n_in;
		/* The queue is full, and the closing thread has not got there yet. */
		assert_int_equal(rc, -EBUSY);
		sched_yield();
	}
}

static void check_ended(struct ask *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(a[i].n_done, 1);
		assert_int_equal(a[i].rc, -ECANCELED);
		ask_fini(&a[i]);
	}
}

static void closing_ends_whatever_runs_or_waits(void **state)
{
	enum { N_WAITING = 8 };
	struct engine *e =
		open_engine((struct engine_options){ .max_active = 2, .max_waiting = N_WAITING });
	struct ask a[4], late[N_WAITING + 1];
	int32_t ids[4][50];
	pthread_t thread;
	size_t n_late;

	(void)state;
	fake_hold();
	for (size_t i = 0; i < 4; i++) {
		fake_ids(ids[i], 50, (uint32_t)i);
		ask_init(&a[i], ids[i], 50, 0);
		ask_start(e, &a[i]);
	}
	fake_await();
	assert_int_equal(pthread_create(&thread, NULL, close_it, e), 0);
	/* No pass is let through meanwhile: after one, the engine would close, and be freed. */
	n_late = submit_until_closing(e, late, ARRAY_LEN(late), ids[0], 50);
	fake_free();
	pthread_join(thread, NULL);
	check_ended(a, 4);
	check_ended(late, n_late);
}

/* ---- what goes first ------------------------------------------------------------------------ */

static void clients_take_turns_by_what_they_have_used(void **state)
{
	struct engine *e = open_engine((struct engine_options){ .max_active = 1 });
	int32_t ids[5][100];
	struct ask a[5];

	(void)state;
	fake_hold();
	for (size_t i = 0; i < 5; i++) {
		fake_ids(ids[i], 100, (uint32_t)i);
		ask_init(&a[i], ids[i], 100, 5);
		a[i].r.client = i < 4 ? 1000 : 1001; /* four of one client, then one of another */
		ask_start(e, &a[i]);
		if (i == 0)
			fake_await();
	}
	fake_free();
	for (size_t i = 0; i < 5; i++)
		ask_wait(&a[i]);
	assert_int_equal(a[0].order, 1);
	assert_int_equal(a[4].order, 2);
	assert_int_equal(a[1].order, 3);
	assert_int_equal(a[3].order, 5);
	engine_close(e);
	for (size_t i = 0; i < 5; i++)
		ask_fini(&a[i]);
}

static void a_prefix_that_eight_want_at_once_is_read_once(void **state)
{
	enum { N = 8, SYSTEM = 3000, TAIL = 40 };
	static int32_t ids[N][SYSTEM + TAIL];
	struct fake_counts c;
	struct ask a[N];

	(void)state;
	/* It is the configuration's, or all of them are of one client. */
	for (int configured = 0; configured < 2; configured++) {
		struct engine *e = open_engine((struct engine_options){ .draft_tokens = 0 });
		size_t cached = 0;

		fake_hold();
		for (size_t i = 0; i < N; i++) {
			fake_ids(ids[i], SYSTEM, 1);
			fake_ids(ids[i] + SYSTEM, TAIL, (uint32_t)(100 + i));
			ask_init(&a[i], ids[i], SYSTEM + TAIL, 3);
			a[i].r.client = configured ? i : 1000;
			a[i].r.n_configured = configured ? SYSTEM : 0;
			ask_start(e, &a[i]);
		}
		fake_free();
		for (size_t i = 0; i < N; i++) {
			ask_wait(&a[i]);
			check_greedy(&a[i]);
			cached += a[i].usage.n_cached;
		}
		fake_counts(&c);
		/*
		 * Whole pages are shared: what stands in the page where they part is read by each.
		 */
		assert_true(c.n_tokens <= SYSTEM + N * (TAIL + KV_PAGE + 3));
		assert_true(configured ? cached == 0 : cached >= (N - 1) * (SYSTEM - KV_PAGE));
		engine_close(e);
		check_counts();
		for (size_t i = 0; i < N; i++)
			ask_fini(&a[i]);
	}
}

static void nobody_hangs_on_one_who_leaves(void **state)
{
	static int32_t ids[2][2000];
	struct engine *e = open_engine((struct engine_options){ .step_tokens = 100 });
	struct fake_counts c;
	struct ask a[2];

	(void)state;
	fake_hold();
	for (size_t i = 0; i < 2; i++) {
		fake_ids(ids[i], 2000, 1);
		ids[i][1999] = (int32_t)(10 + i);
		ask_init(&a[i], ids[i], 2000, 3);
		ask_start(e, &a[i]);
	}
	fake_await();
	fake_allow(9);
	fake_await();
	atomic_store(&a[0].cancel, true); /* about half-way: the other has waited for it so far */
	fake_free();
	ask_wait(&a[0]);
	ask_wait(&a[1]);
	assert_int_equal(a[0].rc, -ECANCELED);
	assert_int_equal(a[1].rc, 0);
	check_greedy(&a[1]);
	fake_counts(&c);
	assert_true(c.n_tokens < 2300); /* what the first had read was of use */
	engine_close(e);
	check_counts();
	ask_fini(&a[0]);
	ask_fini(&a[1]);
}

/* Room for one context and a little: two that grow to its length cannot both stay. */
static void where_room_runs_out_the_youngest_waits_and_goes_on_later(void **state)
{
	struct engine *e = open_engine((struct engine_options){
		.n_context = 320,
		.cache_bytes = 12 * model_page_bytes(&fake_causal, KV_F16),
	});
	int32_t ids[3][60];
	struct ask a[3];

	(void)state;
	fake_hold();
	for (size_t i = 0; i < 3; i++) {
		fake_ids(ids[i], 60, (uint32_t)i);
		ask_init(&a[i], ids[i], 60, 0);
		ask_start(e, &a[i]);
	}
	fake_free();
	for (size_t i = 0; i < 3; i++) {
		ask_wait(&a[i]);
		assert_int_equal(a[i].rc, 0);
		assert_int_equal(a[i].n_out, 260);
		assert_int_equal(a[i].order, i + 1);
		check_greedy(&a[i]);
		ask_fini(&a[i]);
	}
	engine_close(e);
	check_counts();
}

/* ---- drafts --------------------------------------------------------------------------------- */

static void drafts_save_passes_and_change_nothing(void **state)
{
	struct fake_counts with, without;
	struct engine_stats st;
	struct ask a, b;
	int32_t ids[30];
	struct engine *e;

	(void)state;
	fake_ids(ids, 30, 3);
	ask_init(&a, ids, 30, 400);
	ask_init(&b, ids, 30, 400);
	e = open_engine((struct engine_options){ .draft_tokens = 0 });
	ask_start(e, &a);
	ask_wait(&a);
	engine_close(e);
	fake_counts(&without);
	assert_int_equal(a.usage.n_drafted, 0);
	e = open_engine((struct engine_options){ .draft_tokens = 8 });
	ask_start(e, &b);
	ask_wait(&b);
	engine_stats(e, &st);
	engine_close(e);
	fake_counts(&with);
	assert_int_equal(a.n_out, b.n_out);
	assert_memory_equal(a.out, b.out, a.n_out * sizeof(*a.out));
	assert_true(b.usage.n_accepted > 0 && b.usage.n_accepted <= b.usage.n_drafted);
	assert_int_equal(st.n_drafted_tokens, b.usage.n_drafted);
	assert_int_equal(st.n_accepted_tokens, b.usage.n_accepted);
	/* A pass for each token that was not drafted. */
	assert_int_equal(with.n_passes + b.usage.n_accepted, without.n_passes);
	ask_fini(&a);
	ask_fini(&b);
}

static void an_idle_cache_gives_its_memory_back(void **state)
{
	int32_t ids[1024];
	struct engine_stats st;
	struct engine *e;
	struct ask a, b;

	(void)state;
	fake_ids(ids, ARRAY_LEN(ids), 11);
	e = open_engine((struct engine_options){ .idle_ms = 200 });
	ask_init(&a, ids, ARRAY_LEN(ids), 4);
	a.r.n_configured = 3 * KV_PAGE;
	ask_start(e, &a);
	ask_wait(&a);
	engine_stats(e, &st);
	while (st.n_pages_cached != 3) { /* the configuration's stay */
		const struct timespec moment = { .tv_nsec = 5000000 };

		nanosleep(&moment, NULL);
		engine_stats(e, &st);
	}
	/* Another that begins so finds the configuration's, and the same text comes. */
	ask_init(&b, ids, ARRAY_LEN(ids), 4);
	b.r.n_configured = 3 * KV_PAGE;
	ask_start(e, &b);
	ask_wait(&b);
	assert_int_equal(b.usage.n_cached, 0);
	engine_stats(e, &st);
	assert_int_equal(st.n_cached_tokens, 3 * KV_PAGE);
	assert_memory_equal(a.out, b.out, a.n_out * sizeof(*a.out));
	ask_fini(&a);
	ask_fini(&b);
	engine_close(e);
}

static void an_idle_encoder_gives_its_memory_back(void **state)
{
	const struct engine_options opt = { .model = &fake_encoder, .idle_ms = 50 };
	int32_t ids[] = { 5, 6, 7 };
	struct tokens text = { .ids = ids, .n = ARRAY_LEN(ids) };
	float first[FAKE_EMBD], second[FAKE_EMBD];
	struct engine *e = NULL;
	struct fake_counts counts;

	(void)state;
	fake_reset();
	assert_int_equal(engine_open(&opt, &e, NULL), 0);
	assert_int_equal(engine_embed(e, 1, &text, 1, first, NULL, NULL, NULL), 0);
	do {
		sched_yield();
		fake_counts(&counts);
	} while (counts.n_trims == 0);
	assert_int_equal(engine_embed(e, 1, &text, 1, second, NULL, NULL, NULL), 0);
	assert_memory_equal(first, second, sizeof(first));
	engine_close(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_options_that_make_no_sense),
		cmocka_unit_test(says_what_it_will_take),
		cmocka_unit_test(refuses_requests_that_cannot_be_served),
		cmocka_unit_test(writes_until_it_is_full_and_tells_what_it_took),
		cmocka_unit_test(too_many_wait),
		cmocka_unit_test(a_cancelled_request_ends_within_one_step),
		cmocka_unit_test(its_reader_ends_a_request),
		cmocka_unit_test(a_pass_that_fails_ends_its_sequences_only),
		cmocka_unit_test(closing_ends_whatever_runs_or_waits),
		cmocka_unit_test(clients_take_turns_by_what_they_have_used),
		cmocka_unit_test(a_prefix_that_eight_want_at_once_is_read_once),
		cmocka_unit_test(nobody_hangs_on_one_who_leaves),
		cmocka_unit_test(where_room_runs_out_the_youngest_waits_and_goes_on_later),
		cmocka_unit_test(drafts_save_passes_and_change_nothing),
		cmocka_unit_test(an_idle_cache_gives_its_memory_back),
		cmocka_unit_test(an_idle_encoder_gives_its_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
