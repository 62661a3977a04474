/*
 * The request path: the real server on a real socket gets the input as a client's bytes. The first
 * byte says how they are cut into pieces and how the client ends; the loop turns between pieces.
 * Whatever comes, the server neither crashes nor keeps anything, the first reply is one of ours,
 * and handlers get what http.h promises. The parsers alone say of the same bytes the same in one
 * piece and in many.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text/utf8.h"
#include "base/util.h"
#include "ipc/http/http.h"
#include "ipc/http/syntax/http_chunk.h"
#include "ipc/http/syntax/http_head.h"
#include "ipc/http/syntax/http_site.h"
#include "tests/fuzz/fuzz.h"

#define KEPT_MAX 256
#define BODY_MAX 2048

static uv_loop_t loop;
static struct http_server *server;
static struct sockaddr_un addr;
static socklen_t addr_len;
static struct http_exchange *kept[KEPT_MAX];
static size_t n_kept;

static void judge(struct http_exchange *x, const struct http_request *req)
{
	const char *name = http_query(x, "name");

	CHECK(req->path[0] == '/');
	CHECK(req->body.len <= BODY_MAX);
	CHECK(strlen(req->request_id) > 4);
	for (size_t i = 0; i < req->n_params; i++) {
		CHECK(req->param[i].len > 0);
		CHECK(utf8_invalid_at(req->param[i].s, req->param[i].len) < 0);
		CHECK(memchr(req->param[i].s, '\0', req->param[i].len) == NULL);
	}
	CHECK(name == NULL || utf8_invalid_at(name, strlen(name)) < 0);
}

static void now(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	(void)ctx;
	judge(x, req);
	http_reply(x, 200, "text/plain", req->body.s, req->body.len);
}

static void gone_cb(struct http_exchange *x, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < n_kept; i++)
		if (kept[i] == x)
			kept[i] = NULL;
}

static void late(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	(void)ctx;
	judge(x, req);
	if (n_kept == KEPT_MAX) {
		http_reply_error(x, 429, "queue_full", NULL, "full");
		return;
	}
	if (req->path[1] != 'd')
		http_on_gone(x, gone_cb, NULL);
	kept[n_kept++] = x;
}

static void stream(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	(void)ctx;
	judge(x, req);
	http_stream_start(x, 200, "text/event-stream");
	http_stream_write(x, "data: 1\n\n", 9);
	http_stream_write(x, "data: 2\n\n", 9);
	http_stream_end(x);
}

static const struct http_route table[] = {
	{ "GET", "/n", 0, now, NULL },
	{ "POST", "/n", 0, now, NULL },
	{ "PUT", "/n/{}", 0, now, NULL },
	{ "GET", "/n/{}/d/{}", 0, now, NULL },
	{ "GET", "/l", 0, late, NULL },
	{ "POST", "/l", 0, late, NULL },
	{ "GET", "/d", 0, late, NULL },
	{ "GET", "/s", 0, stream, NULL },
	{ "POST", "/a", HTTP_ROUTE_ADMIN, now, NULL },
	{ 0 },
};

static const struct http_route *const routes[] = { table, NULL };

static void start(void)
{
	static const struct http_limits limits = {
		.body = BODY_MAX,
		.headers = 1024,
		.connections = 100,
		.connections_per_user = 100,
		.replies = 1 << 20,
		.request_timeout_ms = 60000,
		.idle_timeout_ms = 60000,
		.write_timeout_ms = 60000,
	};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ragd_err err = { 0 };

	/* A name of the kernel's choice that no file system knows. */
	addr.sun_family = AF_UNIX;
	addr_len = sizeof(addr);
	CHECK(bind(fd, (struct sockaddr *)&addr, sizeof(addr.sun_family)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&addr, &addr_len) == 0);
	CHECK(listen(fd, 16) == 0);
	CHECK(uv_loop_init(&loop) == 0);
	CHECK(http_server_start(&loop, &fd, 1, &limits, routes, NULL, &server, &err) == 0);
}

/* Answer what waits; the next request of the connection may follow from it. */
static void answer_kept(void)
{
	size_t n = n_kept;

	n_kept = 0;
	for (size_t i = 0; i < n; i++)
		if (kept[i] != NULL)
			http_reply(kept[i], 200, "text/plain", "late", 4);
}

/* What the server sent; false once it has closed. */
static bool replies_read(int fd, size_t *have, char *begin, size_t size)
{
	static char data[65536];

	for (;;) {
		ssize_t n = recv(fd, data, sizeof(data), MSG_DONTWAIT);

		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		if (*have < size)
			memcpy(begin + *have, data, MIN((size_t)n, size - *have));
		*have += (size_t)n;
	}
}

/* ---- the parsers alone ----------------------------------------------------------------------- */

static enum http_head_result head_of(const char *text, size_t len, size_t piece, size_t *head_len)
{
	struct http_head_scan s = { .line = 0 };
	enum http_head_result result = HTTP_HEAD_MORE;

	for (size_t n = 0; result == HTTP_HEAD_MORE && n < len;) {
		n = MIN(n + piece, len);
		result = http_head_scan(&s, text, n, 1024);
	}
	*head_len = s.len;
	return result;
}

static void head_check(const char *text, size_t len, size_t piece)
{
	size_t whole, cut;
	enum http_head_result result = head_of(text, len, len, &whole);
	struct http_head h;
	const char *why;
	char *copy;

	CHECK(head_of(text, len, piece, &cut) == result && cut == whole);
	if (result != HTTP_HEAD_OK)
		return;
	copy = malloc(whole + 1);
	memcpy(copy, text, whole);
	if (http_head_split(copy, whole, &h, &why) == HTTP_HEAD_OK) {
		const struct http_site site = { .host = http_head_field(&h, "Host"),
						.target = h.target,
						.origin = http_head_field(&h, "Origin") };

		CHECK(why == NULL && h.method[0] != '\0' && h.target[0] != '\0');
		CHECK(h.n_fields <= HTTP_FIELDS_MAX && !(h.chunked && h.length > 0));
		CHECK(site.origin == NULL || http_site_check(&site, NULL, NULL) != HTTP_SITE_OK);
	}
	free(copy);
}

/* The bytes of content by their sum, which is enough to tell two readings apart. */
static enum http_chunk_result chunks_of(const char *text, size_t len, size_t piece, size_t *used,
					uint64_t *sum)
{
	struct http_chunks c = { .left = 0 };
	enum http_chunk_result result = HTTP_CHUNK_MORE;

	*used = *sum = 0;
	while (*used < len && result != HTTP_CHUNK_END && result != HTTP_CHUNK_BAD) {
		size_t n = 0, got = 0, room = MIN(piece - *used % piece, len - *used);

		result = http_chunk_take(&c, text + *used, room, &n, &got);
		if (result == HTTP_CHUNK_BAD)
			return result;
		CHECK(n > 0 && n <= room && got <= n);
		for (size_t i = n - got; result == HTTP_CHUNK_PIECE && i < n; i++)
			*sum = *sum * 31 + (unsigned char)text[*used + i];
		*used += n;
	}
	/* Where content ends between two pieces is no difference. */
	return result == HTTP_CHUNK_PIECE ? HTTP_CHUNK_MORE : result;
}

static void chunks_check(const char *text, size_t len, size_t piece)
{
	size_t whole, cut;
	uint64_t sum, cut_sum;
	enum http_chunk_result result = chunks_of(text, len, len, &whole, &sum);

	CHECK(chunks_of(text, len, piece, &cut, &cut_sum) == result && cut_sum == sum);
	CHECK(result == HTTP_CHUNK_BAD || cut == whole);
}

/* ---- the server ------------------------------------------------------------------------------ */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_stats stats;
	char begin[2048] = { 0 };
	size_t piece, have = 0;
	bool open = true;
	int fd;

	if (size < 2)
		return 0;
	if (server == NULL)
		start();
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(connect(fd, (struct sockaddr *)&addr, addr_len) == 0);
	/* In 1 to 8 pieces. */
	piece = (size - 1) / (1 + data[0] % 8) + 1;
	head_check((const char *)data + 1, size - 1, piece);
	chunks_check((const char *)data + 1, size - 1, 1 + data[0] % 8);
	for (size_t at = 1; open && at < size; at += piece) {
		if (send(fd, data + at, MIN(piece, size - at), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		uv_run(&loop, UV_RUN_NOWAIT);
		uv_run(&loop, UV_RUN_NOWAIT);
		if (data[0] & 16)
			answer_kept();
		open = replies_read(fd, &have, begin, sizeof(begin) - 1);
	}
	if (data[0] & 32)
		shutdown(fd, SHUT_WR);
	for (int turn = 0; open && turn < 8; turn++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		answer_kept();
		open = replies_read(fd, &have, begin, sizeof(begin) - 1);
	}
	CHECK(have == 0 || memcmp(begin, "HTTP/1.1 ", MIN(have, 9)) == 0);
	CHECK(have < 1024 || begin[9] < '4' || strstr(begin, "X-Request-Id: req-") != NULL);
	close(fd);
	for (int turn = 0; turn < 4; turn++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		answer_kept();
	}
	http_server_stats(server, &stats);
	CHECK(stats.n_connections == 0 && stats.n_exchanges == 0);
	return 0;
}
