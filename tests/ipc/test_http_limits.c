/* Every bound has its answer, and costs nobody else anything. */
#include "http_env.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

/* Everybody else is still served. */
static void assert_alive(struct env *e)
{
	struct reply r;

	request(e, "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n", &r);
	assert_int_equal(r.status, 200);
	reply_fini(&r);
}

static void assert_error(struct reply *r, int status, const char *code)
{
	char want[64];

	snprintf(want, sizeof(want), "{\"error\":{\"code\":\"%s\",", code);
	assert_int_equal(r->status, status);
	assert_string_equal(reply_header(r, "Content-Type"), "application/json");
	assert_memory_equal(reply_header(r, "X-Request-Id"), "req-", 4);
	assert_true(r->body.len > strlen(want));
	assert_memory_equal(r->body.data, want, strlen(want));
}

/* The reply to text, after which the server closes. */
static void expect_refusal(struct env *e, int fd, int status, const char *code)
{
	struct buf rest = BUF_INIT;
	struct reply r;

	reply_read(e, fd, &rest, &r);
	assert_error(&r, status, code);
	assert_true(r.close);
	/* What ends a connection begins as every reply does. */
	assert_string_equal(reply_header(&r, "X-Content-Type-Options"), "nosniff");
	assert_string_not_equal(reply_header(&r, "Date"), "");
	client_expect_eof(e, fd);
	reply_fini(&r);
	buf_fini(&rest);
	close(fd);
}

/* In a child that became uid: a request with a body of len bytes gets that status. */
static void expect_status_as(struct env *e, uid_t uid, size_t len, int want)
{
	char *body = calloc(1, len), head[128], reply[64] = { 0 };
	int fd, status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		snprintf(head, sizeof(head),
			 "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: %zu\r\n\r\n", len);
		if (setgid(uid) < 0 || setuid(uid) < 0)
			_exit(2);
		fd = client_open(e);
		if (send(fd, head, strlen(head), MSG_NOSIGNAL) < 0 ||
		    send(fd, body, len, MSG_NOSIGNAL) < 0 ||
		    recv(fd, reply, sizeof(reply) - 1, 0) <= 0 ||
		    sscanf(reply, "HTTP/1.1 %d", &status) != 1)
			_exit(3);
		_exit(status == want ? 0 : 1);
	}
	while (waitpid(child, &status, WNOHANG) == 0)
		env_turn(e);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	free(body);
}

/* ---- bodies --------------------------------------------------------------------------------- */

static void refuses_a_long_body_at_its_head(void **state)
{
	struct env *e = *state;
	int fd = client_open(e);

	/* Not a byte of the 100 MB is sent. */
	client_text(e, fd,
		    "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 104857600\r\n\r\n");
	expect_refusal(e, fd, 413, "body_too_large");
	assert_int_equal(e->n_handled, 0);
	assert_alive(e);
}

static void lets_who_sends_anyway_read_the_refusal(void **state)
{
	struct env *e = *state;
	size_t len = 8 << 20;
	char *zeros = calloc(1, len);
	int fd = client_open(e);

	client_text(e, fd, "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 8388608\r\n\r\n");
	client_send(e, fd, zeros, len); /* until EPIPE */
	expect_refusal(e, fd, 413, "body_too_large");
	free(zeros);
}

static void refuses_chunks_beyond_the_bound(void **state)
{
	struct env *e = *state;
	size_t len = 65536;
	char *zeros = calloc(1, len);
	int fd = client_open(e);

	client_text(e, fd,
		    "POST /echo HTTP/1.1\r\nHost: ragd\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 40; i++) {
		client_text(e, fd, "10000\r\n");
		client_send(e, fd, zeros, len);
		client_text(e, fd, "\r\n");
	}
	expect_refusal(e, fd, 413, "body_too_large");
	assert_int_equal(e->n_handled, 0);
	free(zeros);
	assert_alive(e);
}

static void refuses_a_huge_chunk(void **state)
{
	struct env *e = *state;
	int fd = client_open(e);

	client_text(e, fd,
		    "POST /echo HTTP/1.1\r\nHost: ragd\r\nTransfer-Encoding: chunked\r\n\r\n");
	env_turn(e);
	client_text(e, fd, "fffffffff\r\n");
	expect_refusal(e, fd, 413, "body_too_large");
	assert_alive(e);
}

static void honours_expect_100_continue(void **state)
{
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	int fd = client_open(e);
	struct reply r;

	client_text(e, fd,
		    "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 4\r\nExpect: "
		    "100-continue\r\n\r\n");
	reply_read(e, fd, &rest, &r);
	assert_int_equal(r.status, 100);
	reply_fini(&r);
	client_text(e, fd, "body");
	reply_read(e, fd, &rest, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body.data, "body");
	reply_fini(&r);
	close(fd);
	fd = client_open(e);
	client_text(e, fd,
		    "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 9000000\r\n"
		    "Expect: 100-continue\r\n\r\n");
	expect_refusal(e, fd, 413, "body_too_large");
	fd = client_open(e);
	client_text(e, fd,
		    "POST /nothing HTTP/1.1\r\nHost: ragd\r\nContent-Length: 9\r\n"
		    "Expect: 100-continue\r\n\r\n");
	expect_refusal(e, fd, 404, "not_found");
	buf_fini(&rest);
}

static void keeps_a_connection_whose_short_body_was_for_nothing(void **state)
{
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	int fd = client_open(e);
	struct reply r;

	client_text(e, fd,
		    "POST /nothing HTTP/1.1\r\nHost: ragd\r\nContent-Length: 4\r\n\r\nbody"
		    "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n");
	reply_read(e, fd, &rest, &r);
	assert_error(&r, 404, "not_found");
	reply_fini(&r);
	reply_read(e, fd, &rest, &r);
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	buf_fini(&rest);
	close(fd);
}

static void refuses_other_codings_than_chunked(void **state)
{
	struct env *e = *state;
	int fd = client_open(e);

	client_text(e, fd,
		    "POST /echo HTTP/1.1\r\nHost: ragd\r\nTransfer-Encoding: gzip\r\n\r\nxx");
	expect_refusal(e, fd, 411, "length_required");
}

/* Send all but the last of len bytes of a body, so that they are here and wait. */
static int body_begin(struct env *e, size_t len)
{
	char *zeros = calloc(1, len), head[128];
	int fd = client_open(e);

	snprintf(head, sizeof(head),
		 "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: %zu\r\n\r\n", len);
	client_text(e, fd, head);
	client_send(e, fd, zeros, len - 1);
	for (int i = 0; i < 5; i++)
		env_turn(e);
	free(zeros);
	return fd;
}

static void charges_no_body_that_has_not_come(void **state)
{
	struct env *e = *state;
	struct http_limits limits = env_limits;
	int fd[40];

	limits.bodies = 16 << 20;
	http_server_set_limits(e->server, &limits);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++) {
		fd[i] = client_open(e);
		client_text(
			e, fd[i],
			"POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 1048576\r\n\r\nx");
	}
	for (int i = 0; i < 5; i++)
		env_turn(e);
	close(body_begin(e, 1 << 20));
	for (int i = 0; i < 10; i++)
		request(e, "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 1\r\n\r\nx", NULL);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		close(fd[i]);
}

static void bounds_the_bodies_of_one_user(void **state)
{
	struct env *e = *state;
	struct http_limits limits = env_limits;
	struct buf rest = BUF_INIT;
	struct reply r;
	int fd[3];

	limits.bodies = 8 << 20;
	limits.bodies_per_user = 2 << 20;
	http_server_set_limits(e->server, &limits);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		fd[i] = body_begin(e, 1 << 20);
	reply_read(e, fd[2], &rest, &r);
	assert_error(&r, 429, "queue_full");
	assert_non_null(strstr(r.body.data, "Your requests"));
	assert_string_equal(reply_header(&r, "Retry-After"), "1");
	reply_fini(&r);
	buf_fini(&rest);
	close(fd[2]);
	/* Somebody else has room, for as long a body. */
	if (geteuid() == 0)
		expect_status_as(e, 4321, 1 << 20, 200);
	/* What they held is back once they are gone. */
	close(fd[0]);
	close(fd[1]);
	env_turn_for(e, 5);
	fd[0] = body_begin(e, 1 << 20);
	client_send(e, fd[0], "x", 1);
	reply_read(e, fd[0], &rest, &r);
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	buf_fini(&rest);
	close(fd[0]);
}

/* ---- heads ---------------------------------------------------------------------------------- */

static void refuses_long_heads(void **state)
{
	struct env *e = *state;
	char *name = malloc(100000);

	/* In one piece, and so long that libmicrohttpd has no room for it. */
	for (size_t len = 20000; len < 100000; len += 30000) {
		struct buf text = BUF_INIT;
		int fd = client_open(e);

		memset(name, 'x', len);
		buf_adds(&text, "GET /hello HTTP/1.1\r\nHost: ragd\r\nA: ");
		buf_add(&text, name, len);
		buf_adds(&text, "\r\n\r\n");
		client_send(e, fd, text.data, text.len);
		expect_refusal(e, fd, 431, "headers_too_large");
		buf_fini(&text);
	}
	free(name);
	for (int i = 0; i < 2; i++) {
		struct buf text = BUF_INIT;
		int fd = client_open(e);

		/* Not long, but many. */
		buf_adds(&text, "GET /hello HTTP/1.1\r\nHost: ragd\r\n");
		for (int k = 0; k < 1000; k++)
			buf_adds(&text, "A: b\r\n");
		buf_adds(&text, i == 0 ? "\r\n" : "");
		client_send(e, fd, text.data, text.len);
		expect_refusal(e, fd, 431, "headers_too_large");
		buf_fini(&text);
	}
	assert_alive(e);
}

static void refuses_long_heads_that_come_slowly(void **state)
{
	struct env *e = *state;
	int fd = client_open(e);

	client_text(e, fd, "GET /hello HTTP/1.1\r\nHost: ragd\r\n");
	for (int i = 0; i < 18; i++) {
		char line[1000];

		memset(line, 'a', sizeof(line));
		line[6] = ':';
		memcpy(line + sizeof(line) - 2, "\r\n", 2);
		client_send(e, fd, line, sizeof(line));
		env_turn(e);
	}
	client_text(e, fd, "\r\n");
	expect_refusal(e, fd, 431, "headers_too_large");
}

static void refuses_many_headers_also_later(void **state)
{
	struct env *e = *state;
	struct buf rest = BUF_INIT;

	for (int n = 127; n <= 128; n++) /* and Host */ {
		struct buf text = BUF_INIT;
		struct reply r;
		int fd = client_open(e);

		buf_adds(&text, "GET /hello HTTP/1.1\r\nHost: ragd\r\n");
		for (int i = 0; i < n; i++)
			buf_adds(&text, "A: b\r\n");
		buf_adds(&text, "\r\n");
		if (n == 127) {
			client_send(e, fd, text.data, text.len);
			reply_read(e, fd, &rest, &r);
			assert_int_equal(r.status, 200);
			reply_fini(&r);
			close(fd);
		} else {
			client_text(e, fd, "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n");
			reply_read(e, fd, &rest, &r);
			assert_int_equal(r.status, 200);
			reply_fini(&r);
			client_send(e, fd, text.data, text.len);
			expect_refusal(e, fd, 431, "headers_too_large");
		}
		buf_fini(&text);
	}
	buf_fini(&rest);
}

#define GET   "GET /hello HTTP/1.1\r\nHost: ragd\r\n"
#define POST  "POST /echo HTTP/1.1\r\nHost: ragd\r\n"
#define CHUNK POST "Transfer-Encoding: chunked\r\n\r\n"

/* Whatever it is, whenever it comes, and in however many pieces: an answer of ours, and the end. */
static void answers_what_is_not_http(void **state)
{
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{ "hello\r\n\r\n", 400 },
		{ "\x16\x03\x01 TLS\r\n", 400 },
		{ "GET /hello\r\n\r\n", 400 },
		{ "GET  HTTP/1.1\r\n\r\n", 400 },
		{ "GET /hello HTTP/2.0\r\n\r\n", 505 },
		{ "GET /hello HTTP/1.11\r\n\r\n", 400 },
		{ "GET /a b HTTP/1.1\r\n\r\n", 400 },
		{ "GET\t/hello HTTP/1.1\r\n\r\n", 400 },
		{ "GET /hel\x7flo HTTP/1.1\r\n\r\n", 400 },
		{ "GET /hello HTTP/1.1\nHost: ragd\n\n", 400 },
		{ "GET /hello HTTP/1.1\r\nHost: ragd\n\r\n", 400 },
		{ "GET /hello HTTP/1.1\r\n\r\n", 400 },
		{ GET "Host: ragd\r\n\r\n", 400 },
		{ GET "no colon\r\n\r\n", 400 },
		{ GET ": no name\r\n\r\n", 400 },
		{ GET "A : blank before the colon\r\n\r\n", 400 },
		{ GET " A: blank before the name\r\n\r\n", 400 },
		{ GET "A: b\r\n folded\r\n\r\n", 400 },
		{ GET "A: b\r\n\tfolded\r\n\r\n", 400 },
		{ GET "A: b\rc\r\n\r\n", 400 },
		{ GET "A: \x01\r\n\r\n", 400 },
		{ POST "Content-Length: -1\r\n\r\n", 400 },
		{ POST "Content-Length: +1\r\n\r\nx", 400 },
		{ POST "Content-Length: \r\n\r\n", 400 },
		{ POST "Content-Length: 99999999999999999999\r\n\r\n", 400 },
		{ POST "Content-Length: 0x10\r\n\r\n", 400 },
		{ POST "Content-Length: 1, 1\r\n\r\nx", 400 },
		{ POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400 },
		{ POST "Content-Length: 1\r\ncontent-length: 2\r\n\r\nx", 400 },
		{ POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", 400 },
		{ POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400 },
		{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0", 400 },
		{ "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
		{ CHUNK "x\r\n", 400 },
		{ CHUNK "\r\n", 400 },
		{ CHUNK "-1\r\n", 400 },
		{ CHUNK "0x1\r\n", 400 },
		{ CHUNK " 1\r\na\r\n", 400 },
		{ CHUNK "1 a\r\nb", 400 },
		{ CHUNK "1\na\n0\n\n", 400 },
		{ CHUNK "ffffffffffffffff0\r\n", 400 },
		{ CHUNK "1\r\nabc", 400 },
		{ CHUNK "1\r\na\r\nzz\r\n", 400 },
		{ CHUNK "1\r\na\r\n0\r\nno trailer\r\n\r\n", 400 },
	};
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	struct reply r;

	for (size_t i = 0; i < 4 * ARRAY_LEN(rows); i++) {
		const char *text = rows[i / 4].text;
		size_t half = i % 2 == 0 ? 0 : strlen(text) - 2;
		int fd = client_open(e);

		if (i % 4 == 0)
			print_message("%s\n--\n", text);
		if (i % 4 >= 2) { /* on a connection that was in use */
			client_text(e, fd, GET "\r\n");
			reply_read(e, fd, &rest, &r);
			assert_int_equal(r.status, 200);
			reply_fini(&r);
		}
		client_send(e, fd, text, half);
		env_turn(e);
		client_text(e, fd, text + half);
		expect_refusal(e, fd, rows[i / 4].status, "invalid_value");
	}
	assert_int_equal(e->n_handled, 2 * ARRAY_LEN(rows));
	buf_fini(&rest);
	assert_alive(e);
}

static void refuses_a_nul_in_a_head(void **state)
{
	static const char text[] = GET "A: b\0c\r\n\r\n";
	struct env *e = *state;
	int fd = client_open(e);

	client_send(e, fd, text, sizeof(text) - 1);
	expect_refusal(e, fd, 400, "invalid_value");
}

static void refuses_what_web_pages_send(void **state)
{
	static const struct {
		const char *head;
		int status;
	} rows[] = {
		{ "POST /echo HTTP/1.1\r\nHost: localhost:8080\r\n", 200 },
		{ "POST /echo HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nSec-Fetch-Site: none\r\n", 200 },
		{ "POST /echo HTTP/1.1\r\nHost: evil.example\r\n", 403 },
		{ "POST http://evil.example/echo HTTP/1.1\r\nHost: localhost\r\n", 403 },
		{ POST "Origin: https://evil.example\r\nContent-Type: text/plain\r\n", 403 },
		{ POST "Origin: null\r\n", 403 },
		{ POST "Sec-Fetch-Site: cross-site\r\n", 403 },
		{ POST "Origin: https://chat.example.org\r\n", 200 },
		{ "POST /echo HTTP/1.1\r\nHost: chat.example.org\r\n", 200 },
		{ "POST /echo HTTP/1.0\r\n", 200 },
	};
	static const char *const hosts[] = { "chat.example.org", NULL };
	static const char *const origins[] = { "https://chat.example.org", NULL };
	struct env *e = *state;
	struct http_limits limits = env_limits;
	struct http_stats stats;
	unsigned n_foreign = 0;

	limits.hosts = hosts;
	limits.origins = origins;
	http_server_set_limits(e->server, &limits);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf text = BUF_INIT, rest = BUF_INIT;
		int fd = client_open(e);
		struct reply r;

		print_message("%s\n", rows[i].head);
		buf_printf(&text, "%sContent-Length: 1\r\n\r\nx", rows[i].head);
		client_send(e, fd, text.data, text.len);
		if (rows[i].status == 403) {
			expect_refusal(e, fd, 403, "forbidden");
			n_foreign++;
		} else {
			reply_read(e, fd, &rest, &r);
			assert_int_equal(r.status, rows[i].status);
			reply_fini(&r);
			close(fd);
		}
		buf_fini(&text);
		buf_fini(&rest);
	}
	assert_int_equal(e->n_handled, ARRAY_LEN(rows) - n_foreign);
	http_server_stats(e->server, &stats);
	assert_int_equal(stats.n_foreign, n_foreign);
}

/* ---- connections ---------------------------------------------------------------------------- */

static void refuses_connections_beyond_the_bounds(void **state)
{
	struct env *e = *state;
	struct http_limits limits = env_limits;
	struct http_stats stats;
	int fd[4];

	for (int per_user = 0; per_user < 2; per_user++) {
		limits.connections = per_user ? 100 : 3;
		limits.connections_per_user = per_user ? 3 : 100;
		http_server_set_limits(e->server, &limits);
		for (int i = 0; i < 4; i++) {
			fd[i] = client_open(e);
			env_turn(e);
		}
		/* It is told when it asks, so that it reads the answer. */
		client_text(e, fd[3], "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n");
		expect_refusal(e, fd[3], 429, "too_many_connections");
		http_server_stats(e->server, &stats);
		assert_int_equal(stats.n_connections, 3);
		/* One goes, one may come. */
		close(fd[0]);
		for (int i = 0; i < 5; i++)
			env_turn(e);
		assert_alive(e);
		close(fd[1]);
		close(fd[2]);
		for (int i = 0; i < 5; i++)
			env_turn(e);
		http_server_stats(e->server, &stats);
		assert_int_equal(stats.n_connections, 0);
	}
}

static size_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static void holds_few_refused_connections(void **state)
{
	struct env *e = *state;
	struct http_limits limits = env_limits;
	size_t before = count_descriptors();
	int fd[300];

	limits.connections = 0;
	http_server_set_limits(e->server, &limits);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		fd[i] = client_open(e);
	for (int i = 0; i < 20; i++)
		env_turn(e);
	/* Ours, and those of the server that wait for their request. */
	assert_true(count_descriptors() <= before + ARRAY_LEN(fd) + 65);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		close(fd[i]);
}

static void tells_a_silent_refused_client_after_a_second(void **state)
{
	struct env *e = *state;
	struct http_limits limits = env_limits;
	int64_t began = clock_ms();
	int fd[100];
	char byte;

	limits.connections = 0;
	http_server_set_limits(e->server, &limits);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		fd[i] = client_open(e);
	/* There is room for 64 of them to wait; the others hear at once: in turns, not in time. */
	for (int i = 0; i < 20; i++)
		env_turn(e);
	for (size_t i = 64; i < ARRAY_LEN(fd); i++)
		assert_true(recv(fd[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1);
	for (size_t i = 64; i < ARRAY_LEN(fd); i++)
		expect_refusal(e, fd[i], 429, "too_many_connections");
	for (size_t i = 0; i < 64; i++)
		expect_refusal(e, fd[i], 429, "too_many_connections");
	assert_true(clock_ms() - began >= 900);
}

static void waits_when_descriptors_run_out(void **state)
{
	struct env *e = *state;
	struct rlimit old, few;
	struct buf rest = BUF_INIT;
	struct reply r;
	uint64_t turns = 0;
	int64_t until;
	int fd = client_open(e), next = dup(fd);

	if (getenv("VALGRIND") != NULL) { /* which has a limit of descriptors of its own */
		close(fd);
		close(next);
		skip();
		return;
	}

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	close(next);
	few = old;
	few.rlim_cur = (rlim_t)next;
	client_text(e, fd, "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	/* The listener is readable all the time, and yet the loop does not spin. */
	until = clock_ms() + 150;
	while (clock_ms() < until) {
		uv_run(&e->loop, UV_RUN_ONCE);
		turns++;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_true(turns < 20);
	reply_read(e, fd, &rest, &r);
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	buf_fini(&rest);
	close(fd);
}

/* ---- time ----------------------------------------------------------------------------------- */

static void answers_slow_requests_408(void **state)
{
	static const char *const texts[] = {
		"G",
		"GET /hello HTTP/1.1\r\nHost: ragd\r\nA: b\r\n",
		"POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 10\r\n\r\nabc",
		("POST /echo HTTP/1.1\r\nHost: ragd\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
	};
	struct env *e = *state;
	struct http_limits limits = env_limits;
	struct http_stats stats;
	int fd[ARRAY_LEN(texts)];

	limits.request_timeout_ms = 60;
	http_server_set_limits(e->server, &limits);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		fd[i] = client_open(e);
		client_text(e, fd[i], texts[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		expect_refusal(e, fd[i], 408, "timeout");
	http_server_stats(e->server, &stats);
	assert_int_equal(stats.n_refused, ARRAY_LEN(texts));
	assert_int_equal(e->n_handled, 0);
}

static void counts_from_the_first_byte_of_a_later_request(void **state)
{
	struct env *e = *state;
	struct http_limits limits = env_limits;
	struct buf rest = BUF_INIT;
	struct reply r;
	int fd = client_open(e);

	limits.request_timeout_ms = 60;
	http_server_set_limits(e->server, &limits);
	client_text(e, fd, "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n");
	reply_read(e, fd, &rest, &r);
	reply_fini(&r);
	buf_fini(&rest);
	/* Idle for longer than that is fine. */
	env_turn_for(e, 120);
	client_text(e, fd, "GET /hel");
	expect_refusal(e, fd, 408, "timeout");
}

static void does_not_count_the_handlers_time(void **state)
{
	struct env *e = *state;
	struct http_limits limits = env_limits;
	struct buf rest = BUF_INIT;
	struct reply r;
	int fd = client_open(e);

	client_text(e, fd, "GET /late HTTP/1.1\r\nHost: ragd\r\n\r\n");
	env_wait(e, &e->n_handled, 1);
	/* Only now: a process that is held up before it reads the request is too late for it. */
	limits.request_timeout_ms = limits.idle_timeout_ms = limits.write_timeout_ms = 40;
	http_server_set_limits(e->server, &limits);
	env_turn_for(e, 120);
	assert_int_equal(e->n_gone, 0);
	http_server_set_limits(e->server, &env_limits);
	http_reply(e->kept[0], 200, "text/plain", "late", 4);
	reply_read(e, fd, &rest, &r);
	assert_string_equal(r.body.data, "late");
	reply_fini(&r);
	buf_fini(&rest);
	close(fd);
}

static void closes_idle_connections(void **state)
{
	struct env *e = *state;
	struct http_limits limits = env_limits;
	struct buf rest = BUF_INIT;
	struct reply r;
	int fresh = client_open(e), used = client_open(e);

	client_text(e, used, "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n");
	reply_read(e, used, &rest, &r);
	reply_fini(&r);
	buf_fini(&rest);
	limits.idle_timeout_ms = 60;
	http_server_set_limits(e->server, &limits);
	client_expect_eof(e, fresh);
	client_expect_eof(e, used);
	close(fresh);
	close(used);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)
		TEST(refuses_a_long_body_at_its_head),
		TEST(lets_who_sends_anyway_read_the_refusal),
		TEST(refuses_chunks_beyond_the_bound),
		TEST(refuses_a_huge_chunk),
		TEST(honours_expect_100_continue),
		TEST(keeps_a_connection_whose_short_body_was_for_nothing),
		TEST(refuses_other_codings_than_chunked),
		TEST(charges_no_body_that_has_not_come),
		TEST(bounds_the_bodies_of_one_user),
		TEST(refuses_long_heads),
		TEST(refuses_long_heads_that_come_slowly),
		TEST(refuses_many_headers_also_later),
		TEST(answers_what_is_not_http),
		TEST(refuses_a_nul_in_a_head),
		TEST(refuses_what_web_pages_send),
		TEST(refuses_connections_beyond_the_bounds),
		TEST(holds_few_refused_connections),
		TEST(tells_a_silent_refused_client_after_a_second),
		TEST(waits_when_descriptors_run_out),
		TEST(answers_slow_requests_408),
		TEST(counts_from_the_first_byte_of_a_later_request),
		TEST(does_not_count_the_handlers_time),
		TEST(closes_idle_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
