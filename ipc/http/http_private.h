/*
 * What the files of the HTTP server share; see http.h for what it is.
 *
 * Each file calls only those below it:
 *
 *   http_server.c    the loop's handles, bounds, draining and stopping
 *   http_accept.c    new connections, and how many there may be
 *   http_io.c        a connection's bytes: from the socket to requests, from replies to the socket
 *   http_request.c   one request: what keeps it from its handler, and its body
 *   http_conn.c      one connection: events, timeouts, answers that end it
 *   http_reply.c     a reply
 *   http_exchange.c  a request and its reply: what the handler may ask for, and their end
 *   http_state.c     what may become of a connection and of an exchange
 *   http_ready.c     the connections that get a turn
 *   http_stamp.c     what every reply begins with
 *   http_memory.c    what goes back to the kernel
 *
 * and, pure functions: http_share.c (what a user may hold), and in syntax/ http_head.c (a head),
 * http_chunk.c (a chunked body), http_site.c (whose request it is), http_route.c (paths to routes).
 *
 * An event only marks its connection as ready. All ready ones get a turn just before the loop
 * waits, when every event of this round has been looked at. So the pieces of a reply that were
 * written in one round go out together, and no handler is called from within another.
 *
 * The epoll set is edge-triggered, and changes only when a client stops or resumes reading. A
 * hang-up is EPOLLHUP, which on AF_UNIX means that the peer closed its socket; it comes even if
 * bytes are unread. A peer that has only shut down its sending side (`nc -N`) can still read, and
 * gets its answer.
 */
#ifndef IPC_HTTP_PRIVATE_H
#define IPC_HTTP_PRIVATE_H

#include <sys/epoll.h>

#include "base/buf.h"
#include "ipc/http/http.h"
#include "ipc/http/http_share.h"
#include "ipc/http/peer.h"
#include "ipc/http/syntax/http_chunk.h"
#include "ipc/http/syntax/http_head.h"
#include "ipc/http/syntax/http_route.h"

#define HTTP_LISTEN_MAX 8
#define HTTP_EVENTS     ((uint32_t)(EPOLLIN | EPOLLRDHUP | EPOLLET))
/*
 * Refused connections that wait for their request, so that the client reads the answer, not EPIPE.
 */
#define HTTP_PENDING_MAX        64
#define HTTP_PENDING_TIMEOUT_MS 1000
/*
 * How long what a client still sends is dropped once it has its last answer, so that it reads that.
 */
#define HTTP_LINGER_MS 1000
/* A refused request's body up to this is read and dropped; a longer one costs the connection. */
#define HTTP_DISCARD_MAX 65536
/*
 * A stream's bytes that wait for its client; a handler that writes on beyond it loses the client.
 */
#define HTTP_STREAM_MAX (8u << 20)
/*
 * Bytes that are read, or made ready to be sent, in one go; longer replies count as their user's.
 */
#define HTTP_PIECE 65536

enum conn_state {
	CONN_NEW,     /* nothing came yet */
	CONN_PENDING, /* the same beyond a bound: its request will be answered 429 */
	CONN_IDLE,    /* between requests */
	CONN_HEAD,    /* a request began to arrive */
	CONN_BODY,    /* its head is complete */
	CONN_BUSY,    /* it is complete; handler and reply */
	CONN_LINGER,  /* it has its last answer; what comes is dropped */
	CONN_CLOSING, /* nothing more is read or written; it is closed at its turn */
};

struct http_conn {
	struct http_server *s;
	struct http_conn *prev, *next;
	struct http_conn *ready_prev, *ready_next;
	int fd;
	enum conn_state state;
	bool ready;    /* on the server's list of those that get a turn */
	bool readable; /* the kernel may have more for us */
	bool eof;      /* nothing will follow that: the client has shut down its side */
	bool writing;  /* the set tells when the client has read */
	/*
	 * Of its user's share when it came. Other than SHARE_OK: it counts as pending, and gets
	 * 429.
	 */
	enum share_answer share;
	int64_t since_ms; /* when the state (head and body together) began */
	int outq;         /* bytes in the socket's buffer when last looked at */
	struct peer peer;
	struct http_exchange *x; /* from head to completion */
	struct http_head_scan scan;
	struct buf in; /* a head that is not complete; what came behind a request that is */
};

struct http_header_line {
	struct http_header_line *next;
	const char *value; /* points into name's memory */
	char name[];
};

/* Why a request does not reach its handler. */
struct http_refusal {
	int status; /* 0: it does */
	const char *code;
	char param[64];
	char msg[200];
};

/* Which may follow which: http_state.c. */
enum exchange_state {
	EXCHANGE_ARRIVING,  /* the request is not complete */
	EXCHANGE_WORKING,   /* its handler owes a reply, of which nothing is there yet */
	EXCHANGE_STREAMING, /* the reply has begun; the handler owes the rest */
	EXCHANGE_ENDED,     /* all of it is in `out` or further; the handler is done */
	EXCHANGE_FRAMED,    /* all of it is in `wire` or further */
	EXCHANGE_ORPHAN, /* the connection is done with it; the handler is not, and does not know */
	EXCHANGE_OVER,   /* being freed; its handler may just be told */
};

/* How the bytes of a reply's body go out. */
enum reply_form {
	REPLY_PLAIN,
	REPLY_CHUNKED,
	REPLY_BARE, /* not at all: it answers a HEAD */
};

/*
 * Owned by its connection, and by the handler while that owes a reply: freed when neither holds it
 * any more.
 */
struct http_exchange {
	struct http_server *s;
	struct http_conn *conn; /* NULL for an orphan */
	enum exchange_state state;
	struct http_request req;
	struct http_head head;
	const char *query; /* behind the target's '?'; NULL if there is none */
	struct http_matched match;
	struct http_refusal refusal;
	struct http_chunks chunks;
	uint64_t body_left; /* not chunked: bytes to come */
	struct buf body;
	size_t charged;       /* bytes of the body that are its user's */
	size_t charged_reply; /* bytes of `out` that are */
	bool close;           /* the connection goes after the reply */

	http_gone_cb gone_cb;
	void *gone_arg;
	struct http_header_line *headers;
	struct http_header_line *queries; /* decoded parameters that were asked for */

	enum reply_form form;
	struct buf out; /* out.data[out_at ..] waits to be framed */
	size_t out_at;
	struct buf wire; /* wire.data[wire_at ..] waits for the socket */
	size_t wire_at;
	int64_t moved_ms; /* when something last moved towards the client */

	char request_id[32];
	char content_type[64];
	char text[]; /* the head; the path; the path's decoded segments */
};

enum http_state { HTTP_SERVING, HTTP_DRAINING, HTTP_STOPPING, HTTP_STOPPED };

struct http_server {
	uv_loop_t *loop;
	struct http_limits limits;
	const struct http_route *const *routes;
	void *ctx;
	http_failure_cb failure_cb;
	enum http_state state;

	uv_poll_t listen[HTTP_LISTEN_MAX];
	int listen_fd[HTTP_LISTEN_MAX]; /* -1 once closed */
	size_t n_listen;
	int epoll_fd;
	uv_poll_t poll;
	uv_prepare_t prepare;
	uv_idle_t idle;     /* active while a connection is ready */
	uv_timer_t tick;    /* timeouts; active while there are connections */
	uv_timer_t retry;   /* accepting again after descriptors ran out */
	uv_timer_t trim;    /* giving memory back */
	unsigned n_handles; /* not yet closed */

	struct http_conn *conns;
	struct http_conn *ready; /* the first of those that get a turn */
	struct http_conn *ready_last;
	unsigned n_pending;
	struct share *share;
	char **hosts, **origins; /* NULL-ended; NULL: none */
	size_t freed;            /* bytes given back to malloc since it last gave to the kernel */
	struct http_stats stats;

	unsigned char random[256]; /* for request ids */
	size_t random_at;
	int64_t date_s; /* of `date` */
	char date[40];

	void (*closed_cb)(void *arg);
	void *closed_arg;
	char piece[HTTP_PIECE]; /* what was just read */
};

/* http_stamp.c */
void http_request_id(struct http_server *s, char out[32]);
/* The head of a reply as far as all have it, but for the empty line; type may be NULL. */
void http_stamp(struct http_server *s, struct buf *out, int status, const char *type,
		const char *request_id);

/* http_memory.c */
/*
 * n bytes went back to malloc: when it is much, and a quiet moment comes, it goes back to the
 * kernel.
 */
void http_memory_freed(struct http_server *s, size_t n);

/* http_state.c: from the state it has to one that may follow. */
void http_conn_state(struct http_conn *c, enum conn_state state);
void http_exchange_state(struct http_exchange *x, enum exchange_state state);

/* http_ready.c */
/* c gets a turn before the loop waits. */
void http_conn_ready(struct http_conn *c);
void http_conn_unready(struct http_conn *c);

/* http_accept.c */
void http_accept_cb(uv_poll_t *poll, int status, int events);

/* http_conn.c */
void http_events_cb(uv_poll_t *poll, int status, int events);
/* The server drains: an idle connection goes (true), one with a request on its way is answered. */
bool http_conn_drain(struct http_conn *c);
void http_tick_cb(uv_timer_t *timer);
/* (Re)start the timer for the bounds as they are now. */
void http_tick_start(struct http_server *s);
/* Close at once, and tell the handler. */
void http_conn_kill(struct http_conn *c);
/* An answer to a request that is not complete, the last on this connection. */
void http_conn_refuse(struct http_conn *c, int status, const char *code, const char *msg);
/* 429 for CONN_PENDING. */
void http_conn_refuse_pending(struct http_conn *c);
/* Send no more, drop what comes, and close when the client does, or soon. */
void http_conn_linger(struct http_conn *c);

/* http_io.c */
/* c's turn: read, handle, send, as long as there is something to do and others need not wait. */
void http_conn_turn(struct http_conn *c);

/* http_request.c */
/* The head in text[0 .. len) is complete: c->x, or c is refused. */
void http_request_begin(struct http_conn *c, const char *text, size_t len);
/*
 * Go on with data, which may hold the body and more. Returns how much of it is the request's; then
 * the request is complete and dispatched, or data is used up, or c is refused: c's state tells.
 */
size_t http_request_body(struct http_exchange *x, const char *data, size_t len);

/* http_exchange.c */
/* Of the head in text[0 .. len); NULL when out of memory, or with *why when it is malformed. */
struct http_exchange *http_exchange_new(struct http_conn *c, const char *text, size_t len,
					const char **why);
/* c->x is over, one way or another: tell the handler if it still works, free it if it does not. */
void http_exchange_end(struct http_conn *c);
void http_exchange_free(struct http_exchange *x);
/* "name" NUL "value" NUL in one piece; NULL when out of memory. */
struct http_header_line *http_line_new(const char *name, const char *value);

/* http_reply.c */
/* Bytes that wait for the client, framed or not. */
size_t http_out_waiting(const struct http_exchange *x);
/* Make the next bytes ready to be sent; false if there are none, or no memory. */
bool http_reply_frame(struct http_exchange *x);

#endif
