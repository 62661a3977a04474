/* Requests and replies. */
#include "http_env.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

static void answers_and_keeps_the_connection(void **state)
{
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	int fd = client_open(e);
	struct reply r;
	char id[64];

	for (int i = 0; i < 3; i++) {
		client_text(e, fd, "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n");
		reply_read(e, fd, &rest, &r);
		assert_int_equal(r.status, 200);
		assert_false(r.close);
		assert_string_equal(r.body.data, "hello");
		assert_string_equal(reply_header(&r, "Content-Type"), "text/plain");
		assert_memory_equal(reply_header(&r, "X-Request-Id"), "req-", 4);
		if (i > 0)
			assert_string_not_equal(reply_header(&r, "X-Request-Id"), id);
		snprintf(id, sizeof(id), "%s", reply_header(&r, "X-Request-Id"));
		assert_int_equal(
			strspn(id + 4,
			       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
			strlen(id) - 4);
		reply_fini(&r);
	}
	assert_int_equal(e->last.pid, getpid());
	assert_int_equal(e->last_caller.uid, getuid());
	assert_true(e->last_caller.admin);
	close(fd);
	buf_fini(&rest);
}

static void answers_pipelined_requests_in_order(void **state)
{
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	int fd = client_open(e);
	struct reply r;

	client_text(e, fd,
		    "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 3\r\n\r\none"
		    "GET /late HTTP/1.1\r\nHost: ragd\r\n\r\n"
		    "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 5\r\n\r\nthree");
	reply_read(e, fd, &rest, &r);
	assert_string_equal(r.body.data, "one");
	reply_fini(&r);
	env_wait(e, &e->n_handled, 2);
	/* The third is there and is not taken for the client's end. */
	for (int i = 0; i < 10; i++)
		env_turn(e);
	assert_int_equal(e->n_gone, 0);
	assert_int_equal(e->n_handled, 2);
	http_reply(e->kept[0], 200, "text/plain", "two", 3);
	reply_read(e, fd, &rest, &r);
	assert_string_equal(r.body.data, "two");
	reply_fini(&r);
	reply_read(e, fd, &rest, &r);
	assert_string_equal(r.body.data, "three");
	reply_fini(&r);
	close(fd);
	buf_fini(&rest);
}

static void takes_bodies_with_length_in_chunks_and_byte_by_byte(void **state)
{
	static const char chunked[] =
		"POST /echo HTTP/1.1\r\nHost: ragd\r\nTransfer-Encoding: chunked\r\n"
		"Content-Type: Text/Plain; charset=utf-8\r\n\r\n"
		"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\n\r\n";
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	struct reply r;
	int fd = client_open(e);

	request(e, chunked, &r);
	assert_string_equal(r.body.data, "abcdefg");
	assert_string_equal(reply_header(&r, "Content-Type"), "text/plain");
	reply_fini(&r);
	for (size_t i = 0; i < sizeof(chunked) - 1; i++) {
		client_send(e, fd, chunked + i, 1);
		env_turn(e);
	}
	reply_read(e, fd, &rest, &r);
	assert_string_equal(r.body.data, "abcdefg");
	reply_fini(&r);
	close(fd);
	buf_fini(&rest);
}

static void gives_the_body_away(void **state)
{
	struct env *e = *state;
	struct reply r;

	request(e, "POST /take HTTP/1.1\r\nHost: ragd\r\nContent-Length: 4\r\n\r\nmine", &r);
	assert_string_equal(r.body.data, "mine");
	reply_fini(&r);
	request(e, "POST /take HTTP/1.1\r\nHost: ragd\r\nContent-Length: 0\r\n\r\n", &r);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body.len, 0);
	reply_fini(&r);
}

static void takes_a_big_body_whole(void **state)
{
	struct env *e = *state;
	struct buf body = BUF_INIT, rest = BUF_INIT;
	size_t len = (1 << 20);
	int fd = client_open(e);
	struct reply r;

	for (size_t i = 0; i < len; i++)
		buf_addc(&body, (char)(i * 7 + i / 251));
	client_text(e, fd, "POST /echo HTTP/1.1\r\nHost: ragd\r\nContent-Length: 1048576\r\n\r\n");
	client_send(e, fd, body.data, len);
	reply_read(e, fd, &rest, &r);
	assert_int_equal(r.body.len, len);
	assert_memory_equal(r.body.data, body.data, len);
	reply_fini(&r);
	buf_fini(&body);
	buf_fini(&rest);
	close(fd);
}

static void finds_routes_by_raw_segments(void **state)
{
	static const struct {
		const char *name, *line;
		int status;
		const char *p0, *p1;
	} rows[] = {
		{ "one", "GET /c/abc", 200, "abc", "" },
		{ "two", "GET /c/abc/d/x.rst", 200, "abc", "x.rst" },
		{ "an encoded slash stays in its segment", "GET /c/a/d/x%2Fy%2fz", 200, "a",
		  "x/y/z" },
		{ "a plus is a plus", "GET /c/a+b", 200, "a+b", "" },
		{ "an encoded percent", "GET /c/%2525", 200, "%25", "" },
		{ "UTF-8", "GET /c/%C3%A9", 200, "\xc3\xa9", "" },
		{ "a literal may be encoded", "GET /%63/abc", 200, "abc", "" },
		{ "whole URL", "GET http://localhost/c/abc", 200, "abc", "" },
		{ "query", "GET /c/abc?x=%2F", 200, "abc", "" },
		{ "empty segment", "GET /c/", 404, "", "" },
		{ "empty segment in the middle", "GET /c//d/x", 404, "", "" },
		{ "slash at the end", "GET /hello/", 404, "", "" },
		{ "nothing there", "GET /nothing", 404, "", "" },
		{ "root", "GET /", 404, "", "" },
		{ "star", "OPTIONS *", 404, "", "" },
		{ "too deep", "GET /a/b/c/d/e/f/g/h/i/j/k", 404, "", "" },
		{ "NUL", "GET /c/a%00b", 400, "", "" },
		{ "half an escape", "GET /c/a%2", 400, "", "" },
		{ "no escape", "GET /c/a%zz", 400, "", "" },
		{ "invalid UTF-8", "GET /c/a%ff", 400, "", "" },
		{ "surrogate", "GET /c/%ED%A0%80", 400, "", "" },
		{ "NUL in the query", "GET /c/a?x=%00", 400, "", "" },
		{ "invalid UTF-8 in the query", "GET /c/a?x=%ff", 400, "", "" },
		{ "another method", "DELETE /c/a", 405, "", "" },
		{ "a method nobody knows", "FROB /c/a", 405, "", "" },
	};
	struct env *e = *state;
	char text[256];
	struct reply r;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("%s\n", rows[i].name);
		memset(e->last_param, 0, sizeof(e->last_param));
		snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: ragd\r\n\r\n", rows[i].line);
		request(e, text, &r);
		assert_int_equal(r.status, rows[i].status);
		if (r.status == 200) {
			assert_string_equal(e->last_param[0], rows[i].p0);
			assert_string_equal(e->last_param[1], rows[i].p1);
			assert_string_equal(e->last.arg, rows[i].p1[0] == '\0' ? "one" : "two");
		} else {
			assert_string_equal(reply_header(&r, "Content-Type"), "application/json");
			assert_non_null(strstr(r.body.data, "\"message\":\""));
		}
		if (r.status == 405)
			assert_string_equal(reply_header(&r, "Allow"), "GET, HEAD, PUT");
		reply_fini(&r);
	}
}

static void decodes_the_query(void **state)
{
	struct env *e = *state;
	struct reply r;

	request(e,
		"POST /echo?a=b&name=x%20%26+y&name=2 HTTP/1.1\r\nHost: ragd\r\nContent-Length: "
		"0\r\n\r\n",
		&r);
	assert_string_equal(reply_header(&r, "X-Name"), "x & y");
	reply_fini(&r);
	request(e, "POST /echo?other=1 HTTP/1.1\r\nHost: ragd\r\nContent-Length: 0\r\n\r\n", &r);
	assert_string_equal(reply_header(&r, "X-Name"), "");
	reply_fini(&r);
}

static void answers_head_without_a_body(void **state)
{
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	int fd = client_open(e);
	struct reply r;

	client_text(e, fd,
		    "HEAD /hello HTTP/1.1\r\nHost: ragd\r\n\r\nGET /hello HTTP/1.1\r\nHost: "
		    "ragd\r\n\r\n");
	reply_read_head(e, fd, &rest, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(reply_header(&r, "Content-Length"), "5");
	reply_fini(&r);
	reply_read(e, fd, &rest, &r); /* the next begins at once */
	assert_string_equal(r.body.data, "hello");
	reply_fini(&r);
	buf_fini(&rest);
	close(fd);
}

static void speaks_http_1_0(void **state)
{
	struct env *e = *state;
	struct buf rest = BUF_INIT;
	int fd = client_open(e);
	struct reply r;

	client_text(e, fd, "GET /hello HTTP/1.0\r\n\r\n");
	reply_read(e, fd, &rest, &r);
	assert_string_equal(r.body.data, "hello");
	client_expect_eof(e, fd);
	reply_fini(&r);
	buf_fini(&rest);
	close(fd);
}

static void replies_json_and_errors_in_one_shape(void **state)
{
	struct env *e = *state;
	struct reply r;

	request(e, "GET /json HTTP/1.1\r\nHost: ragd\r\n\r\n", &r);
	assert_int_equal(r.status, 201);
	assert_string_equal(r.body.data, "{\"n\":4}");
	assert_string_equal(reply_header(&r, "Content-Type"), "application/json");
	reply_fini(&r);
	request(e, "GET /failing HTTP/1.1\r\nHost: ragd\r\n\r\n", &r);
	assert_int_equal(r.status, 429);
	assert_string_equal(
		r.body.data,
		"{\"error\":{\"code\":\"queue_full\",\"type\":\"invalid_request_error\","
		"\"message\":\"Wait \\\"7\\\" s.\",\"param\":\"messages\"}}");
	assert_string_equal(reply_header(&r, "Retry-After"), "1");
	reply_fini(&r);
}

static void lets_no_value_begin_a_line(void **state)
{
	struct env *e = *state;
	struct reply r;

	request(e, "GET /odd HTTP/1.1\r\nHost: ragd\r\n\r\n", &r);
	assert_string_equal(r.body.data, "odd");
	assert_string_equal(reply_header(&r, "X-Evil"), "");
	assert_string_equal(reply_header(&r, "X-Odd"), "");
	reply_fini(&r);
}

static void tells_of_its_own_failures(void **state)
{
	struct env *e = *state;
	struct reply r;

	request(e, "GET /failing HTTP/1.1\r\nHost: ragd\r\n\r\n", &r);
	reply_fini(&r);
	assert_int_equal(e->n_failures, 0);
	request(e, "GET /broken HTTP/1.1\r\nHost: ragd\r\n\r\n", &r);
	assert_int_equal(r.status, 500);
	assert_int_equal(e->n_failures, 1);
	assert_int_equal(e->last_failure, 500);
	assert_non_null(strstr(e->last_failure_body, "Our fault."));
	assert_string_equal(reply_header(&r, "X-Request-Id"), e->last_failure_id);
	reply_fini(&r);
}

static void sends_a_long_body_whole(void **state)
{
	struct env *e = *state;
	struct reply r;

	request(e, "GET /big HTTP/1.1\r\nHost: ragd\r\n\r\n", &r);
	assert_int_equal(r.body.len, 3 << 20);
	for (size_t i = 0; i < r.body.len; i++)
		assert_int_equal(r.body.data[i], 'a' + i % 26);
	reply_fini(&r);
}

/* In a child that became uid with n groups 1000, 1001, …: the status of the request, or -1. */
static int status_as(const char *path, uid_t uid, size_t n, const char *text)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), status;
	gid_t groups[200];
	char reply[512];
	ssize_t len;

	for (size_t i = 0; i < n; i++)
		groups[i] = (gid_t)(1000 + i);
	if (setgroups(n, groups) < 0 || setgid(uid) < 0 || setuid(uid) < 0)
		return -1;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    send(fd, text, strlen(text), 0) < 0)
		return -1;
	len = recv(fd, reply, sizeof(reply) - 1, 0);
	if (len <= 0)
		return -1;
	reply[len] = '\0';
	return sscanf(reply, "HTTP/1.1 %d", &status) == 1 ? status : -1;
}

static void expect_status_as(struct env *e, uid_t uid, size_t n_groups, const char *text, int want)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(status_as(e->path, uid, n_groups, text) == want ? 0 : 1);
	while (waitpid(child, &status, WNOHANG) == 0)
		env_turn(e);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void lets_only_admins_into_admin_routes(void **state)
{
	struct env *e = *state;
	struct reply r;

	request(e, "POST /admin HTTP/1.1\r\nHost: ragd\r\nContent-Length: 0\r\n\r\n", &r);
	assert_int_equal(r.status, 200);
	reply_fini(&r);
	if (geteuid() != 0) {
		print_message("not root: cannot become somebody else\n");
		skip();
	}
	/* Whatever a header says. */
	expect_status_as(
		e, 65534, 0,
		"POST /admin HTTP/1.1\r\nHost: ragd\r\nX-Uid: 0\r\nContent-Length: 0\r\n\r\n", 403);
	assert_int_equal(e->n_handled, 1);
}

static void knows_a_clients_user_and_groups(void **state)
{
	static const size_t counts[] = { 0, 1, 32, 33, 200 };
	struct env *e = *state;

	if (geteuid() != 0) {
		print_message("not root: cannot become somebody else\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		expect_status_as(e, 4321, counts[i], "GET /hello HTTP/1.1\r\nHost: ragd\r\n\r\n",
				 200);
		assert_int_equal(e->last_caller.uid, 4321);
		assert_int_equal(e->last_caller.gid, 4321);
		assert_false(e->last_caller.admin);
		assert_int_equal(e->last_caller.n_groups, counts[i]);
		for (size_t k = 0; k < counts[i]; k++)
			assert_int_equal(e->last_groups[k], 1000 + k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)
		TEST(answers_and_keeps_the_connection),
		TEST(answers_pipelined_requests_in_order),
		TEST(takes_bodies_with_length_in_chunks_and_byte_by_byte),
		TEST(gives_the_body_away),
		TEST(takes_a_big_body_whole),
		TEST(finds_routes_by_raw_segments),
		TEST(decodes_the_query),
		TEST(answers_head_without_a_body),
		TEST(speaks_http_1_0),
		TEST(replies_json_and_errors_in_one_shape),
		TEST(lets_no_value_begin_a_line),
		TEST(tells_of_its_own_failures),
		TEST(sends_a_long_body_whole),
		TEST(lets_only_admins_into_admin_routes),
		TEST(knows_a_clients_user_and_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
