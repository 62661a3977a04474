#include "fake.h"

#include <assert.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 512
#define REQUESTS_MAX    4096

struct fake {
	const struct fake_row *rows;
	char folder[64];
	char socket[96];
	int listener;
	int stop; /* eventfd: readable once the server is to end */
	pthread_t acceptor;
	pthread_t threads[CONNECTIONS_MAX];
	size_t n_threads; /* the acceptor's, read by others under the lock */
	pthread_mutex_t lock;
	pthread_cond_t change;
	struct fake_request *requests[REQUESTS_MAX];
	size_t n_requests;
	size_t n_gone;
};

struct connection {
	struct fake *f;
	int fd;
	char *buf;
	size_t len, cap;
};

static void send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

/* More bytes; false at the end of the connection or of the server. */
static bool read_more(struct connection *c)
{
	struct pollfd fds[] = { { .fd = c->fd, .events = POLLIN },
				{ .fd = c->f->stop, .events = POLLIN } };
	ssize_t n;

	if (poll(fds, 2, -1) < 0 || fds[1].revents != 0)
		return false;
	if (c->cap - c->len < 65536) {
		c->cap = 2 * c->cap + 65536;
		c->buf = realloc(c->buf, c->cap + 1);
		assert(c->buf != NULL);
	}
	n = recv(c->fd, c->buf + c->len, c->cap - c->len, 0);
	if (n <= 0)
		return false;
	c->len += (size_t)n;
	c->buf[c->len] = '\0';
	return true;
}

static struct fake_request *request_read(struct connection *c)
{
	struct fake_request *req;
	size_t head, body = 0;
	const char *end, *header;

	while (c->len == 0 || (end = strstr(c->buf, "\r\n\r\n")) == NULL)
		if (!read_more(c))
			return NULL;
	head = (size_t)(end - c->buf) + 4;
	header = strcasestr(c->buf, "\r\nContent-Length:");
	if (header != NULL && header < end)
		body = strtoul(header + 17, NULL, 10);
	header = strcasestr(c->buf, "\r\nExpect: 100-continue");
	if (header != NULL && header < end)
		send_all(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	while (c->len < head + body)
		if (!read_more(c))
			return NULL;
	req = calloc(1, sizeof(*req));
	assert(req != NULL);
	req->headers = strndup(c->buf, head);
	req->method = strndup(c->buf, strcspn(c->buf, " "));
	header = c->buf + strlen(req->method) + 1;
	req->target = strndup(header, strcspn(header, " "));
	req->body = calloc(1, body + 1);
	memcpy(req->body, c->buf + head, body);
	req->len = body;
	memmove(c->buf, c->buf + head + body, c->len - head - body + 1);
	c->len -= head + body;
	return req;
}

static void request_free(struct fake_request *req)
{
	free(req->method);
	free(req->target);
	free(req->body);
	free(req->headers);
	free(req);
}

static const struct fake_row *row_of(const struct fake *f, const struct fake_request *req)
{
	static const struct fake_row none = {
		.status = 404,
		.body = "{\"error\":{\"code\":\"not_found\",\"type\":\"invalid_request_error\","
			"\"message\":\"there is no such endpoint\",\"param\":null}}",
	};
	size_t len = strcspn(req->target, "?");

	for (const struct fake_row *row = f->rows; row->method != NULL; row++) {
		size_t n = strlen(row->path);

		if (strcmp(row->method, req->method) != 0)
			continue;
		if (row->path[n - 1] == '*' ? strncmp(row->path, req->target, n - 1) == 0
					    : n == len && strncmp(row->path, req->target, n) == 0)
			return row;
	}
	return &none;
}

static void put_chunks(int fd, const char *body)
{
	char piece[32];

	for (size_t len = strlen(body), i = 0; i < len; i += 3) {
		int n = (int)(len - i < 3 ? len - i : 3);

		send_all(fd, piece,
			 (size_t)snprintf(piece, sizeof(piece), "%x\r\n%.*s\r\n", (unsigned)n, n,
					  body + i));
	}
	send_all(fd, "0\r\n\r\n", 5);
}

/* Answer it; false: the connection ends. */
static bool reply(struct connection *c, const struct fake_request *req)
{
	const struct fake_row *row = row_of(c->f, req);
	int status = row->status;
	char *made = row->make != NULL ? row->make(req, &status, c->f) : NULL;
	const char *body = made != NULL ? made : row->body != NULL ? row->body : "";
	size_t len = strlen(body);
	bool chunked = row->fault == FAKE_PIECES || row->fault == FAKE_HANG;
	char head[400], length[48];

	snprintf(length, sizeof(length), "Content-Length: %zu", len);
	snprintf(head, sizeof(head),
		 "HTTP/1.1 %d X\r\nContent-Type: %s\r\nX-Request-Id: req-%p\r\n%s\r\n\r\n", status,
		 row->type != NULL ? row->type : "application/json", (const void *)req,
		 chunked ? "Transfer-Encoding: chunked" : length);
	switch (row->fault) {
	case FAKE_CLOSE:
		break;
	case FAKE_GARBAGE:
		send_all(c->fd, "SSH-2.0-OpenSSH_9.2\r\n", 21);
		break;
	case FAKE_TRUNCATED:
		send_all(c->fd, head, strlen(head));
		send_all(c->fd, body, len / 2);
		break;
	case FAKE_HANG:
		send_all(c->fd, head, strlen(head));
		snprintf(head, sizeof(head), "%zx\r\n", len);
		send_all(c->fd, head, strlen(head));
		send_all(c->fd, body, len);
		send_all(c->fd, "\r\n", 2);
		while (read_more(c))
			;
		pthread_mutex_lock(&c->f->lock);
		c->f->n_gone++;
		pthread_cond_broadcast(&c->f->change);
		pthread_mutex_unlock(&c->f->lock);
		break;
	case FAKE_PIECES:
		send_all(c->fd, head, strlen(head));
		put_chunks(c->fd, body);
		break;
	case FAKE_FINE:
		send_all(c->fd, head, strlen(head));
		send_all(c->fd, body, len);
		break;
	}
	free(made);
	return row->fault == FAKE_FINE || row->fault == FAKE_PIECES;
}

static void *serve(void *arg)
{
	struct connection *c = arg;
	struct fake_request *req;
	bool go_on = true;

	while (go_on && (req = request_read(c)) != NULL) {
		pthread_mutex_lock(&c->f->lock);
		assert(c->f->n_requests < REQUESTS_MAX);
		c->f->requests[c->f->n_requests++] = req;
		pthread_cond_broadcast(&c->f->change);
		pthread_mutex_unlock(&c->f->lock);
		go_on = reply(c, req);
	}
	close(c->fd);
	free(c->buf);
	free(c);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct fake *f = arg;
	struct pollfd fds[] = { { .fd = f->listener, .events = POLLIN },
				{ .fd = f->stop, .events = POLLIN } };

	while (poll(fds, 2, -1) >= 0 && fds[1].revents == 0) {
		struct connection *c = calloc(1, sizeof(*c));

		assert(c != NULL);
		c->f = f;
		c->fd = accept(f->listener, NULL, NULL);
		assert(c->fd >= 0);
		pthread_mutex_lock(&f->lock);
		assert(f->n_threads < CONNECTIONS_MAX);
		pthread_create(&f->threads[f->n_threads++], NULL, serve, c);
		pthread_mutex_unlock(&f->lock);
	}
	return NULL;
}

struct fake *fake_start(const struct fake_row *rows)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	assert(f != NULL);
	f->rows = rows;
	strcpy(f->folder, "/tmp/ragd-client-XXXXXX");
	if (mkdtemp(f->folder) == NULL)
		abort();
	snprintf(f->socket, sizeof(f->socket), "%s/ragd.sock", f->folder);
	strcpy(addr.sun_path, f->socket);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->change, NULL);
	f->stop = eventfd(0, EFD_CLOEXEC);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(f->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(f->listener, 64) < 0)
		abort();
	pthread_create(&f->acceptor, NULL, accept_all, f);
	return f;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

void fake_stop(struct fake *f)
{
	const uint64_t one = 1;

	if (write(f->stop, &one, sizeof(one)) != (ssize_t)sizeof(one))
		abort();
	pthread_join(f->acceptor, NULL);
	for (size_t i = 0; i < f->n_threads; i++)
		pthread_join(f->threads[i], NULL);
	close(f->listener);
	close(f->stop);
	for (size_t i = 0; i < f->n_requests; i++)
		request_free(f->requests[i]);
	nftw(f->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->change);
	free(f);
}

const char *fake_folder(const struct fake *f)
{
	return f->folder;
}

const char *fake_socket(const struct fake *f)
{
	return f->socket;
}

const struct fake_request *fake_request(struct fake *f, size_t i)
{
	const struct fake_request *req;

	pthread_mutex_lock(&f->lock);
	req = i < f->n_requests ? f->requests[i] : NULL;
	pthread_mutex_unlock(&f->lock);
	return req;
}

size_t fake_n_requests(struct fake *f)
{
	size_t n;

	pthread_mutex_lock(&f->lock);
	n = f->n_requests;
	pthread_mutex_unlock(&f->lock);
	return n;
}

size_t fake_n_connections(struct fake *f)
{
	size_t n;

	pthread_mutex_lock(&f->lock);
	n = f->n_threads;
	pthread_mutex_unlock(&f->lock);
	return n;
}

void fake_wait_gone(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	while (f->n_gone == 0)
		pthread_cond_wait(&f->change, &f->lock);
	pthread_mutex_unlock(&f->lock);
}

void fake_wait_requests(struct fake *f, size_t n)
{
	pthread_mutex_lock(&f->lock);
	while (f->n_requests < n)
		pthread_cond_wait(&f->change, &f->lock);
	pthread_mutex_unlock(&f->lock);
}
