/*
 * How long one person waits: for a request that asks for nothing (what the client and the socket
 * take), for a search, and for the first byte of an answer. The three take turns on one connection,
 * with a pause before each that differs, so that what runs in the background is met everywhere.
 *
 *     bench_latency SOCKET SECONDS <QUESTIONS      rows "NAME P50 P95 N", times in microseconds
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "tests/bench/order.h"

#define N_MAX         100000
#define QUESTIONS_MAX 1000
#define PAUSE_MS      20 /* at most, before a request */

/* A kind of request, and what it took. */
struct request_kind {
	const char *name;
	const char *method, *path;
	const char *body;  /* with one %s for the question; NULL: none */
	const char *first; /* what is waited for; NULL: the whole reply */
	int64_t us[N_MAX];
	size_t n;
};

static struct request_kind kinds[] = {
	{ .name = "health", .method = "GET", .path = "/healthz" },
	{ .name = "search",
	  .method = "POST",
	  .path = "/v1/search",
	  .body = "{\"k\":8,\"query\":\"%s\"}" },
	{ .name = "first_byte",
	  .method = "POST",
	  .path = "/v1/chat/completions",
	  .body = "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}",
	  .first = "\"content\":\"" },
};

static char questions[QUESTIONS_MAX][512];
static size_t n_questions;

static void die(const char *what)
{
	fprintf(stderr, "bench_latency: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int socket_dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		die("connect");
	return fd;
}

static void request_send(int fd, const struct request_kind *kind, const char *question)
{
	char body[1024] = "", text[2048];
	int len;

	if (kind->body != NULL) {
		const char *at = strstr(kind->body, "%s");

		snprintf(body, sizeof(body), "%.*s%s%s", (int)(at - kind->body), kind->body,
			 question, at + 2);
	}
	len = snprintf(text, sizeof(text),
		       "%s %s HTTP/1.1\r\nHost: ragd\r\nContent-Type: application/json\r\n"
		       "Content-Length: %zu\r\n\r\n%s",
		       kind->method, kind->path, strlen(body), body);
	if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		die("send");
}

/* Whether all of a reply is there: by its length, or by the last piece of a chunked one. */
static bool reply_complete(const char *reply, size_t n)
{
	const char *body = strstr(reply, "\r\n\r\n"), *length;

	if (body == NULL)
		return false;
	if (strncmp(reply, "HTTP/1.1 200", 12) != 0) {
		fprintf(stderr, "bench_latency: %s\n", reply);
		exit(1);
	}
	length = strcasestr(reply, "content-length:");
	if (length != NULL && length < body)
		return n >= (size_t)(body + 4 - reply) + strtoul(length + 15, NULL, 10);
	return n >= 5 && memcmp(reply + n - 5, "0\r\n\r\n", 5) == 0;
}

/* Reads the reply to its end; returns when what was waited for was there. */
static int64_t reply_read(int fd, const struct request_kind *kind)
{
	static char reply[1 << 20];
	size_t n = 0;
	int64_t at_us = 0;

	do {
		ssize_t got = read(fd, reply + n, sizeof(reply) - 1 - n);

		if (got <= 0)
			die("the daemon closed the connection");
		n += (size_t)got;
		reply[n] = '\0';
		if (at_us == 0 && (kind->first == NULL || strstr(reply, kind->first) != NULL))
			at_us = clock_us();
	} while (!reply_complete(reply, n));
	return kind->first == NULL || at_us == 0 ? clock_us() : at_us;
}

static void request_time(int fd, struct request_kind *kind, const char *question)
{
	int64_t start_us;

	poll(NULL, 0, rand() % (PAUSE_MS + 1));
	start_us = clock_us();
	request_send(fd, kind, question);
	start_us = reply_read(fd, kind) - start_us;
	if (kind->n < N_MAX)
		kind->us[kind->n++] = start_us;
}

static void questions_read(void)
{
	while (n_questions < QUESTIONS_MAX &&
	       fgets(questions[n_questions], sizeof(questions[0]), stdin) != NULL) {
		questions[n_questions][strcspn(questions[n_questions], "\n")] = '\0';
		n_questions++;
	}
	if (n_questions == 0)
		die("no questions");
}

int main(int argc, char **argv)
{
	int64_t end_us;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: bench_latency SOCKET SECONDS <QUESTIONS\n");
		return 2;
	}
	questions_read();
	fd = socket_dial(argv[1]);
	end_us = clock_us() + (int64_t)(strtod(argv[2], NULL) * 1e6);
	for (size_t i = 0; clock_us() < end_us || i < 1; i++)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			request_time(fd, &kinds[k], questions[i % n_questions]);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		struct request_kind *kind = &kinds[k];

		qsort(kind->us, kind->n, sizeof(kind->us[0]), order_int64);
		printf("%s %lld %lld %zu\n", kind->name, (long long)kind->us[kind->n / 2],
		       (long long)kind->us[kind->n * 95 / 100], kind->n);
	}
	close(fd);
	return 0;
}
