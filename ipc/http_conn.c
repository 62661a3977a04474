#include "ipc/http_priv.h"

#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "ipc/codec.h"

#define EVENTS_MAX 128

static int64_t now_ms(const struct http_server *s)
{
	return (int64_t)uv_now(s->loop);
}

void http_conn_state(struct http_conn *c, enum conn_state state)
{
	/* Head and body share one bound. */
	if (!(c->state == CONN_HEAD && state == CONN_BODY))
		c->since_ms = now_ms(c->s);
	c->state = state;
}

/* ---- libmicrohttpd tells of its connections ------------------------------------------------- */

void http_conn_notify_cb(void *cls, struct MHD_Connection *mhd, void **socket_context,
			 enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = cls;
	struct http_conn *c;

	(void)mhd;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		c = s->adding;
		s->adding = NULL;
		*socket_context = c;
		return;
	}
	/* The descriptor is still open. */
	http_conn_free(*socket_context);
}

/* ---- ending them ---------------------------------------------------------------------------- */

void http_conn_kill(struct http_conn *c)
{
	int fd;

	c->doomed = false;
	if (c->state == CONN_CLOSING)
		return;
	if (c->state == CONN_NEW || c->state == CONN_LOBBY) {
		fd = c->fd;
		http_conn_free(c);
		close(fd);
		return;
	}
	http_conn_state(c, CONN_CLOSING);
	shutdown(c->fd, SHUT_RDWR);
	c->s->dirty = true;
	if (c->x != NULL)
		http_exchange_lost(c->x);
}

/* One whole reply. It is short and nothing else is on its way, so that it fits the socket's buffer. */
static void answer_send(struct http_conn *c, int status, const char *code, const char *msg)
{
	struct buf body = BUF_INIT, head = BUF_INIT;
	char id[32];

	http_request_id(c->s, id);
	codec_error(&body, status, code, NULL, msg);
	buf_printf(&head,
		   "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n",
		   status, MHD_get_reason_phrase_for((unsigned)status), body.len);
	buf_printf(&head, "X-Request-Id: %s\r\nConnection: close\r\n%s\r\n", id,
		   status == 429 || status == 503 ? "Retry-After: 1\r\n" : "");
	buf_add(&head, body.data, body.len);
	if (!buf_failed(&body) && !buf_failed(&head))
		(void)!send(c->fd, head.data, head.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_fini(&body);
	buf_fini(&head);
}

void http_conn_refuse(struct http_conn *c, int status, const char *code, const char *msg)
{
	char dropped[4096];

	c->s->stats.n_refused++;
	answer_send(c, status, code, msg);
	/* With unread bytes the kernel would follow our answer with ECONNRESET. */
	for (int i = 0; i < 16 && recv(c->fd, dropped, sizeof(dropped), MSG_DONTWAIT) > 0; i++)
		;
	http_conn_kill(c);
}

void http_conn_refuse_lobby(struct http_conn *c)
{
	http_conn_refuse(c, 429, "too_many_connections",
			 c->own_full ? "You have as many connections as one user may; close some."
				     : "There are too many connections; try again in a second.");
}

void http_conn_drain(struct http_conn *c)
{
	int unread = 0;

	if ((c->state == CONN_NEW || c->state == CONN_IDLE) &&
	    ioctl(c->fd, FIONREAD, &unread) == 0 && unread == 0)
		http_conn_kill(c);
}

/* ---- what our epoll set tells -------------------------------------------------------------- */

/* The first bytes of a new connection: do they look like HTTP? */
static void conn_first(struct http_conn *c)
{
	static const char large[] =
		"The request's head is too large; send fewer or shorter headers.";
	static const char bad[] = "This is not an HTTP/1.1 request; see docs/protocol.md.";
	static const char version[] = "Only HTTP/1.0 and HTTP/1.1 are spoken here.";
	struct http_server *s = c->s;
	ssize_t n = recv(c->fd, s->peek, s->peek_size, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0)
		return; /* nothing yet */
	if (n == 0) {
		http_conn_kill(c);
		return;
	}
	switch (http_head_judge(s->peek, (size_t)n, s->peek_size - 1)) {
	case HTTP_HEAD_OK:
		http_conn_state(c, CONN_HEAD);
		http_conn_admit(c);
		break;
	case HTTP_HEAD_BAD:
		http_conn_refuse(c, 400, "invalid_value", bad);
		break;
	case HTTP_HEAD_VERSION:
		http_conn_refuse(c, 505, "invalid_value", version);
		break;
	case HTTP_HEAD_LARGE:
		http_conn_refuse(c, 431, "headers_too_large", large);
		break;
	}
}

static void conn_event(struct http_conn *c, uint32_t events)
{
	int unread = 0;

	if (events & (EPOLLHUP | EPOLLERR))
		http_conn_kill(c);
	else if (c->state == CONN_NEW)
		conn_first(c);
	else if (c->state == CONN_LOBBY)
		http_conn_refuse_lobby(c);
	/* libmicrohttpd may have been faster, and be done with what this event tells of. */
	else if (c->state == CONN_IDLE && ioctl(c->fd, FIONREAD, &unread) == 0 && unread > 0)
		http_conn_state(c, CONN_HEAD);
}

void http_own_cb(uv_poll_t *poll, int status, int events)
{
	struct http_server *s = poll->data;
	struct epoll_event ev[EVENTS_MAX];
	int n;

	(void)status;
	(void)events;
	/* A connection has one event in a batch, and is freed by that or by libmicrohttpd's turn. */
	do {
		n = epoll_wait(s->epoll_fd, ev, EVENTS_MAX, 0);
		for (int i = 0; i < n; i++)
			conn_event(ev[i].data.ptr, ev[i].events);
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
 * Has the client read nothing for too long? That libmicrohttpd took something from us says little: the
 * kernel wakes a writer when three quarters of its buffer are free. How full it is tells all.
 */
static bool conn_stalled(struct http_conn *c, int64_t now)
{
	struct http_exchange *x = c->x;
	int outq = 0;

	/* A stream of which nothing waits is its handler's to end. */
	if (!x->replied || (x->stream && !x->ended && http_out_waiting(x) == 0))
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
	case CONN_LOBBY:
		if (now - c->since_ms >= HTTP_LOBBY_TIMEOUT_MS)
			http_conn_refuse_lobby(c);
		break;
	case CONN_CLOSING:
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
