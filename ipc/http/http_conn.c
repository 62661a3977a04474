#include "ipc/http/http_private.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "ipc/codec/codec.h"

#define EVENTS_MAX 128

static int64_t now_ms(const struct http_server *s)
{
	return (int64_t)uv_now(s->loop);
}

/* ---- ending them ---------------------------------------------------------------------------- */

/* Forget c and close its descriptor. Whatever it holds is gone with it. */
static void conn_free(struct http_conn *c)
{
	struct http_server *s = c->s;

	/*
	 * Closing alone would not do: a child between fork() and exec() has the socket open, too,
	 * and the set would go on telling of it.
	 */
	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	http_conn_unready(c);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	if (s->conns == NULL && s->state < HTTP_STOPPED)
		uv_timer_stop(&s->tick);
	if (c->share == SHARE_OK) {
		share_give(s->share, SHARE_CONNECTIONS, c->peer.caller.uid, 1);
		s->stats.n_connections--;
	} else {
		s->n_pending--;
	}
	http_memory_freed(s, sizeof(*c) + c->in.cap);
	buf_fini(&c->in);
	peer_fini(&c->peer);
	close(c->fd);
	free(c);
}

void http_conn_kill(struct http_conn *c)
{
	http_exchange_end(c);
	conn_free(c);
}

void http_conn_linger(struct http_conn *c)
{
	http_exchange_end(c);
	http_conn_state(c, CONN_LINGER);
	shutdown(c->fd, SHUT_WR);
	buf_fini(&c->in);
	http_conn_ready(c);
}

/*
 * One whole reply. It is short and nothing else is on its way, so that it fits the socket's buffer.
 */
static void answer_send(struct http_conn *c, int status, const char *code, const char *msg)
{
	struct buf body = BUF_INIT, head = BUF_INIT;
	char id[32];

	http_request_id(c->s, id);
	codec_error(&body, status, code, NULL, msg);
	http_stamp(c->s, &head, status, "application/json", id);
	buf_printf(&head, "Content-Length: %zu\r\nConnection: close\r\n%s\r\n", body.len,
		   status == 429 || status == 503 ? "Retry-After: 1\r\n" : "");
	buf_add(&head, body.data, body.len);
	if (!buf_failed(&body) && !buf_failed(&head))
		(void)!send(c->fd, head.data, head.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_fini(&body);
	buf_fini(&head);
}

void http_conn_refuse(struct http_conn *c, int status, const char *code, const char *msg)
{
	c->s->stats.n_refused++;
	answer_send(c, status, code, msg);
	http_conn_linger(c);
}

void http_conn_refuse_pending(struct http_conn *c)
{
	http_conn_refuse(c, 429, "too_many_connections",
			 c->share == SHARE_OWN_FULL
				 ? "You have as many connections as one user may; close some."
				 : "There are too many connections; try again in a second.");
	/* Those that find no room even to wait may not linger either: descriptors are few. */
	if (c->s->n_pending > HTTP_PENDING_MAX)
		http_conn_state(c, CONN_CLOSING);
}

bool http_conn_drain(struct http_conn *c)
{
	int unread = 0;

	if ((c->state != CONN_NEW && c->state != CONN_IDLE) || c->in.len > 0 ||
	    ioctl(c->fd, FIONREAD, &unread) < 0 || unread > 0)
		return false;
	http_conn_kill(c);
	return true;
}

/* ---- what the set tells --------------------------------------------------------------------- */

void http_events_cb(uv_poll_t *poll, int status, int events)
{
	struct http_server *s = poll->data;
	struct epoll_event ev[EVENTS_MAX];
	int n;

	(void)status;
	(void)events;
	/* A connection has one event in a batch, so that none is freed before its event. */
	do {
		n = epoll_wait(s->epoll_fd, ev, EVENTS_MAX, 0);
		for (int i = 0; i < n; i++) {
			struct http_conn *c = ev[i].data.ptr;

			if ((ev[i].events & (EPOLLHUP | EPOLLERR)) != 0) {
				http_conn_kill(c);
				continue;
			}
			c->readable |= (ev[i].events & EPOLLIN) != 0;
			c->eof |= (ev[i].events & EPOLLRDHUP) != 0;
			http_conn_ready(c);
		}
	} while (n == EVENTS_MAX);
}

/* ---- timeouts ------------------------------------------------------------------------------ */

/* Often enough that a bound is kept to about an eighth, at most once a second. */
void http_tick_start(struct http_server *s)
{
	int64_t least = MIN(s->limits.request_timeout_ms,
			    MIN(s->limits.idle_timeout_ms, s->limits.write_timeout_ms));
	uint64_t every = (uint64_t)MAX(5, MIN(least / 8, 1000));

	uv_timer_start(&s->tick, http_tick_cb, every, every);
}

/*
 * Has the client read nothing for too long? That the socket took something from us says little: the
 * kernel wakes a writer when three quarters of its buffer are free. How full it is tells all.
 */
static bool conn_stalled(struct http_conn *c, int64_t now)
{
	struct http_exchange *x = c->x;
	int outq = 0;

	/* A stream of which nothing waits is its handler's to end. */
	if (x->state <= EXCHANGE_WORKING ||
	    (x->state == EXCHANGE_STREAMING && http_out_waiting(x) == 0))
		return false;
	if (ioctl(c->fd, SIOCOUTQ, &outq) == 0 && outq != c->outq) {
		c->outq = outq;
		x->moved_ms = now;
	}
	return now - x->moved_ms >= c->s->limits.write_timeout_ms;
}

static void conn_check(struct http_conn *c, int64_t now)
{
	const struct http_limits *limits = &c->s->limits;

	switch (c->state) {
	case CONN_NEW:
	case CONN_IDLE:
		if (now - c->since_ms >= limits->idle_timeout_ms)
			http_conn_kill(c);
		break;
	case CONN_HEAD:
	case CONN_BODY:
		if (now - c->since_ms >= limits->request_timeout_ms)
			http_conn_refuse(c, 408, "timeout",
					 "The request did not arrive in time; send it again.");
		break;
	case CONN_BUSY:
		if (conn_stalled(c, now))
			http_conn_kill(c);
		break;
	case CONN_PENDING:
		if (now - c->since_ms >= HTTP_PENDING_TIMEOUT_MS)
			http_conn_refuse_pending(c);
		break;
	case CONN_CLOSING:
		break;
	case CONN_LINGER:
		if (now - c->since_ms >= HTTP_LINGER_MS)
			http_conn_kill(c);
		break;
	}
}

void http_tick_cb(uv_timer_t *timer)
{
	struct http_server *s = timer->data;
	struct http_conn *c, *next;
	int64_t now = now_ms(s);

	for (c = s->conns; c != NULL; c = next) {
		next = c->next;
		conn_check(c, now);
	}
}
