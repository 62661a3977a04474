#include "tests/plugins/upstream_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"

#include "tests/plugins/support.h"

struct visit {
	struct server *s;
	int fd;
};

static void tell(struct server *s, unsigned *counter, int by)
{
	pthread_mutex_lock(&s->lock);
	*counter += (unsigned)by;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* Wait until fd is ready; false: the server stops, or the client left. */
static bool ready(struct server *s, int fd, short what, int timeout_ms)
{
	struct pollfd p[2] = { { .fd = fd, .events = what },
			       { .fd = s->stop_fd, .events = POLLIN } };

	while (poll(p, 2, timeout_ms) < 0 && errno == EINTR)
		;
	return p[1].revents == 0 && (p[0].revents & (POLLHUP | POLLERR | POLLRDHUP)) == 0;
}

static bool put(struct server *s, int fd, const char *data, size_t len, size_t piece)
{
	while (len > 0) {
		size_t want = piece > 0 && piece < len ? piece : len;
		ssize_t n;

		if (!ready(s, fd, POLLOUT, -1))
			return false;
		n = send(fd, data, want, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* One request into head and body; false: there is none. */
static bool get(struct server *s, int fd, struct buf *head, struct buf *body)
{
	char data[65536], *end = NULL, *length;
	size_t want = 0;
	ssize_t n;

	buf_clear(head);
	buf_clear(body);
	while (end == NULL || body->len < want) {
		if (!ready(s, fd, POLLIN, -1) || (n = recv(fd, data, sizeof(data), 0)) <= 0)
			return false;
		if (end != NULL) {
			buf_add(body, data, (size_t)n);
			continue;
		}
		buf_add(head, data, (size_t)n);
		end = strstr(head->data, "\r\n\r\n");
		if (end == NULL)
			continue;
		length = strcasestr(head->data, "\r\nContent-Length:");
		want = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
		buf_add(body, end + 4, head->len - (size_t)(end + 4 - head->data));
		head->len = (size_t)(end - head->data);
		head->data[head->len] = '\0';
	}
	return true;
}

/* The client is expected to leave. */
static void hang(struct server *s, int fd)
{
	while (ready(s, fd, POLLRDHUP, -1))
		;
	tell(s, &s->n_hangups, 1);
}

static bool play(struct server *s, int fd, const struct act *act)
{
	if (act->reply != NULL && !put(s, fd, act->reply, strlen(act->reply), act->piece)) {
		tell(s, &s->n_hangups, 1);
		return false;
	}
	if (act->then == THEN_HANG)
		hang(s, fd);
	if (act->then == THEN_FLOOD) {
		while (put(s, fd, act->more, strlen(act->more), 0) &&
		       (act->pace_ms == 0 || ready(s, fd, POLLRDHUP, act->pace_ms)))
			;
		tell(s, &s->n_hangups, 1);
	}
	return act->then == THEN_KEEP;
}

static bool answer(struct server *s, int fd, struct buf *head, struct buf *body)
{
	static const struct act nothing = { NULL, THEN_CLOSE, 0, NULL, 0 };
	struct act act = nothing;
	const char *reply;
	unsigned *counter;

	pthread_mutex_lock(&s->lock);
	if (strncmp(head->data, "GET ", 4) == 0) {
		counter = &s->n_gets;
		reply = strstr(head->data, "/models HTTP") != NULL ? s->models : HEAD_JSON "{}";
		act.reply = reply;
		buf_clear(&s->get);
		buf_add(&s->get, head->data, head->len);
	} else {
		counter = &s->n_posts;
		if (s->n_acts > 0)
			act = s->acts[s->n_posts < s->n_acts ? s->n_posts : s->n_acts - 1];
		buf_clear(&s->head);
		buf_add(&s->head, head->data, head->len);
		buf_clear(&s->body);
		buf_add(&s->body, body->data, body->len);
	}
	++*counter;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return play(s, fd, &act);
}

static void *visit_thread(void *arg)
{
	struct visit *v = arg;
	struct buf head = BUF_INIT, body = BUF_INIT;

	while (get(v->s, v->fd, &head, &body) && answer(v->s, v->fd, &head, &body))
		;
	/* Let the client read what it was sent: a close with bytes unread would be a reset. */
	shutdown(v->fd, SHUT_WR);
	close(v->fd);
	buf_fini(&head);
	buf_fini(&body);
	tell(v->s, &v->s->n_threads, -1);
	free(v);
	return NULL;
}

static void *accept_thread(void *arg)
{
	struct server *s = arg;
	struct visit *v;
	pthread_t thread;
	int fd;

	while (ready(s, s->listen_fd, POLLIN, -1)) {
		fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		v = fd >= 0 ? malloc(sizeof(*v)) : NULL;
		if (v == NULL)
			break;
		*v = (struct visit){ s, fd };
		tell(s, &s->n_threads, 1);
		if (pthread_create(&thread, NULL, visit_thread, v) != 0)
			abort();
		pthread_detach(thread);
	}
	return NULL;
}

static int listen_unix(struct server *s, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	snprintf(s->url, sizeof(s->url), "unix:%s", path);
	return fd;
}

static int listen_tcp(struct server *s)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", (unsigned)ntohs(addr.sin_port));
	return fd;
}

void server_start(struct server *s, const char *path, const struct act *acts, size_t n_acts)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->acts = acts;
	s->n_acts = n_acts;
	s->models = MODELS_OF("test-model");
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	s->listen_fd = path != NULL ? listen_unix(s, path) : listen_tcp(s);
	assert_int_equal(listen(s->listen_fd, 64), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, accept_thread, s), 0);
	s->running = true;
}

static void stop(struct server *s)
{
	uint64_t one = 1;

	if (!s->running)
		return;
	s->running = false;
	assert_int_equal(write(s->stop_fd, &one, sizeof(one)), sizeof(one));
	pthread_join(s->thread, NULL);
	close(s->listen_fd);
}

void server_refuse(struct server *s)
{
	uint64_t n;

	stop(s);
	assert_int_equal(read(s->stop_fd, &n, sizeof(n)), sizeof(n));
}

void server_stop(struct server *s)
{
	uint64_t one = 1;

	stop(s);
	assert_int_equal(write(s->stop_fd, &one, sizeof(one)), sizeof(one));
	pthread_mutex_lock(&s->lock);
	while (s->n_threads > 0)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
	close(s->stop_fd);
	buf_fini(&s->head);
	buf_fini(&s->body);
	buf_fini(&s->get);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

void server_models(struct server *s, const char *reply)
{
	pthread_mutex_lock(&s->lock);
	s->models = reply;
	pthread_mutex_unlock(&s->lock);
}

void server_wait(struct server *s, const unsigned *counter, unsigned n)
{
	struct timespec until;
	int rc = 0;
	bool ok;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TEST_HANG_S;
	pthread_mutex_lock(&s->lock);
	while (*counter < n && rc == 0)
		rc = pthread_cond_timedwait(&s->changed, &s->lock, &until);
	ok = *counter >= n;
	pthread_mutex_unlock(&s->lock);
	assert_true(ok);
}

unsigned server_read(struct server *s, const unsigned *counter)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = *counter;
	pthread_mutex_unlock(&s->lock);
	return n;
}
