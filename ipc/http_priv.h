/*
 * What the files of the HTTP server share; see http.h for what it is.
 *
 *   http_server.c    the loop's handles, driving libmicrohttpd, draining and stopping
 *   http_accept.c    new connections, and the bounds on them
 *   http_conn.c      one connection: hang-ups, timeouts, answers that end it
 *   http_head.c      judging a request's head before libmicrohttpd sees it
 *   http_exchange.c  one request: its body, its handler
 *   http_reply.c     its reply
 *   http_route.c     paths to routes
 *
 * Two epoll sets hold every connection. libmicrohttpd's own drives the requests, but forgets a connection
 * while it is suspended, which is most of an answer's life. Ours is edge-triggered and never acted on for
 * data: it tells when a client hangs up, whatever libmicrohttpd does, and when a request begins. A new
 * connection is in ours alone until its first bytes have come and look like HTTP.
 *
 * A hang-up is EPOLLHUP, which on AF_UNIX means that the peer closed its socket. A peer that only shut
 * down its sending side (`nc -N`) causes EPOLLRDHUP alone, can still read, and gets its answer.
 */
#ifndef IPC_HTTP_PRIV_H
#define IPC_HTTP_PRIV_H

#include <microhttpd.h>

#include "base/buf.h"
#include "ipc/http.h"
#include "ipc/http_route.h"
#include "ipc/http_share.h"
#include "ipc/peer.h"

#define HTTP_LISTEN_MAX 8
/* Refused connections that wait for their request, so that the client reads the answer, not EPIPE. */
#define HTTP_LOBBY_MAX        64
#define HTTP_LOBBY_TIMEOUT_MS 1000
/* What a connection that closes gives back, roughly: libmicrohttpd's memory for it. */
#define HTTP_CONN_MEMORY 32768
/* A refused request's body up to this is read and dropped; a longer one costs the connection. */
#define HTTP_DISCARD_MAX 65536
/* A stream's bytes that wait for its client; a handler that writes on beyond it loses the client. */
#define HTTP_STREAM_MAX (8u << 20)
/* A longer body is sent piece by piece, so that a client that reads slowly can be told from none. */
#define HTTP_BODY_WHOLE 65536
/* Headers of a request: each costs libmicrohttpd 64 bytes of the connection's memory beside its own. */
#define HTTP_HEADERS_MAX 128

enum conn_state {
	CONN_NEW,     /* nothing came yet; libmicrohttpd does not know of it */
	CONN_LOBBY,   /* the same beyond a bound: its request will be answered 429 */
	CONN_IDLE,    /* between requests */
	CONN_HEAD,    /* a request began to arrive */
	CONN_BODY,    /* its head is complete */
	CONN_BUSY,    /* it is complete; handler and reply */
	CONN_CLOSING, /* shut down; libmicrohttpd will close it on its next turn */
};

struct http_conn {
	struct http_server *s;
	struct http_conn *prev, *next;
	int fd; /* libmicrohttpd's, but for CONN_NEW and CONN_LOBBY */
	enum conn_state state;
	bool lobby;       /* does not count as a connection */
	bool own_full;    /* in the lobby for what its user has, not for what all have */
	bool doomed;      /* to be closed before the loop waits again */
	int64_t since_ms; /* when the state (head and body together) began */
	int outq;         /* bytes in the socket's buffer when last looked at */
	struct peer peer;
	struct http_exchange *x; /* from head to completion */
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

/*
 * Owned by libmicrohttpd's request (conn != NULL) and by the handler (owed): freed when neither holds
 * it any more.
 */
struct http_exchange {
	struct http_server *s;
	struct http_conn *conn;     /* NULL once libmicrohttpd is done with the request */
	struct MHD_Connection *mhd; /* as conn */
	struct http_request req;
	struct http_matched match;
	struct http_refusal refusal;
	struct buf body;
	size_t charged;       /* bytes of the body that are its user's */
	size_t charged_reply; /* bytes of `out` that are */
	bool dispatched;      /* the handler was called */
	bool owed;            /* the handler has not completed it */
	bool suspended;
	bool dead; /* nothing more can be sent */

	http_gone_cb gone_cb;
	void *gone_arg;
	struct http_header_line *headers;
	struct http_header_line *queries; /* decoded parameters that were asked for */

	int status;
	struct MHD_Response *response; /* ours until it is queued */
	bool replied;                  /* response was made */
	bool stream;
	bool ended;
	struct buf out; /* stream, or a long body: out.data[out_at ..] waits for the client */
	size_t out_at;
	int64_t moved_ms; /* when something last moved towards the client */

	char request_id[32];
	char content_type[64];
	char scratch[]; /* path, then decoded segments */
};

enum http_state { HTTP_SERVING, HTTP_DRAINING, HTTP_STOPPING, HTTP_STOPPED };

struct http_server {
	uv_loop_t *loop;
	struct MHD_Daemon *mhd;
	struct http_limits limits;
	const struct http_route *routes; /* [n_routes] */
	size_t n_routes;
	void *ctx;
	enum http_state state;
	bool dirty; /* libmicrohttpd has work */

	uv_poll_t listen[HTTP_LISTEN_MAX];
	int listen_fd[HTTP_LISTEN_MAX]; /* -1 once closed */
	size_t n_listen;
	int epoll_fd; /* our set */
	uv_poll_t poll_mhd;
	uv_poll_t poll_own;
	uv_prepare_t prepare;
	uv_idle_t idle;     /* active while libmicrohttpd wants another turn at once */
	uv_timer_t tick;    /* timeouts; active while there are connections */
	uv_timer_t retry;   /* accepting again after descriptors ran out */
	uv_timer_t trim;    /* giving memory back */
	unsigned n_handles; /* not yet closed */

	struct http_conn *conns;
	struct http_conn *adding; /* on its way through MHD_add_connection */
	unsigned n_lobby;
	bool any_doomed;
	struct share *share;
	char **hosts, **origins; /* NULL-ended; NULL: none */
	size_t freed;            /* bytes given back to malloc since it last gave to the kernel */
	struct http_stats stats;

	unsigned char random[256]; /* for request ids */
	size_t random_at;

	void (*closed_cb)(void *arg);
	void *closed_arg;
	char *peek; /* limits.headers + 1 bytes, see conn_first() */
	size_t peek_size;
};

/* http_accept.c */
void http_accept_cb(uv_poll_t *poll, int status, int events);
/* Hand a connection over to libmicrohttpd, which closes it if that fails. */
void http_conn_admit(struct http_conn *c);
/* Forget c: off the set, list and counts, and its memory. Its descriptor is open, and closed by others. */
void http_conn_free(struct http_conn *c);

/* http_conn.c */
void http_conn_notify_cb(void *cls, struct MHD_Connection *mhd, void **socket_context,
			 enum MHD_ConnectionNotificationCode what);
void http_own_cb(uv_poll_t *poll, int status, int events);
void http_conn_link(struct http_conn *c);
void http_conn_state(struct http_conn *c, enum conn_state state);
/* The server drains: an idle connection goes, one with a request on its way is answered. */
void http_conn_drain(struct http_conn *c);
void http_tick_cb(uv_timer_t *timer);
/* (Re)start the timer for the bounds as they are now. */
void http_tick_start(struct http_server *s);
/*
 * Close: at once what libmicrohttpd does not know, otherwise the socket is shut down, the handler told,
 * and libmicrohttpd closes on its next turn. c may be gone afterwards.
 */
void http_conn_kill(struct http_conn *c);
/* An answer past libmicrohttpd, which has nothing to send while a request arrives; then kill. */
void http_conn_refuse(struct http_conn *c, int status, const char *code, const char *msg);
/* 429 for CONN_LOBBY. */
void http_conn_refuse_lobby(struct http_conn *c);

/* http_exchange.c */
enum MHD_Result http_request_cb(void *cls, struct MHD_Connection *mhd, const char *url,
				const char *method, const char *version, const char *data,
				size_t *size, void **ctx);
void http_completed_cb(void *cls, struct MHD_Connection *mhd, void **ctx,
		       enum MHD_RequestTerminationCode code);
/* Run the handler, or the refusal in its place. What libmicrohttpd's callback returns. */
enum MHD_Result http_exchange_dispatch(struct http_exchange *x);
/* The client cannot be answered any more: tell the handler, let libmicrohttpd drop the request. */
void http_exchange_lost(struct http_exchange *x);
void http_exchange_wake(struct http_exchange *x);
void http_exchange_free(struct http_exchange *x);

/* http_reply.c */
/* Bytes of x->out that wait. */
size_t http_out_waiting(const struct http_exchange *x);

/* http_server.c */
/* The loop shall not wait before the server had its turn. */
void http_server_wake(struct http_server *s);
/* n bytes went back to malloc: when it is much, and a quiet moment comes, it goes back to the kernel. */
void http_server_freed(struct http_server *s, size_t n);
void http_request_id(struct http_server *s, char out[32]);

/* http_head.c */
enum http_head {
	HTTP_HEAD_OK,      /* complete and well-formed, or not complete and well-formed so far */
	HTTP_HEAD_BAD,     /* 400 */
	HTTP_HEAD_VERSION, /* 505 */
	HTTP_HEAD_LARGE,   /* 431: no end within max bytes, or too many lines */
};
/*
 * Judge the first len bytes of a request, of which at most max may be its head. Looks at shapes only, so
 * that a client that does not speak HTTP gets an error it can read: libmicrohttpd parses it again.
 */
enum http_head http_head_judge(const char *buf, size_t len, size_t max);

#endif
