/*
 * The HTTP/1.1 server: it turns bytes on a Unix socket into requests, and replies into bytes, on
 * one libuv loop.
 *
 * An exchange is one request and its reply. The handler of its route gets the request complete,
 * with the whole body, and may reply at once or later, in one piece or as a stream. All functions
 * run on the loop thread, and none calls back into a handler before it returns.
 *
 * Replies carry X-Request-Id; every error has the shape of docs/protocol.md, with Retry-After on
 * 429 and 503. Bytes that are not HTTP get such an error, too, and the connection ends.
 *
 * A client is gone when it has closed its socket; that is noticed within one turn of the loop, even
 * while its handler is working. One that has only shut down its sending side, as `nc -N` does, gets
 * its reply.
 */
#ifndef IPC_HTTP_H
#define IPC_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include <ragd/plugin.h>

#define HTTP_PARAM_MAX 4

struct http_server;
struct http_exchange;

/* Bounds on what a client sends or leaves open; docs/protocol.md has the answer to each. */
struct http_limits {
	size_t body;    /* bytes */
	size_t headers; /* bytes */
	unsigned connections;
	unsigned connections_per_user;
	size_t bodies; /* bytes of bodies that have arrived, of all requests; 0: 16 times `body` */
	size_t bodies_per_user;     /* 0: half of it */
	size_t replies;             /* bytes of replies that wait for their clients */
	size_t replies_per_user;    /* 0: half of it */
	int64_t request_timeout_ms; /* to send a whole request */
	int64_t idle_timeout_ms;    /* between requests */
	int64_t write_timeout_ms;   /* without the client reading */
	/*
	 * Hosts and origins allowed besides the usual ones, see http_site.h; NULL-ended, copied, or
	 * NULL.
	 */
	const char *const *hosts;
	const char *const *origins;
};

/*
 * All of it is borrowed from the exchange: it is valid while the handler owes a reply, and until
 * the gone callback returns. Work that goes on after that needs copies.
 */
struct http_request {
	const char *method;
	const char *path;                      /* as sent, without the query */
	struct ragd_str param[HTTP_PARAM_MAX]; /* the {} of the pattern, percent-decoded */
	size_t n_params;
	struct ragd_str body;
	const char *content_type;         /* "" if there is none; without parameters */
	const char *request_id;           /* "req-…": also in the reply's X-Request-Id */
	const struct ragd_caller *caller; /* from the kernel */
	pid_t pid;
	int64_t received_us; /* CLOCK_MONOTONIC, when the request was complete */
	const void *arg;     /* the route's */
};

typedef void (*http_handler_cb)(struct http_exchange *x, const struct http_request *req, void *ctx);
/*
 * Before the handler completed its reply, the client went away or did not read for
 * write_timeout_ms, or the server stopped. x must not be used after the call.
 */
typedef void (*http_gone_cb)(struct http_exchange *x, void *arg);

#define HTTP_ROUTE_ADMIN  1u /* 403 unless the caller is an admin */
#define HTTP_ROUTE_ALWAYS 2u /* also while the server drains */

/* One row of a table, which a row of zeroes ends. */
struct http_route {
	const char *method;
	const char *pattern; /* "/v1/collections/{}/documents/{}"; {} is one segment, not empty */
	unsigned flags;
	http_handler_cb handler;
	const void *arg; /* for the handler of this route, which finds it in the request */
};

struct http_stats {
	uint64_t n_requests;
	uint64_t n_refused;     /* connections and requests beyond a bound or too slow */
	uint64_t n_foreign;     /* requests refused because of their Origin or Host */
	unsigned n_connections; /* open now */
	unsigned n_exchanges;   /* in progress now */
};

/* A request is answered with 500 or above: the fault is the server's. body is the reply's. */
typedef void (*http_failure_cb)(const struct http_request *req, int status, struct ragd_str body,
				void *ctx);

/*
 * Serve on the listening descriptors fds, at most 8, which the server owns on success. routes is a
 * NULL-ended array of tables, of which the first row that fits counts; they and ctx must outlive
 * the server. A HEAD request goes to the handler of GET.
 */
int http_server_start(uv_loop_t *loop, const int *fds, size_t n_fds,
		      const struct http_limits *limits, const struct http_route *const *routes,
		      void *ctx, struct http_server **out, struct ragd_err *err);
/* For a log of failures; cb gets the handlers' ctx. Call it at most once, before the loop runs. */
void http_server_on_failure(struct http_server *s, http_failure_cb cb);
/* New bounds, for whatever arrives from now on. */
void http_server_set_limits(struct http_server *s, const struct http_limits *limits);
/*
 * Accept no further connections; close idle ones now and the others after their reply; answer new
 * requests with 503 `draining`, except on routes with HTTP_ROUTE_ALWAYS. It is done when
 * n_exchanges is 0.
 */
void http_server_drain(struct http_server *s);
/*
 * Close everything. Gone callbacks run before the loop waits next, and from then on s must not be
 * used; closed_cb (may be NULL) runs once all handles are closed and s is freed.
 */
void http_server_stop(struct http_server *s, void (*closed_cb)(void *arg), void *arg);
void http_server_stats(const struct http_server *s, struct http_stats *out);

/*
 * The value of a parameter of the query string, percent-decoded; NULL if it is missing, or if the
 * client of x has left.
 */
const char *http_query(struct http_exchange *x, const char *name);
/*
 * Take over the body, for work that outlives the client: nothing is copied, and the request's own
 * body is empty afterwards. Its bytes are charged to the user until it is freed, on the loop
 * thread; by then the server may be gone. data is NUL-terminated; NULL when out of memory.
 */
struct http_body {
	char *data;
	size_t len;
	struct share *share; /* for the server, as are the members below */
	size_t charged;
	uid_t uid;
};
void http_take_body(struct http_exchange *x, struct http_body *out);
void http_body_free(struct http_body *body);
/* A header of the request; NULL if it is missing, or if the client of x has left. */
const char *http_request_header(struct http_exchange *x, const char *name);

/* Add a header to the reply, before it begins. One whose value has a line break is left out. */
void http_header(struct http_exchange *x, const char *name, const char *value);

/* Complete the exchange: x belongs to the server again. body is copied. */
void http_reply(struct http_exchange *x, int status, const char *type, const void *body,
		size_t len);
/* An error in the shape of docs/protocol.md; param may be NULL. */
void http_reply_error(struct http_exchange *x, int status, const char *code, const char *param,
		      const char *fmt, ...) RAGD_PRINTF(5, 6);

/*
 * A reply in pieces. Write copies its data, and returns how many bytes wait for the client to read
 * them (0 if the client is gone); a handler that lets more than 8 MiB wait loses the client. Every
 * stream that was started must be ended, which completes the exchange. Cache-Control is no-store
 * unless the handler has set it.
 */
void http_stream_start(struct http_exchange *x, int status, const char *type);
size_t http_stream_write(struct http_exchange *x, const void *data, size_t len);
void http_stream_end(struct http_exchange *x);

/*
 * Called from within the route's handler, to be told when the client leaves. Without it, a reply
 * that comes too late is dropped silently.
 */
void http_on_gone(struct http_exchange *x, http_gone_cb cb, void *arg);

#endif
