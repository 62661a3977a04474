/*
 * The HTTP server against what the machine can do: each row is measured beside a bare echo server
 * of the same shape (one thread, epoll, AF_UNIX, the same number of bytes both ways) under the same
 * load generator, in the same run.
 *
 *     bench_http [SECONDS]      of each measurement, default 1
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "ipc/http/http.h"
#include "tests/bench/order.h"

#define CLIENTS_MAX 64
#define REPLY_LEN   120 /* of the body */

static const char request_text[] =
	"POST /v1/answer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n"
	"{\"messages\":[{\"role\":\"user\",\"c\":\"abc\"}]}";
static char dir[64];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int listen_at(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", dir, name);
	unlink(addr.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 4096) < 0)
		die(addr.sun_path);
	return fd;
}

static int connect_to(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", dir, name);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die(addr.sun_path);
	return fd;
}

static double thread_cpu_s(pthread_t thread)
{
	struct timespec ts;
	clockid_t id;

	pthread_getcpuclockid(thread, &id);
	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- the echo server ------------------------------------------------------------------------ */

static size_t echo_len; /* bytes of a reply: as many as HTTP's */

static void *echo_main(void *arg)
{
	int listen_fd = *(int *)arg, set = epoll_create1(0), fd;
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = listen_fd }, got[64];
	char in[4096], *out = calloc(1, echo_len);

	epoll_ctl(set, EPOLL_CTL_ADD, listen_fd, &ev);
	for (;;) {
		int n = epoll_wait(set, got, 64, -1);

		for (int i = 0; i < n; i++) {
			fd = got[i].data.fd;
			if (fd == listen_fd) {
				ev.data.fd = accept(listen_fd, NULL, NULL);
				epoll_ctl(set, EPOLL_CTL_ADD, ev.data.fd, &ev);
			} else if (recv(fd, in, sizeof(in), 0) <= 0) {
				close(fd);
			} else if (send(fd, out, echo_len, MSG_NOSIGNAL) < 0) {
				close(fd);
			}
		}
	}
	return NULL;
}

/* ---- the HTTP server ------------------------------------------------------------------------ */

struct waiting {
	struct http_exchange *x;
	struct waiting *next;
};

static struct http_server *server;
static uv_async_t stop_async;
static uv_check_t check;
static struct waiting *waiting; /* answered when the loop has looked at everything */
static char reply_body[REPLY_LEN];

static void answer_now(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	(void)req;
	(void)ctx;
	http_reply(x, 200, "application/json", reply_body, sizeof(reply_body));
}

/* As the flow does: the handler returns, the answer comes from another callback. */
static void answer_later(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	struct waiting *w = malloc(sizeof(*w));

	(void)req;
	(void)ctx;
	w->x = x;
	w->next = waiting;
	waiting = w;
	uv_async_send(&stop_async); /* any wake-up will do */
}

static void answer_stream(struct http_exchange *x, const struct http_request *req, void *ctx)
{
	(void)req;
	(void)ctx;
	http_stream_start(x, 200, "text/event-stream");
	for (int i = 0; i < 10; i++)
		http_stream_write(x, reply_body, sizeof(reply_body));
	http_stream_end(x);
}

static const struct http_route table[] = {
	{ "POST", "/v1/answer", 0, answer_now, NULL },
	{ "POST", "/v1/laters", 0, answer_later, NULL },
	{ "POST", "/v1/stream", 0, answer_stream, NULL },
	{ 0 },
};

static const struct http_route *const routes[] = { table, NULL };

static void check_cb(uv_check_t *handle)
{
	struct waiting *w, *next;

	(void)handle;
	for (w = waiting; w != NULL; w = next) {
		next = w->next;
		http_reply(w->x, 200, "application/json", reply_body, sizeof(reply_body));
		free(w);
	}
	waiting = NULL;
}

static bool stopping;

static void stop_cb(uv_async_t *async)
{
	if (!stopping)
		return;
	http_server_stop(server, NULL, NULL);
	uv_close((uv_handle_t *)async, NULL);
	uv_close((uv_handle_t *)&check, NULL);
}

static void *http_main(void *arg)
{
	static const struct http_limits limits = {
		.body = 1 << 20,
		.headers = 16384,
		.connections = 4000,
		.connections_per_user = 4000,
		.replies = 64 << 20,
		.request_timeout_ms = 60000,
		.idle_timeout_ms = 60000,
		.write_timeout_ms = 60000,
	};
	struct ragd_err err;
	uv_loop_t *loop = arg;

	if (http_server_start(loop, (int[]){ listen_at("http") }, 1, &limits, routes, NULL, &server,
			      &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		exit(1);
	}
	uv_async_init(loop, &stop_async, stop_cb);
	uv_check_init(loop, &check);
	uv_check_start(&check, check_cb);
	uv_run(loop, UV_RUN_DEFAULT);
	return NULL;
}

/* ---- load ----------------------------------------------------------------------------------- */

struct result {
	double per_s;
	double p50_us, p99_us;
	double cpu_us; /* of the server's thread, for one request */
};

/* Read a reply until want bytes, or (want 0) until it ends a chunked body. */
static bool reply_done(int fd, size_t want, size_t *have)
{
	static char data[65536];
	ssize_t n = recv(fd, data, sizeof(data), 0);

	if (n <= 0)
		die("a reply was lost");
	*have += (size_t)n;
	return want != 0 ? *have >= want : n >= 5 && memcmp(data + n - 5, "0\r\n\r\n", 5) == 0;
}

/* n clients, each of which asks again when it was answered. */
static struct result load(const char *name, int n, const char *text, size_t want, double seconds,
			  pthread_t thread)
{
	int set = epoll_create1(0), fd[CLIENTS_MAX];
	int64_t sent[CLIENTS_MAX], began, until;
	size_t have[CLIENTS_MAX] = { 0 }, count = 0, cap = 1 << 20, len = strlen(text);
	double *took = malloc(cap * sizeof(*took)), cpu;
	struct epoll_event got[CLIENTS_MAX];
	struct result r;

	for (int i = 0; i < n; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u32 = (uint32_t)i };

		fd[i] = connect_to(name);
		epoll_ctl(set, EPOLL_CTL_ADD, fd[i], &ev);
	}
	cpu = thread_cpu_s(thread);
	began = clock_us();
	until = began + (int64_t)(seconds * 1e6);
	for (int i = 0; i < n; i++) {
		sent[i] = clock_us();
		if (send(fd[i], text, len, MSG_NOSIGNAL) < 0)
			die("send");
	}
	while (clock_us() < until) {
		int ready = epoll_wait(set, got, CLIENTS_MAX, 1000);

		for (int k = 0; k < ready; k++) {
			uint32_t i = got[k].data.u32;

			if (!reply_done(fd[i], want, &have[i]))
				continue;
			have[i] = 0;
			if (count < cap)
				took[count++] = (double)(clock_us() - sent[i]);
			sent[i] = clock_us();
			if (send(fd[i], text, len, MSG_NOSIGNAL) < 0)
				die("send");
		}
	}
	r.per_s = (double)count / ((double)(clock_us() - began) / 1e6);
	r.cpu_us = (thread_cpu_s(thread) - cpu) * 1e6 / (double)count;
	qsort(took, count, sizeof(*took), order_double);
	r.p50_us = took[count / 2];
	r.p99_us = took[count * 99 / 100];
	free(took);
	for (int i = 0; i < n; i++)
		close(fd[i]);
	close(set);
	return r;
}

static void row(const char *what, struct result http, struct result echo)
{
	printf("%-34s %8.0f/s  p50 %6.0f us  p99 %6.0f us  cpu %5.1f us  | echo %8.0f/s  ratio "
	       "%.2f, cpu %.1f times\n",
	       what, http.per_s, http.p50_us, http.p99_us, http.cpu_us, echo.per_s,
	       http.per_s / echo.per_s, http.cpu_us / echo.cpu_us);
}

/* The bytes of one reply of the HTTP server, so that the echo has as many. */
static size_t reply_length(const char *text)
{
	char data[4096];
	int fd = connect_to("http");
	ssize_t n;

	if (send(fd, text, strlen(text), 0) < 0)
		die("send");
	n = recv(fd, data, sizeof(data), 0);
	close(fd);
	if (n <= 0)
		die("the first reply");
	return (size_t)n;
}

/* A thousand that say nothing, two hundred that send a byte of a request now and then. */
static void crowd(const char *text, size_t want, double seconds, pthread_t thread,
		  struct result alone)
{
	static int idle[1000], slow[200];
	struct result r;

	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		idle[i] = connect_to("http");
	for (size_t i = 0; i < ARRAY_LEN(slow); i++) {
		slow[i] = connect_to("http");
		if (send(slow[i], "POST /v1/answer HTTP/1.1\r\nHost: localhost\r\n", 43, 0) < 0)
			die("send");
	}
	/* Another byte from each of them while the others are measured. */
	for (int part = 0; part < 4; part++) {
		for (size_t i = 0; i < ARRAY_LEN(slow); i++)
			if (send(slow[i], "A", 1, 0) < 0)
				die("send");
		r = load("http", 8, text, want, seconds / 4, thread);
	}
	printf("%-34s %8.0f/s  p50 %6.0f us  p99 %6.0f us  | alone p99 %.0f us, ratio %.2f\n",
	       "8 beside 1000 idle, 200 slow", r.per_s, r.p50_us, r.p99_us, alone.p99_us,
	       r.p99_us / alone.p99_us);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		close(idle[i]);
	for (size_t i = 0; i < ARRAY_LEN(slow); i++)
		close(slow[i]);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	char later[sizeof(request_text)], stream[sizeof(request_text)];
	struct rlimit files;
	pthread_t http_thread, echo_thread;
	struct result one, eight, all;
	uv_loop_t loop;
	int echo_fd;
	size_t want;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	snprintf(dir, sizeof(dir), "/tmp/bench-http-XXXXXX");
	if (mkdtemp(dir) == NULL)
		die(dir);
	memset(reply_body, ' ', sizeof(reply_body));
	memcpy(later, request_text, sizeof(later));
	memcpy(later + 9, "laters", 6);
	memcpy(stream, request_text, sizeof(stream));
	memcpy(stream + 9, "stream", 6);
	uv_loop_init(&loop);
	/* The listener must be there before the first connect. */
	{
		struct sockaddr_un addr = { .sun_family = AF_UNIX };

		pthread_create(&http_thread, NULL, http_main, &loop);
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/http", dir);
		for (int fd = -1; fd < 0;) {
			fd = socket(AF_UNIX, SOCK_STREAM, 0);
			if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
				close(fd);
				fd = -1;
				sched_yield();
			} else {
				close(fd);
			}
		}
	}
	want = reply_length(request_text);
	echo_len = want;
	echo_fd = listen_at("echo");
	pthread_create(&echo_thread, NULL, echo_main, &echo_fd);

	one = load("echo", 1, request_text, want, seconds, echo_thread);
	eight = load("echo", 8, request_text, want, seconds, echo_thread);
	all = load("echo", 64, request_text, want, seconds, echo_thread);
	row("1 client, answered at once", load("http", 1, request_text, want, seconds, http_thread),
	    one);
	row("64 clients, answered at once",
	    load("http", 64, request_text, want, seconds, http_thread), all);
	row("1 client, answered later", load("http", 1, later, want, seconds, http_thread), one);
	row("64 clients, answered later", load("http", 64, later, want, seconds, http_thread), all);
	row("64 clients, streamed in 10 pieces", load("http", 64, stream, 0, seconds, http_thread),
	    all);
	row("8 clients, answered at once",
	    load("http", 8, request_text, want, seconds, http_thread), eight);
	crowd(request_text, want, seconds, http_thread,
	      load("http", 8, request_text, want, seconds, http_thread));

	stopping = true;
	uv_async_send(&stop_async);
	pthread_join(http_thread, NULL);
	uv_loop_close(&loop);
	for (int i = 0; i < 2; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s", dir, i == 0 ? "http" : "echo");
		unlink(path);
	}
	rmdir(dir);
	return 0;
}
