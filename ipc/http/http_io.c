#include "ipc/http/http_private.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/util.h"

/* Pieces that one connection reads or sends before others get their turn. */
#define PIECES_MAX 8
/* Bytes of heads, and of chunks, that are read in one go. */
#define HTTP_READ 16384

/* What a step found. */
enum step {
	STEP_ON,   /* there may be more to do */
	STEP_WAIT, /* for the client, or for the handler */
	STEP_GONE, /* there is no connection any more */
};

static enum step step_kill(struct http_conn *c)
{
	http_conn_kill(c);
	return STEP_GONE;
}

/* ---- from the socket to requests ------------------------------------------------------------- */

/* A request's first bytes, in data or, with those of earlier turns, in c->in. */
static size_t head_take(struct http_conn *c, const char *data, size_t len)
{
	static const char large[] =
		"The request's head is too large; send fewer or shorter headers.";
	static const char bad[] = "This is not an HTTP/1.1 request; see docs/protocol.md.";
	static const char version[] = "Only HTTP/1.0 and HTTP/1.1 are spoken here.";

	if (c->state != CONN_HEAD)
		http_conn_state(c, CONN_HEAD);
	switch (http_head_scan(&c->scan, data, len, c->s->limits.headers)) {
	case HTTP_HEAD_MORE:
		return 0;
	case HTTP_HEAD_OK:
		len = c->scan.len;
		c->scan = (struct http_head_scan){ .line = 0 };
		http_request_begin(c, data, len);
		return len;
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
	return len;
}

/* Go on with data until it is used up, or a request is complete. Returns what was used. */
static size_t data_take(struct http_conn *c, const char *data, size_t len)
{
	size_t at = 0, n;

	while (at < len) {
		switch (c->state) {
		case CONN_NEW:
		case CONN_IDLE:
		case CONN_HEAD:
			n = head_take(c, data + at, len - at);
			if (n == 0)
				return at;
			at += n;
			break;
		case CONN_BODY:
			at += http_request_body(c->x, data + at, len - at);
			break;
		case CONN_PENDING:
			http_conn_refuse_pending(c);
			return len;
		case CONN_LINGER:
		case CONN_CLOSING:
			return len;
		case CONN_BUSY:
			return at;
		}
	}
	return at;
}

/*
 * Bytes that came after a request that is answered by now, or the beginning of an incomplete one.
 */
static void kept_take(struct http_conn *c)
{
	struct buf in = c->in;
	size_t used;

	c->in = (struct buf)BUF_INIT;
	used = data_take(c, in.data, in.len);
	if (c->state == CONN_LINGER || used == in.len) {
		buf_fini(&in);
		return;
	}
	buf_consume(&in, used);
	c->in = in;
}

/*
 * Of a body not more than it has, and of anything else little: what follows a request is kept in
 * memory while that is at work, for every connection.
 */
static size_t read_size(const struct http_conn *c)
{
	if (c->state == CONN_BODY && !c->x->head.chunked)
		return (size_t)MIN(c->x->body_left, sizeof(c->s->piece));
	return c->state == CONN_LINGER ? sizeof(c->s->piece) : HTTP_READ;
}

/* Read a piece and go on with it. */
static enum step conn_read(struct http_conn *c)
{
	struct http_server *s = c->s;
	size_t size = read_size(c), used;
	ssize_t n = recv(c->fd, s->piece, size, MSG_DONTWAIT);

	if (n < 0 && errno == EINTR)
		return STEP_ON;
	if (n < 0 && errno != EAGAIN)
		return step_kill(c);
	if (n <= 0) {
		c->readable = false;
		/* A client that cannot send a whole request any longer gets no answer. */
		return n == 0 ? step_kill(c) : STEP_WAIT;
	}
	/* A piece that was not full left nothing behind; what comes later makes an event. */
	if ((size_t)n < size && !c->eof)
		c->readable = false;
	if (c->in.len > 0) {
		buf_add(&c->in, s->piece, (size_t)n);
		if (c->in.failed)
			return step_kill(c);
		kept_take(c);
		return STEP_ON;
	}
	used = data_take(c, s->piece, (size_t)n);
	if (c->state != CONN_LINGER)
		buf_add(&c->in, s->piece + used, (size_t)n - used);
	return c->in.failed ? step_kill(c) : STEP_ON;
}

/* ---- from replies to the socket -------------------------------------------------------------- */

/* Have the set tell when the client has read, or stop telling. */
static bool want_write(struct http_conn *c, bool want)
{
	struct epoll_event ev = { .events = HTTP_EVENTS | (want ? (uint32_t)EPOLLOUT : 0),
				  .data.ptr = c };

	if (c->writing == want)
		return true;
	c->writing = want;
	return epoll_ctl(c->s->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) == 0;
}

static enum step reply_done(struct http_conn *c)
{
	bool last = c->x->close;

	if (!want_write(c, false))
		return step_kill(c);
	if (last) {
		http_conn_linger(c);
		return STEP_ON;
	}
	http_exchange_end(c);
	http_conn_state(c, CONN_IDLE);
	return c->s->state == HTTP_DRAINING && http_conn_drain(c) ? STEP_GONE : STEP_ON;
}

static enum step conn_write(struct http_conn *c)
{
	struct http_exchange *x = c->x;
	ssize_t n;

	if (x->state <= EXCHANGE_WORKING)
		return STEP_WAIT;
	if (x->wire.failed)
		return step_kill(c);
	if (x->wire_at == x->wire.len && !http_reply_frame(x)) {
		return x->wire.failed                ? step_kill(c)
		       : x->state == EXCHANGE_FRAMED ? reply_done(c)
						     : STEP_WAIT;
	}
	n = send(c->fd, x->wire.data + x->wire_at, x->wire.len - x->wire_at,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == EINTR)
		return STEP_ON;
	if (n < 0 && errno == EAGAIN)
		return want_write(c, true) ? STEP_WAIT : step_kill(c);
	if (n < 0)
		return step_kill(c);
	x->wire_at += (size_t)n;
	x->moved_ms = (int64_t)uv_now(c->s->loop);
	return STEP_ON;
}

/* ---- its turn -------------------------------------------------------------------------------- */

static enum step conn_step(struct http_conn *c)
{
	if (c->state == CONN_CLOSING)
		return step_kill(c);
	if (c->state == CONN_BUSY)
		return conn_write(c);
	if (c->in.len > 0 && c->scan.seen < c->in.len) {
		kept_take(c);
		return STEP_ON;
	}
	return c->readable ? conn_read(c) : STEP_WAIT;
}

void http_conn_turn(struct http_conn *c)
{
	enum step step = STEP_ON;

	for (int i = 0; step == STEP_ON && i < PIECES_MAX; i++)
		step = conn_step(c);
	if (step == STEP_ON)
		http_conn_ready(c);
	else if (step == STEP_WAIT)
		http_conn_unready(c); /* its handler may have replied meanwhile: that went out */
}
