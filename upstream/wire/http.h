/*
 * HTTP exchanges, many at once on one thread: libcurl's multi-socket interface on epoll, its timer
 * on a timerfd, and an eventfd for others to wake the thread. All but http_wake() belongs to that
 * thread.
 */
#ifndef UPSTREAM_WIRE_HTTP_H
#define UPSTREAM_WIRE_HTTP_H

#include <stdint.h>

#include <curl/curl.h>

#include <ragd/plugin.h>

struct http;
struct exchange;

/* Called on the thread, from within http_run(). */
struct exchange_ops {
	/*
	 * Bytes of the body, whatever the status; x->status and x->type are set. A negative value
	 * ends the exchange with -ECANCELED.
	 */
	int (*body)(struct exchange *x, const char *data, size_t len);
	/*
	 * Once, unless http_abort() came first; x may be freed or started again from here. rc 0:
	 * there was a reply, whole, and x->status is its; else *err says what went wrong.
	 */
	void (*done)(struct exchange *x, int rc, const struct ragd_err *err);
};

struct exchange {
	const struct exchange_ops *ops; /* the caller sets it */
	long status;                    /* 0: no reply yet */
	int64_t retry_after_ms;         /* -1: the server did not say */
	char type[64]; /* the reply's Content-Type, in lower case, without parameters */

	CURL *easy; /* NULL: not at work; the rest is http.c's */
	struct curl_slist *headers;
	bool refused; /* by body() */
	char why[CURL_ERROR_SIZE];
};

/*
 * Where and how; strings are borrowed until http_start() returns, the body until the exchange is
 * over.
 */
struct exchange_request {
	const char *url;
	const char *unix_path; /* NULL: over TCP */
	const char *body;      /* NULL: GET */
	const char *key;       /* "": none */
	const char *accept;
	const char *request_id; /* NULL: none */
	const char *proxy;      /* none, environment or a URL */
	const char *tls_ca;     /* "": the system's */
	bool tls_verify;
	int64_t connect_ms;
	int64_t total_ms; /* 0: no bound here */
};

int http_open(struct http **out, struct ragd_err *err);
/* No exchange may be at work. */
void http_close(struct http *h);

/* From any thread: http_run() returns soon. */
void http_wake(struct http *h);
/* Wait for at most timeout_ms (-1: until something happens) and do what there is to do. */
void http_run(struct http *h, int timeout_ms);

/* 0, and done() follows from http_run(), or -ENOMEM, -EINVAL. */
int http_start(struct http *h, struct exchange *x, const struct exchange_request *r,
	       struct ragd_err *err);
/*
 * Close the connection now: done() does not follow. Not from within body(). NULL-safe if not at
 * work.
 */
void http_abort(struct http *h, struct exchange *x);

#endif
