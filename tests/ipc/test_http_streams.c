/* Replies in pieces, clients that go, draining, stopping. */
#include "http_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

/* ---- streams -------------------------------------------------------------------------------- */

static void streams_pieces_as_they_come(void **state)
{
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	int fd = client_open(e);
	struct reply r;

	client_text(e, fd, "GET /stream HTTP/1.1\r\nHost: ragd\r\n\r\n");
	env_wait(e, &e->n_handled, 1);
	/* The head comes before any piece. */
	reply_read_head(e, fd, &rest, &r);
	assert_int_equal(r.status, 200);
	assert_true(r.chunked);
	assert_string_equal(reply_header(&r, "Content-Type"), "text/event-stream");
	assert_string_equal(reply_header(&r, "Cache-Control"), "no-store");
	assert_int_equal(rest.len, 0);
	http_stream_write(e->kept[0], "one", 3);
	client_recv(e, fd, &rest);
	assert_string_equal(rest.data, "3\r\none\r\n");
	buf_clear(&rest);
	/* Pieces of one turn go together. */
	assert_int_equal(http_stream_write(e->kept[0], "two", 3), 3);
	assert_int_equal(http_stream_write(e->kept[0], "three", 5), 8);
	client_recv(e, fd, &rest);
	assert_string_equal(rest.data, "8\r\ntwothree\r\n");
	buf_clear(&rest);
	http_stream_end(e->kept[0]);
	client_recv(e, fd, &rest);
	assert_string_equal(rest.data, "0\r\n\r\n");
	buf_clear(&rest);
	/* The connection lives on. */
	client_text(e, fd, "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n");
	reply_read(e, fd, &rest, &r);
	assert_string_equal(r.body.data, "hello");
	reply_fini(&r);
	assert_int_equal(e->n_gone, 0);
	buf_fini(&rest);
	close(fd);
}

static void streams_to_http_1_0_until_it_closes(void **state)
{
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	int fd = client_open(e);
	struct reply r;

	client_text(e, fd, "GET /stream HTTP/1.0\r\n\r\n");
	env_wait(e, &e->n_handled, 1);
	http_stream_write(e->kept[0], "abc", 3);
	http_stream_end(e->kept[0]);
	reply_read_head(e, fd, &rest, &r);
	assert_false(r.chunked);
	while (client_recv(e, fd, &rest) > 0)
		;
	assert_string_equal(rest.data, "abc");
	buf_fini(&rest);
	close(fd);
}

static void tells_how_much_waits_and_bounds_it(void **state)
{
	struct env *e = *state;
	size_t len = 1 << 20, waiting = 0;
	char *data = calloc(1, len);
	int fd = client_open(e);

	client_text(e, fd, "GET /stream HTTP/1.1\r\nHost: ragd\r\n\r\n");
	env_wait(e, &e->n_handled, 1);
	/* The socket's own buffer takes some of it, nobody reads the rest. */
	for (int i = 0; i < 6; i++) {
		waiting = http_stream_write(e->kept[0], data, len);
		env_turn(e);
		env_turn(e);
	}
	assert_true(waiting > 4 << 20);
	assert_true(waiting <= 6 << 20);
	assert_int_equal(e->n_gone, 0);
	for (int i = 0; i < 3; i++)
		if (e->kept[0] != NULL)
			http_stream_write(e->kept[0], data, len);
	/* Beyond 8 MiB the client is lost, but not within the call. */
	assert_int_equal(e->n_gone, 0);
	env_wait(e, &e->n_gone, 1);
	free(data);
	close(fd);
}

static void loses_a_client_that_does_not_read(void **state)
{
	struct env *e = *state;
	struct http_limits limits = env_limits;
	struct http_stats stats;
	size_t len = 2 << 20;
	char *data = calloc(1, len);
	int stream = client_open(e), big = client_open(e), slow = client_open(e);
	struct buf rest = BUF_INIT;
	int64_t next = 0;

	client_text(e, stream, "GET /stream HTTP/1.1\r\nHost: ragd\r\n\r\n");
	env_wait(e, &e->n_handled, 1);
	client_text(e, big, "GET /big HTTP/1.1\r\nHost: ragd\r\n\r\n");
	env_wait(e, &e->n_handled, 2);
	client_text(e, slow, "GET /stream HTTP/1.1\r\nHost: ragd\r\n\r\n");
	env_wait(e, &e->n_handled, 3);
	http_stream_write(e->kept[0], data, len);
	http_stream_write(e->kept[1], data, len);
	limits.write_timeout_ms = 1000;
	http_server_set_limits(e->server, &limits);
	/*
	 * Who reads now and then is kept, also beyond the time: it reads before each turn that
	 * comes late, so that only a process held up for all of the time could lose it.
	 */
	do {
		if (clock_ms() >= next) {
			client_recv(e, slow, &rest);
			next = clock_ms() + 20;
		}
		env_turn(e);
		http_server_stats(e->server, &stats);
	} while (stats.n_connections > 1);
	assert_int_equal(e->n_gone, 1);
	assert_null(e->kept[0]);
	assert_non_null(e->kept[1]);
	assert_int_equal(stats.n_connections, 1);
	assert_int_equal(stats.n_exchanges, 1);
	http_stream_end(e->kept[1]);
	free(data);
	buf_fini(&rest);
	close(stream);
	close(big);
	close(slow);
}

static void keeps_a_stream_of_which_nothing_waits(void **state)
{
	struct env *e = *state;
	struct http_limits limits = env_limits;
	struct buf rest = BUF_INIT;
	struct reply r;
	int fd = client_open(e);

	client_text(e, fd, "GET /stream HTTP/1.1\r\nHost: ragd\r\n\r\n");
	env_wait(e, &e->n_handled, 1);
	reply_read_head(e, fd, &rest, &r);
	limits.write_timeout_ms = limits.idle_timeout_ms = limits.request_timeout_ms = 40;
	http_server_set_limits(e->server, &limits);
	env_turn_for(e, 150);
	assert_int_equal(e->n_gone, 0);
	http_server_set_limits(e->server, &env_limits);
	http_stream_write(e->kept[0], "x", 1);
	http_stream_end(e->kept[0]);
	while (rest.len < 5 || memcmp(rest.data + rest.len - 5, "0\r\n\r\n", 5) != 0)
		assert_true(client_recv(e, fd, &rest) > 0);
	buf_fini(&rest);
	close(fd);
}

/* ---- clients that go ------------------------------------------------------------------------ */

static void notices_within_one_turn_that_a_client_went(void **state)
{
	static const char *const texts[] = {
		"GET /late HTTP/1.1\r\nHost: ragd\r\n\r\n",
		"GET /stream HTTP/1.1\r\nHost: ragd\r\n\r\n",
		/* The next request is there already, and unread when its client goes. */
		"GET /late HTTP/1.1\r\nHost: ragd\r\n\r\nGET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n",
	};
	struct env *e = *state;
	struct http_stats stats;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		int fd = client_open(e);

		client_text(e, fd, texts[i]);
		env_wait(e, &e->n_handled, (unsigned)i + 1);
		for (int k = 0; k < 5; k++)
			env_turn(e);
		assert_int_equal(e->n_gone, i);
		close(fd);
		env_turn(e);
		assert_int_equal(e->n_gone, i + 1);
	}
	for (int k = 0; k < 5; k++)
		env_turn(e);
	http_server_stats(e->server, &stats);
	assert_int_equal(stats.n_connections, 0);
	assert_int_equal(stats.n_exchanges, 0);
	assert_int_equal(e->n_handled, 3);
}

static void throws_away_a_late_reply(void **state)
{
	struct env *e = *state;
	int fd = client_open(e);

	for (int i = 0; i < 2; i++) {
		fd = i == 0 ? fd : client_open(e);
		client_text(e, fd, "GET /deaf HTTP/1.1\r\nHost: ragd\r\nA: b\r\n\r\n");
		env_wait(e, &e->n_handled, (unsigned)i + 1);
		close(fd);
		for (int k = 0; k < 5; k++)
			env_turn(e);
	}
	/* The request's own texts stay until the handler is done. */
	assert_string_equal(e->last.path, "/deaf");
	assert_null(http_query(e->kept[0], "a"));
	assert_null(http_request_header(e->kept[0], "A"));
	http_reply(e->kept[0], 200, "text/plain", "x", 1);
	http_stream_start(e->kept[1], 200, "text/plain");
	assert_int_equal(http_stream_write(e->kept[1], "x", 1), 0);
	http_stream_end(e->kept[1]);
}

static void answers_a_client_that_shut_its_sending_side(void **state)
{
	static const char *const texts[] = { "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n",
					     "GET /late HTTP/1.1\r\nHost: ragd\r\n\r\n",
					     "GET /stream HTTP/1.1\r\nHost: ragd\r\n\r\n" };
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	struct reply r;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		int fd = client_open(e);

		client_text(e, fd, texts[i]);
		shutdown(fd, SHUT_WR);
		env_wait(e, &e->n_handled, (unsigned)i + 1);
		for (int k = 0; k < 5; k++)
			env_turn(e);
		assert_int_equal(e->n_gone, 0);
		if (i == 1)
			http_reply(e->kept[0], 200, "text/plain", "hello", 5);
		if (i == 2) {
			http_stream_write(e->kept[1], "hello", 5);
			http_stream_end(e->kept[1]);
		}
		reply_read(e, fd, &rest, &r);
		assert_string_equal(r.body.data, "hello");
		reply_fini(&r);
		client_expect_eof(e, fd);
		close(fd);
	}
	buf_fini(&rest);
}

static void forgets_a_client_that_went_amid_its_request(void **state)
{
	static const char *const texts[] = {
		"",
		"GE",
		"POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 10\r\n\r\nabc",
		"POST /echo HTTP/1.1\r\nHost: ragd\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
	};
	struct env *e = *state;
	struct http_stats stats;

	for (size_t i = 0; i < 2 * ARRAY_LEN(texts); i++) {
		int fd = client_open(e);

		client_text(e, fd, texts[i / 2]);
		if (i % 2 == 0)
			for (int k = 0; k < 5; k++)
				env_turn(e);
		close(fd);
		for (int k = 0; k < 5; k++)
			env_turn(e);
	}
	http_server_stats(e->server, &stats);
	assert_int_equal(stats.n_connections, 0);
	assert_int_equal(stats.n_exchanges, 0);
	assert_int_equal(e->n_handled, 0);
}

/* ---- draining and stopping ------------------------------------------------------------------ */

static void drains(void **state)
{
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	struct http_stats stats;
	struct reply r;
	int fresh = client_open(e), idle = client_open(e), busy = client_open(e);
	int stream = client_open(e), asked, half = client_open(e), probe = client_open(e);

	client_text(e, idle, "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n");
	reply_read(e, idle, &rest, &r);
	reply_fini(&r);
	client_text(e, busy, "GET /late HTTP/1.1\r\nHost: ragd\r\n\r\n");
	env_wait(e, &e->n_handled, 2);
	client_text(e, stream, "GET /stream HTTP/1.1\r\nHost: ragd\r\n\r\n");
	env_wait(e, &e->n_handled, 3);
	client_text(e, half, "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 4\r\n\r\nab");
	client_text(e, probe, "GET /alw");
	for (int i = 0; i < 5; i++)
		env_turn(e);
	/* In the backlog, with its request: nobody has looked at it yet. */
	asked = client_open(e);
	client_text(e, asked, "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n");
	http_server_drain(e->server);
	http_server_drain(e->server);
	client_expect_eof(e, fresh);
	client_expect_eof(e, idle);
	reply_read(e, asked, &rest, &r);
	assert_int_equal(r.status, 503);
	assert_non_null(strstr(r.body.data, "\"code\":\"draining\""));
	assert_string_equal(reply_header(&r, "Retry-After"), "1");
	assert_true(r.close);
	reply_fini(&r);
	client_text(e, half, "cd");
	reply_read(e, half, &rest, &r);
	assert_int_equal(r.status, 503);
	reply_fini(&r);
	client_text(e, probe, "ays HTTP/1.1\r\nHost: ragd\r\n\r\n");
	reply_read(e, probe, &rest, &r);
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	/* What was at work goes on to its end, then its connection goes. */
	assert_int_equal(e->n_gone, 0);
	for (int i = 0; i < 5; i++)
		env_turn(e);
	http_server_stats(e->server, &stats);
	assert_int_equal(stats.n_exchanges, 2);
	http_reply(e->kept[0], 200, "text/plain", "done", 4);
	http_stream_write(e->kept[1], "done", 4);
	http_stream_end(e->kept[1]);
	reply_read(e, busy, &rest, &r);
	assert_string_equal(r.body.data, "done");
	assert_true(r.close);
	reply_fini(&r);
	reply_read(e, stream, &rest, &r);
	assert_string_equal(r.body.data, "done");
	reply_fini(&r);
	client_expect_eof(e, busy);
	client_expect_eof(e, stream);
	http_server_stats(e->server, &stats);
	assert_int_equal(stats.n_exchanges, 0);
	buf_fini(&rest);
	close(fresh);
	close(idle);
	close(busy);
	close(stream);
	close(asked);
	close(half);
	close(probe);
}

static void closed_cb(void *arg)
{
	((struct env *)arg)->closed = true;
}

static void stops_with_everything_open(void **state)
{
	struct env *e = *state;
	int fd[6];

	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		fd[i] = client_open(e);
	client_text(e, fd[0], "GET /late HTTP/1.1\r\nHost: ragd\r\n\r\n");
	client_text(e, fd[1], "GET /deaf HTTP/1.1\r\nHost: ragd\r\n\r\n");
	client_text(e, fd[2], "GET /stream HTTP/1.1\r\nHost: ragd\r\n\r\n");
	client_text(e, fd[3], "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 9\r\n\r\nabc");
	client_text(e, fd[4], "GET /big HTTP/1.1\r\nHost: ragd\r\n\r\n");
	env_wait(e, &e->n_handled, 4);
	env_turn(e);
	http_server_stop(e->server, closed_cb, e);
	http_server_stop(e->server, NULL, NULL); /* once is enough */
	while (!e->closed)
		uv_run(&e->loop, UV_RUN_ONCE);
	e->server = NULL;
	assert_int_equal(e->n_gone, 2);
	/* The deaf handler finds out when it answers, after all else is gone. */
	for (size_t i = 0; i < e->n_kept; i++)
		if (e->kept[i] != NULL)
			http_reply(e->kept[i], 200, "text/plain", "x", 1);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		close(fd[i]);
}

static void refuses_descriptors_it_cannot_watch(void **state)
{
	struct http_server *s;
	struct ragd_err err = { 0 };
	char path[] = "/tmp/ragd-http-file-XXXXXX";
	int fds[9] = { 0 }, file = mkstemp(path);
	uv_loop_t loop;

	(void)state;
	unlink(path);
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(http_server_start(&loop, &file, 1, &env_limits, NULL, NULL, &s, &err),
			 -EPERM);
	assert_non_null(strstr(err.msg, "start the HTTP server"));
	assert_int_equal(http_server_start(&loop, fds, 9, &env_limits, NULL, NULL, &s, &err),
			 -EINVAL);
	fds[0] = 987654;
	assert_int_equal(http_server_start(&loop, fds, 1, &env_limits, NULL, NULL, &s, &err),
			 -EBADF);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(close(file), 0); /* still ours */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)
		TEST(streams_pieces_as_they_come),
		TEST(streams_to_http_1_0_until_it_closes),
		TEST(tells_how_much_waits_and_bounds_it),
		TEST(loses_a_client_that_does_not_read),
		TEST(keeps_a_stream_of_which_nothing_waits),
		TEST(notices_within_one_turn_that_a_client_went),
		TEST(throws_away_a_late_reply),
		TEST(answers_a_client_that_shut_its_sending_side),
		TEST(forgets_a_client_that_went_amid_its_request),
		TEST(drains),
		TEST(stops_with_everything_open),
		cmocka_unit_test(refuses_descriptors_it_cannot_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
