#include "ipc/http/http_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"

/* Connections taken in one go; the rest wait until the others had their turn. */
#define ACCEPT_BATCH 64
/* How long not to accept after descriptors or memory ran out: the listener stays readable. */
#define RETRY_MS 100

static void conn_link(struct http_conn *c)
{
	struct http_server *s = c->s;

	if (s->conns == NULL)
		http_tick_start(s);
	c->next = s->conns;
	if (c->next != NULL)
		c->next->prev = c;
	s->conns = c;
}

static void conn_accepted(struct http_server *s, int fd)
{
	struct http_conn *c = calloc(1, sizeof(*c));
	struct epoll_event ev = { .events = HTTP_EVENTS, .data.ptr = c };
	const struct ragd_caller *caller;

	if (c == NULL || peer_init(&c->peer, fd, NULL) < 0) {
		close(fd);
		free(c);
		return;
	}
	c->s = s;
	c->fd = fd;
	caller = &c->peer.caller;
	c->share = share_take(s->share, SHARE_CONNECTIONS, caller->uid, 1, caller->admin,
			      caller->admin);
	if (c->share == SHARE_OK)
		s->stats.n_connections++;
	else
		s->n_pending++;
	http_conn_state(c, c->share == SHARE_OK ? CONN_NEW : CONN_PENDING);
	conn_link(c);
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		http_conn_kill(c);
	else if (s->n_pending > HTTP_PENDING_MAX && c->share != SHARE_OK)
		http_conn_refuse_pending(c);
}

static void retry_cb(uv_timer_t *timer)
{
	struct http_server *s = timer->data;

	for (size_t i = 0; i < s->n_listen; i++)
		if (s->listen_fd[i] >= 0)
			uv_poll_start(&s->listen[i], UV_READABLE, http_accept_cb);
}

/* Out of descriptors or memory: leave clients in the backlog for a moment. */
static void accept_pause(struct http_server *s)
{
	for (size_t i = 0; i < s->n_listen; i++)
		if (s->listen_fd[i] >= 0)
			uv_poll_stop(&s->listen[i]);
	uv_timer_start(&s->retry, retry_cb, RETRY_MS, 0);
}

void http_accept_cb(uv_poll_t *poll, int status, int events)
{
	struct http_server *s = poll->data;
	int listen_fd = s->listen_fd[poll - s->listen];

	(void)status; /* accept4() says more */
	(void)events;
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			conn_accepted(s, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN)
			accept_pause(s);
		return;
	}
}
