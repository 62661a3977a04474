#include "http_env.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

const struct http_limits env_limits = {
	.body = 1 << 20,
	.headers = 16384,
	.connections = 2000,
	.connections_per_user = 2000,
	.bodies_per_user = 16 << 20,
	.replies = 64 << 20,
	.replies_per_user = 64 << 20,
	.request_timeout_ms = 60000,
	.idle_timeout_ms = 60000,
	.write_timeout_ms = 60000,
};

/* ---- routes --------------------------------------------------------------------------------- */

static void remember(struct env *e, const struct http_request *req)
{
	e->n_handled++;
	e->last = *req;
	e->last_caller = *req->caller;
	assert_true(req->caller->n_groups <= ARRAY_LEN(e->last_groups));
	if (req->caller->n_groups > 0)
		memcpy(e->last_groups, req->caller->groups,
		       req->caller->n_groups * sizeof(*e->last_groups));
	snprintf(e->last_path, sizeof(e->last_path), "%s", req->path);
	for (size_t i = 0; i < req->n_params; i++)
		snprintf(e->last_param[i], sizeof(e->last_param[i]), "%.*s", (int)req->param[i].len,
			 req->param[i].s);
	e->last_body_len = req->body.len;
	if (req->body.len > 0 && req->body.len < sizeof(e->last_body)) {
		memcpy(e->last_body, req->body.s, req->body.len);
		e->last_body[req->body.len] = '\0';
	}
}

static void hello(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	remember(ctx, req);
	http_reply(x, 200, "text/plain", "hello", 5);
}

static void echo(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	const char *name = http_query(x, "name");

	remember(ctx, req);
	if (name != NULL)
		http_header(x, "X-Name", name);
	http_reply(x, 200, req->content_type, req->body.s, req->body.len);
}

static void take(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	struct http_body body;

	remember(ctx, req);
	http_take_body(x, &body);
	assert_int_equal(req->body.len, 0);
	http_reply(x, 200, "text/plain", body.data, body.len);
	http_body_free(&body);
}

static void gone_cb(struct http_exchange *x, void *arg)
{
	struct env *e = arg;

	e->n_gone++;
	for (size_t i = 0; i < e->n_kept; i++)
		if (e->kept[i] == x)
			e->kept[i] = NULL;
}

static void keep(struct http_exchange *x, const struct http_request *req, struct env *e)
{
	remember(e, req);
	assert_true(e->n_kept < ARRAY_LEN(e->kept));
	e->kept[e->n_kept++] = x;
}

static void late(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	keep(x, req, ctx);
	http_on_gone(x, gone_cb, ctx);
}

/* Does not ask to be told. */
static void deaf(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	keep(x, req, ctx);
}

static void stream(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	keep(x, req, ctx);
	http_on_gone(x, gone_cb, ctx);
	http_stream_start(x, 200, "text/event-stream");
}

static void json(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	remember(ctx, req);
	http_reply(x, 201, "application/json", "{\"n\":4}", 7);
}

static void failing(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	remember(ctx, req);
	http_reply_error(x, 429, "queue_full", "messages", "Wait \"%d\" s.", 7);
}

static void odd(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	remember(ctx, req);
	http_header(x, "X-Odd", "a\r\nX-Evil: 1");
	http_reply(x, 200, "text/plain\r\nX-Evil: 2", "odd", 3);
}

static void broken(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	remember(ctx, req);
	http_reply_error(x, 500, "internal", NULL, "Our fault.");
}

static void failure_cb(const struct http_request *req, int status, struct ragd_str body, void *ctx)
{
	struct env *e = ctx;

	e->n_failures++;
	e->last_failure = status;
	snprintf(e->last_failure_id, sizeof(e->last_failure_id), "%s", req->request_id);
	snprintf(e->last_failure_body, sizeof(e->last_failure_body), "%.*s", (int)body.len, body.s);
}

static void big(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	size_t len = 3 << 20;
	char *body = malloc(len);

	remember(ctx, req);
	for (size_t i = 0; i < len; i++)
		body[i] = (char)('a' + i % 26);
	http_reply(x, 200, "text/plain", body, len);
	free(body);
}

static const struct http_route table[] = {
	{ "GET", "/hello", 0, hello, NULL },
	{ "GET", "/always", HTTP_ROUTE_ALWAYS, hello, NULL },
	{ "POST", "/admin", HTTP_ROUTE_ADMIN, hello, NULL },
	{ "POST", "/echo", 0, echo, NULL },
	{ "POST", "/take", 0, take, NULL },
	{ "GET", "/late", 0, late, NULL },
	{ "GET", "/deaf", 0, deaf, NULL },
	{ "GET", "/stream", 0, stream, NULL },
	{ "GET", "/json", 0, json, NULL },
	{ "GET", "/failing", 0, failing, NULL },
	{ "GET", "/odd", 0, odd, NULL },
	{ "GET", "/broken", 0, broken, NULL },
	{ "GET", "/big", 0, big, NULL },
	{ "GET", "/c/{}", 0, hello, "one" },
	{ "PUT", "/c/{}", 0, echo, NULL },
	{ "GET", "/c/{}/d/{}", 0, hello, "two" },
	{ 0 },
};

static const struct http_route *const routes[] = { table, NULL };

/* ---- the server ----------------------------------------------------------------------------- */

int env_setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ragd_err err = { 0 };
	int fd;

	snprintf(e->dir, sizeof(e->dir), "/tmp/ragd-http-XXXXXX");
	assert_non_null(mkdtemp(e->dir));
	/* Other users shall get in, see the test of HTTP_ROUTE_ADMIN. */
	assert_int_equal(chmod(e->dir, 0755), 0);
	snprintf(e->path, sizeof(e->path), "%s/sock", e->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", e->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(chmod(e->path, 0666), 0);
	assert_int_equal(listen(fd, 1024), 0);
	assert_int_equal(uv_loop_init(&e->loop), 0);
	assert_int_equal(
		http_server_start(&e->loop, &fd, 1, &env_limits, routes, e, &e->server, &err), 0);
	http_server_on_failure(e->server, failure_cb);
	*state = e;
	return 0;
}

static void closed_cb(void *arg)
{
	((struct env *)arg)->closed = true;
}

int env_teardown(void **state)
{
	struct env *e = *state;
	int64_t give_up = clock_ms() + TIMEOUT_MS;

	if (e->server != NULL)
		http_server_stop(e->server, closed_cb, e);
	while (e->server != NULL && !e->closed && clock_ms() < give_up)
		uv_run(&e->loop, UV_RUN_ONCE);
	assert_true(e->server == NULL || e->closed);
	assert_int_equal(uv_loop_close(&e->loop), 0); /* no handle is left */
	unlink(e->path);
	rmdir(e->dir);
	free(e);
	return 0;
}

void env_turn(struct env *e)
{
	uv_run(&e->loop, UV_RUN_NOWAIT);
}

void env_wait(struct env *e, const unsigned *flag, unsigned want)
{
	int64_t give_up = clock_ms() + TIMEOUT_MS;

	while (*flag < want && clock_ms() < give_up)
		env_turn(e);
	assert_true(*flag >= want);
}

void env_turn_for(struct env *e, int ms)
{
	int64_t until = clock_ms() + ms;

	while (clock_ms() < until)
		env_turn(e);
}

/* ---- clients -------------------------------------------------------------------------------- */

int client_open(struct env *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", e->path);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* Wait until fd has `events` or the server has something to do. */
static void both_wait(struct env *e, int fd, short events)
{
	struct pollfd p[2] = { { .fd = fd, .events = events },
			       { .fd = uv_backend_fd(&e->loop), .events = POLLIN } };
	int timeout = uv_backend_timeout(&e->loop);

	poll(p, 2, timeout < 0 || timeout > 100 ? 100 : timeout);
	env_turn(e);
}

void client_send(struct env *e, int fd, const void *data, size_t len)
{
	int64_t give_up = clock_ms() + TIMEOUT_MS;
	const char *p = data;

	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EPIPE)
			return; /* refused before all of it was there */
		assert_true(n > 0 || errno == EAGAIN);
		assert_true(clock_ms() < give_up);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else {
			both_wait(e, fd, POLLOUT);
		}
	}
}

void client_text(struct env *e, int fd, const char *text)
{
	client_send(e, fd, text, strlen(text));
}

size_t client_recv(struct env *e, int fd, struct buf *into)
{
	int64_t give_up = clock_ms() + TIMEOUT_MS;
	char data[16384];

	for (;;) {
		ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

		if (n > 0)
			buf_add(into, data, (size_t)n);
		if (n >= 0 || errno == ECONNRESET)
			return n > 0 ? (size_t)n : 0;
		assert_int_equal(errno, EAGAIN);
		assert_true(clock_ms() < give_up);
		both_wait(e, fd, POLLIN);
	}
}

void client_expect_eof(struct env *e, int fd)
{
	struct buf b = BUF_INIT;

	assert_int_equal(client_recv(e, fd, &b), 0);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

const char *reply_header(struct reply *r, const char *name)
{
	static char value[256];
	size_t len = strlen(name);

	for (const char *line = strstr(r->head, "\r\n"); line != NULL;
	     line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':')
			continue;
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(line + len + 4, "\r"),
			 line + len + 4);
		return value;
	}
	return "";
}

/* Grow rest until it has n bytes. */
static void need(struct env *e, int fd, struct buf *rest, size_t n)
{
	while (rest->len < n)
		assert_true(client_recv(e, fd, rest) > 0);
}

static void line_take(struct env *e, int fd, struct buf *rest, char *line, size_t size)
{
	char *end;

	while (rest->data == NULL || (end = strstr(rest->data, "\r\n")) == NULL)
		assert_true(client_recv(e, fd, rest) > 0);
	snprintf(line, size, "%.*s", (int)(end - rest->data), rest->data);
	buf_consume(rest, (size_t)(end - rest->data) + 2);
}

static void chunks_read(struct env *e, int fd, struct buf *rest, struct reply *r)
{
	char line[64];
	size_t len;

	do {
		line_take(e, fd, rest, line, sizeof(line));
		len = strtoul(line, NULL, 16);
		need(e, fd, rest, len + 2);
		buf_add(&r->body, rest->data, len);
		assert_memory_equal(rest->data + len, "\r\n", 2);
		buf_consume(rest, len + 2);
	} while (len > 0);
}

void reply_read_head(struct env *e, int fd, struct buf *rest, struct reply *r)
{
	char *end;

	memset(r, 0, sizeof(*r));
	while (rest->data == NULL || (end = strstr(rest->data, "\r\n\r\n")) == NULL)
		assert_true(client_recv(e, fd, rest) > 0);
	end += 4;
	assert_true((size_t)(end - rest->data) < sizeof(r->head));
	memcpy(r->head, rest->data, (size_t)(end - rest->data));
	buf_consume(rest, (size_t)(end - rest->data));
	assert_int_equal(sscanf(r->head, "HTTP/1.%*d %d", &r->status), 1);
	r->chunked = strcmp(reply_header(r, "Transfer-Encoding"), "chunked") == 0;
	r->close = strcasecmp(reply_header(r, "Connection"), "close") == 0;
}

void reply_read(struct env *e, int fd, struct buf *rest, struct reply *r)
{
	size_t len;

	reply_read_head(e, fd, rest, r);
	if (r->status == 100)
		return;
	if (r->chunked) {
		chunks_read(e, fd, rest, r);
		return;
	}
	assert_string_not_equal(reply_header(r, "Content-Length"), "");
	len = strtoul(reply_header(r, "Content-Length"), NULL, 10);
	need(e, fd, rest, len);
	buf_add(&r->body, rest->data, len);
	buf_consume(rest, len);
}

void reply_fini(struct reply *r)
{
	buf_fini(&r->body);
}

void request(struct env *e, const char *text, struct reply *r)
{
	struct buf rest = BUF_INIT;
	struct reply own;
	int fd = client_open(e);

	client_text(e, fd, text);
	reply_read(e, fd, &rest, r != NULL ? r : &own);
	assert_int_equal(rest.len, 0);
	if (r == NULL) {
		assert_int_equal(own.status, 200);
		reply_fini(&own);
	}
	buf_fini(&rest);
	close(fd);
}
