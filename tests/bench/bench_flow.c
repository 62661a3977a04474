/*
 * What the flow costs: answers by inference_echo, no retrieval, over one keep-alive connection and
 * over 64; then the same beside 1,000 idle connections and 200 that send and read slowly. The
 * yardstick in the same run is a bare ping-pong over a Unix socket, which is what any daemon pays.
 *
 *   bench_flow SOCKET [SECONDS]
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
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

#define N_CLIENTS 64
#define N_IDLE    1000
#define N_SLOW    200
#define N_MAX     4000000

static const char *socket_path;
static char request[1024];
static size_t request_len;

static void die(const char *what)
{
	fprintf(stderr, "bench_flow: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", socket_path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("connect");
	return fd;
}

/* One connection and how far its reply is read. */
struct client {
	int fd;
	int64_t sent_us;
	char in[16384];
	size_t n_in;
};

struct result {
	uint32_t *us; /* of each answer */
	size_t n;
	size_t n_bad;
};

static void ask(struct client *c)
{
	c->n_in = 0;
	c->sent_us = clock_us();
	if (write(c->fd, request, request_len) != (ssize_t)request_len)
		die("write");
}

/* True once the whole reply is there. */
static bool reply_read(struct client *c, bool *good)
{
	ssize_t n = read(c->fd, c->in + c->n_in, sizeof(c->in) - 1 - c->n_in);
	const char *body, *length;

	if (n <= 0)
		die("read: the daemon closed the connection");
	c->n_in += (size_t)n;
	c->in[c->n_in] = '\0';
	body = strstr(c->in, "\r\n\r\n");
	if (body == NULL)
		return false;
	length = strcasestr(c->in, "content-length:");
	if (length == NULL)
		die("a reply without a length");
	if (c->n_in < (size_t)(body + 4 - c->in) + strtoul(length + 15, NULL, 10))
		return false;
	*good = strncmp(c->in, "HTTP/1.1 200", 12) == 0 &&
		strstr(body, "\"finish_reason\":\"stop\"") != NULL &&
		strstr(body, "quick brown fox") != NULL;
	return true;
}

/* n_clients ask again as soon as they are answered, for so many seconds. */
static void load(unsigned n_clients, double seconds, struct result *r)
{
	struct client *clients = calloc(n_clients, sizeof(*clients));
	int ep = epoll_create1(EPOLL_CLOEXEC);
	int64_t end_us = clock_us() + (int64_t)(seconds * 1e6), now_us;
	unsigned n_open = n_clients;

	r->n = r->n_bad = 0;
	for (unsigned i = 0; i < n_clients; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &clients[i] };

		clients[i].fd = dial();
		epoll_ctl(ep, EPOLL_CTL_ADD, clients[i].fd, &ev);
		ask(&clients[i]);
	}
	while (n_open > 0) {
		struct epoll_event ev[N_CLIENTS];
		int n = epoll_wait(ep, ev, N_CLIENTS, 10000);
		bool good;

		if (n <= 0)
			die("no answer for 10 s");
		for (int i = 0; i < n; i++) {
			struct client *c = ev[i].data.ptr;

			if (!reply_read(c, &good))
				continue;
			now_us = clock_us();
			r->n_bad += !good;
			if (r->n < N_MAX)
				r->us[r->n++] = (uint32_t)(now_us - c->sent_us);
			if (now_us < end_us) {
				ask(c);
			} else {
				close(c->fd);
				n_open--;
			}
		}
	}
	close(ep);
	free(clients);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t quantile(struct result *r, double q)
{
	return r->us[MIN((size_t)(q * (double)r->n), r->n - 1)];
}

static void print(const char *what, struct result *r, double seconds)
{
	qsort(r->us, r->n, sizeof(*r->us), by_value);
	printf("%-44s %8.0f /s   p50 %5u us   p99 %6u us   max %6u us   bad %zu\n", what,
	       (double)r->n / seconds, quantile(r, .5), quantile(r, .99), r->us[r->n - 1],
	       r->n_bad);
}

/* ---- the yardstick -------------------------------------------------------------------------- */

static void *pong_main(void *arg)
{
	int fd = *(int *)arg;
	char room[1024];
	ssize_t n;

	while ((n = read(fd, room, sizeof(room))) > 0)
		if (write(fd, room, (size_t)n) != n)
			break;
	return NULL;
}

static void ping_pong(double seconds, struct result *r)
{
	int64_t end_us = clock_us() + (int64_t)(seconds * 1e6), at_us = clock_us(), now_us;
	pthread_t thread;
	char room[1024];
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0)
		die("socketpair");
	pthread_create(&thread, NULL, pong_main, &fd[1]);
	r->n = r->n_bad = 0;
	do {
		if (write(fd[0], request, request_len) < 0 || read(fd[0], room, sizeof(room)) < 0)
			die("ping-pong");
		now_us = clock_us();
		if (r->n < N_MAX)
			r->us[r->n++] = (uint32_t)(now_us - at_us);
		at_us = now_us;
	} while (now_us < end_us);
	close(fd[0]);
	pthread_join(thread, NULL);
	close(fd[1]);
}

/* ---- clients that are in the way ------------------------------------------------------------ */

static atomic_bool slow_stop;

/* N_SLOW connections whose request trickles in, a byte each round. */
static void *slow_main(void *arg)
{
	int fd[N_SLOW];
	size_t at = 0;

	(void)arg;
	for (int i = 0; i < N_SLOW; i++)
		fd[i] = dial();
	while (!slow_stop) {
		for (int i = 0; i < N_SLOW && at + 1 < request_len; i++)
			if (write(fd[i], request + at, 1) < 0)
				die("slow client");
		at++;
		poll(NULL, 0, 20);
	}
	for (int i = 0; i < N_SLOW; i++)
		close(fd[i]);
	return NULL;
}

static void beside_others(double seconds, struct result *r)
{
	static int idle[N_IDLE];
	pthread_t slow;

	for (int i = 0; i < N_IDLE; i++)
		idle[i] = dial();
	slow_stop = false;
	pthread_create(&slow, NULL, slow_main, NULL);
	load(1, seconds, r);
	slow_stop = true;
	pthread_join(slow, NULL);
	for (int i = 0; i < N_IDLE; i++)
		close(idle[i]);
}

int main(int argc, char **argv)
{
	static const char body[] =
		"{\"model\":\"echo\",\"messages\":[{\"role\":\"user\",\"content\":"
		"\"The quick brown fox jumps over the lazy dog.\"}]}";
	double seconds = argc > 2 ? atof(argv[2]) : 5;
	struct rlimit files = { 8192, 8192 };
	struct result r;
	uint32_t alone_p99, ping_p50, alone_p50;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_flow SOCKET [SECONDS]\n");
		return 2;
	}
	socket_path = argv[1];
	setrlimit(RLIMIT_NOFILE, &files);
	request_len =
		(size_t)snprintf(request, sizeof(request),
				 "POST /v1/chat/completions HTTP/1.1\r\nHost: ragd\r\n"
				 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
				 sizeof(body) - 1, body);
	r.us = malloc(N_MAX * sizeof(*r.us));
	if (r.us == NULL)
		die("memory");
	load(1, 1, &r); /* warm up */
	ping_pong(1, &r);
	print("bare ping-pong over a Unix socket", &r, 1);
	ping_p50 = quantile(&r, .5);
	load(1, seconds, &r);
	print("1 keep-alive client", &r, seconds);
	alone_p50 = quantile(&r, .5);
	alone_p99 = quantile(&r, .99);
	load(N_CLIENTS, seconds, &r);
	print("64 clients", &r, seconds);
	beside_others(seconds, &r);
	print("1 client beside 1,000 idle and 200 slow ones", &r, seconds);
	printf("ratios: an answer is %.1f ping-pongs; beside others p99 is %.2f times that alone\n",
	       (double)alone_p50 / MAX(ping_p50, 1u), (double)quantile(&r, .99) / alone_p99);
	free(r.us);
	return 0;
}
