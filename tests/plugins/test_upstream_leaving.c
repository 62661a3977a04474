/* How requests of inference_upstream end before their answer does, and many at once. */
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "tests/plugins/upstream.h"
#include "tests/test.h"

static const struct act fine = ACT_FINE;

static void whoever_leaves_leaves_the_server_at_once(void **state)
{
	static const struct {
		const char *name;
		struct act act;
		unsigned pieces; /* to wait for before */
	} rows[] = {
		{ "before the head", { NULL, THEN_HANG, 0, NULL, 0 }, 0 },
		{ "before the first token", { HEAD_SSE, THEN_HANG, 0, NULL, 0 }, 0 },
		{ "between two", { HEAD_SSE TOKEN("a"), THEN_HANG, 0, NULL, 0 }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;

		print_message("%s\n", rows[i].name);
		up_init(&t);
		up_server(&t, true, &rows[i].act, 1);
		up_open(&t, "model=m");
		assert_int_equal(up_generate_to(&t, &t.sink), 0);
		server_wait(&t.servers[0], &t.servers[0].n_posts, 1);
		test_sink_wait_pieces(&t.sink, rows[i].pieces);
		atomic_store(&t.call.is_cancelled, true);
		test_sink_wait(&t.sink);
		assert_int_equal(t.sink.rc, -ECANCELED);
		server_wait(&t.servers[0], &t.servers[0].n_hangups, 1);
		up_end(&t);
	}
}

static void a_sink_that_takes_no_more_ends_it(void **state)
{
	static const struct act endless = { HEAD_SSE, THEN_FLOOD, 0, TOKEN("word "), 0 };
	static const struct {
		int code, rc;
	} rows[] = { { -ECANCELED, -ECANCELED }, { -ENOBUFS, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct up t;

		up_init(&t);
		up_server(&t, true, &endless, 1);
		up_open(&t, "model=m");
		t.sink.stop_after = 5;
		t.sink.stop_code = rows[i].code;
		assert_int_equal(up_generate_to(&t, &t.sink), 0);
		test_sink_wait(&t.sink);
		assert_int_equal(t.sink.rc, rows[i].rc);
		assert_int_equal(t.sink.n_pieces, 5);
		if (rows[i].rc == 0)
			assert_int_equal(t.sink.finish, RAGD_FINISH_LENGTH);
		server_wait(&t.servers[0], &t.servers[0].n_hangups, 1);
		up_end(&t);
	}
}

/* Each time the deadline passes; the first may do so before the server was asked. */
static void ask_until_posted(struct up *t, int ms)
{
	for (; server_read(&t->servers[0], &t->servers[0].n_posts) == 0; ms *= 2) {
		t->call.call.deadline_ms = clock_ms() + ms;
		up_ask(t);
		assert_int_equal(t->sink.rc, -ETIMEDOUT);
	}
}

static void the_callers_deadline_holds(void **state)
{
	static const struct act slow = { HEAD_SSE, THEN_FLOOD, 0, TOKEN("word "), 5 };
	static const struct act busy = { "HTTP/1.1 429 Busy\r\nRetry-After: 5\r\n\r\n", THEN_CLOSE,
					 0, NULL, 0 };
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &slow, 1);
	up_open(&t, "model=m");
	ask_until_posted(&t, 80);
	assert_non_null(strstr(t.sink.err.msg, "deadline"));
	server_wait(&t.servers[0], &t.servers[0].n_hangups, 1);
	up_end(&t);

	up_init(&t); /* while it waits to try again */
	up_server(&t, true, &busy, 1);
	up_open(&t, "model=m");
	ask_until_posted(&t, 500);
	assert_int_equal(server_read(&t.servers[0], &t.servers[0].n_posts), 1);
	up_end(&t);
}

static void beyond_max_requests_the_answer_is_said(void **state)
{
	static const struct act slow = { HEAD_SSE TOKEN("a"), THEN_HANG, 0, NULL, 0 };
	struct test_sink other;
	struct up t;

	(void)state;
	up_init(&t);
	up_server(&t, true, &slow, 1);
	up_open(&t, "model=m", "max_requests=2");
	test_sink_init(&other);
	assert_int_equal(up_generate_to(&t, &t.sink), 0);
	assert_int_equal(up_generate_to(&t, &other), 0);
	assert_int_equal(up_generate_to(&t, &t.sink), -EBUSY);
	assert_non_null(strstr(t.err.msg, "2 requests are at the servers, which is the limit"));
	test_sink_wait_pieces(&t.sink, 1);
	test_sink_wait_pieces(&other, 1);
	atomic_store(&t.call.is_cancelled, true);
	test_sink_wait(&t.sink);
	test_sink_wait(&other);
	test_sink_fini(&other);
	up_wait_metric("active_requests", 0);
	atomic_store(&t.call.is_cancelled, false);
	test_sink_fini(&t.sink);
	test_sink_init(&t.sink);
	assert_int_equal(up_generate_to(&t, &t.sink), 0); /* there is room again */
	test_sink_wait_pieces(&t.sink, 1);
	atomic_store(&t.call.is_cancelled, true);
	test_sink_wait(&t.sink);
	up_end(&t);
}

/* Of the answers below: the first piece tells. */
static bool hangs(struct test_sink *s)
{
	bool found;

	pthread_mutex_lock(&s->lock);
	found = s->text.len > 0 && s->text.data[0] == 'a';
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* Answers, failures, cancellations and hang-ups side by side: all come to their end, once. */
static void many_at_once_come_to_their_ends(void **state)
{
	enum { N = 200 };
	static const struct act acts[] = {
		{ HEAD_SSE TOKEN("fine") FINISH("stop") DONE, THEN_CLOSE, 3, NULL, 0 },
		{ HEAD_SSE TOKEN("a"), THEN_HANG, 0, NULL, 0 },
		{ ERROR_OF("500 Oops", ""), THEN_CLOSE, 0, NULL, 0 },
		{ NULL, THEN_CLOSE, 0, NULL, 0 },
	};
	static struct act all[4 * N];
	static struct test_sink sinks[N];
	unsigned n_hang = 0;
	struct up t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i] = acts[i % ARRAY_LEN(acts)];
	up_init(&t);
	up_server(&t, true, all, ARRAY_LEN(all));
	up_server(&t, false, &fine, 1);
	up_open(&t, QUICK, "model=m", "max_requests=200", "failures=100");
	for (int i = 0; i < N; i++) {
		test_sink_init(&sinks[i]);
		assert_int_equal(up_generate_to(&t, &sinks[i]), 0);
	}
	for (int i = 0; i < N; i++) {
		test_sink_wait_pieces(&sinks[i], 1);
		n_hang += hangs(&sinks[i]);
		if (!hangs(&sinks[i]))
			test_sink_wait(&sinks[i]);
	}
	assert_true(n_hang > 0 && n_hang <= N / 2);
	atomic_store(&t.call.is_cancelled, true); /* for those that would hang for ever */
	for (int i = 0; i < N; i++) {
		bool did_hang = hangs(&sinks[i]);

		test_sink_wait(&sinks[i]);
		assert_int_equal(sinks[i].n_done, 1);
		assert_int_equal(sinks[i].rc, did_hang ? -ECANCELED : 0);
		assert_string_equal(sinks[i].text.data, did_hang ? "a" : "fine");
		test_sink_fini(&sinks[i]);
	}
	up_wait_metric("active_requests", 0);
	up_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_leaves_leaves_the_server_at_once),
		cmocka_unit_test(a_sink_that_takes_no_more_ends_it),
		cmocka_unit_test(the_callers_deadline_holds),
		cmocka_unit_test(beyond_max_requests_the_answer_is_said),
		cmocka_unit_test(many_at_once_come_to_their_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
