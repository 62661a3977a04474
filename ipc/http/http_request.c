/* One request until its handler has it: what keeps it from that, and its body. */
#include "ipc/http/http_private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/util.h"
#include "ipc/http/syntax/http_site.h"

/* Bodies up to this find room where long ones have taken theirs. */
#define BODY_SMALL 65536

/* ---- what keeps a request from its handler -------------------------------------------------- */

static void request_refuse(struct http_exchange *x, int status, const char *code, const char *param,
			   const char *fmt, ...) RAGD_PRINTF(5, 6);

/* The first reason stands. */
static void request_refuse(struct http_exchange *x, int status, const char *code, const char *param,
			   const char *fmt, ...)
{
	struct http_refusal *r = &x->refusal;
	va_list ap;

	if (r->status != 0)
		return;
	r->status = status;
	r->code = code;
	snprintf(r->param, sizeof(r->param), "%s", param != NULL ? param : "");
	va_start(ap, fmt);
	vsnprintf(r->msg, sizeof(r->msg), fmt, ap);
	va_end(ap);
}

static void route_find(struct http_exchange *x)
{
	struct http_server *s = x->s;
	const char *path = x->req.path;

	switch (http_route_match(s->routes, x->req.method, path, (char *)path + strlen(path) + 1,
				 &x->match)) {
	case HTTP_MATCH:
		if ((x->match.route->flags & HTTP_ROUTE_ADMIN) != 0 && !x->req.caller->admin)
			request_refuse(
				x, 403, "forbidden", NULL,
				"This is for root and the user ragd runs as; you are uid %lu.",
				(unsigned long)x->req.caller->uid);
		break;
	case HTTP_MATCH_NO_PATH:
		request_refuse(
			x, 404, "not_found", NULL,
			"There is nothing at this path; docs/protocol.md lists what there is.");
		break;
	case HTTP_MATCH_NO_METHOD:
		http_header(x, "Allow", x->match.allow);
		request_refuse(x, 405, "method_not_allowed", NULL, "This path takes %s.",
			       x->match.allow);
		break;
	case HTTP_MATCH_BAD_ESCAPE:
		request_refuse(
			x, 400, "invalid_value", NULL,
			"The path has a %% without two hexadecimal digits, or a NUL; encode it "
			"again.");
		break;
	case HTTP_MATCH_BAD_UTF8:
		request_refuse(x, 400, "invalid_utf8", NULL,
			       "The path is not UTF-8 once it is decoded; encode it again.");
		break;
	}
	memcpy(x->req.param, x->match.param, sizeof(x->req.param));
	x->req.n_params = x->match.n_params;
}

/* name=value&name=value: every value must be decodable, even of a name that nobody asks for. */
static void query_check(struct http_exchange *x)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
	char name[64], *copy;
	size_t len, n;

	for (const char *q = x->query; q != NULL; q = q[len] == '&' ? q + len + 1 : NULL) {
		len = strcspn(q, "&");
		n = strcspn(q, "=&");
		copy = strndup(q, len);
		if (copy == NULL) {
			request_refuse(x, 503, "unavailable", NULL,
				       "Out of memory; try again in a moment.");
			return;
		}
		/* The name goes into our answer: of other names than ours nothing is repeated. */
		snprintf(name, sizeof(name), "%.*s", strspn(q, letters) == n ? (int)n : 0, q);
		switch (http_query_decode(copy, &(size_t){ len })) {
		case HTTP_MATCH_BAD_UTF8:
			request_refuse(x, 400, "invalid_utf8", name,
				       "A parameter of the query is not UTF-8.");
			break;
		case HTTP_MATCH_BAD_ESCAPE:
			request_refuse(
				x, 400, "invalid_value", name,
				"A parameter of the query has a %% without two hexadecimal digits, "
				"or a NUL.");
			break;
		default:
			break;
		}
		free(copy);
	}
}

/* n bytes more are here. What is only announced costs nothing: it may never come. */
static bool body_charge(struct http_exchange *x, size_t n)
{
	const struct ragd_caller *caller = x->req.caller;

	switch (share_take(x->s->share, SHARE_BODIES, caller->uid, n,
			   caller->admin || x->body.len + n <= BODY_SMALL, caller->admin)) {
	case SHARE_OK:
		x->charged += n;
		return true;
	case SHARE_OWN_FULL:
		request_refuse(
			x, 429, "queue_full", NULL,
			"Your requests have as many bytes as one user's may at a time; wait for "
			"some of them.");
		return false;
	default:
		request_refuse(
			x, 429, "queue_full", NULL,
			"All users' requests have as many bytes as there is room for; try again in "
			"a second.");
		return false;
	}
}

/* What the head alone tells of the body. Returns the announced length, SIZE_MAX if unknown. */
static size_t body_announced(struct http_exchange *x)
{
	const struct http_head *h = &x->head;

	if (h->coded)
		request_refuse(
			x, 411, "length_required", NULL,
			"Send the body with Content-Length or with Transfer-Encoding: chunked.");
	if (h->coded || h->chunked)
		return SIZE_MAX;
	if (h->length > x->s->limits.body)
		request_refuse(
			x, 413, "body_too_large", NULL,
			"The body has %llu bytes, more than the %zu allowed; send it in parts.",
			(unsigned long long)h->length, x->s->limits.body);
	x->body_left = h->length;
	return (size_t)MIN(h->length, SIZE_MAX);
}

static void site_check(struct http_exchange *x)
{
	struct http_server *s = x->s;
	const struct http_site site = {
		.host = http_head_field(&x->head, "Host"),
		.target = x->head.target,
		.origin = http_head_field(&x->head, "Origin"),
		.sec_fetch_site = http_head_field(&x->head, "Sec-Fetch-Site"),
	};
	enum http_site_result result = http_site_check(&site, (const char *const *)s->hosts,
						       (const char *const *)s->origins);

	if (result == HTTP_SITE_OK)
		return;
	s->stats.n_foreign++;
	x->close = true;
	if (result == HTTP_SITE_HOST)
		request_refuse(
			x, 403, "forbidden", NULL,
			"The Host is a name other than localhost and ragd; allowed_hosts in the "
			"configuration may add it.");
	else
		request_refuse(
			x, 403, "forbidden", NULL,
			"Requests that a web page makes are not answered; allowed_origins in the "
			"configuration may add its site.");
}

/* ---- on its way ----------------------------------------------------------------------------- */

/* The request is complete, or refused before it is: its handler, or the refusal in its place. */
static void exchange_run(struct http_exchange *x)
{
	struct http_server *s = x->s;
	const struct http_refusal *r = &x->refusal;

	http_exchange_state(x, EXCHANGE_WORKING);
	s->stats.n_exchanges++;
	http_conn_state(x->conn, CONN_BUSY);
	x->req.body = buf_str(&x->body);
	x->req.received_us = clock_us();
	if (s->state != HTTP_SERVING && r->status == 0 &&
	    (x->match.route->flags & HTTP_ROUTE_ALWAYS) == 0)
		request_refuse(x, 503, "draining", NULL,
			       "ragd is shutting down; try again when it has started again.");
	if (r->status == 413 || r->status == 429 || r->status == 431)
		s->stats.n_refused++;
	if (r->status != 0) {
		http_reply_error(x, r->status, r->code, r->param[0] != '\0' ? r->param : NULL, "%s",
				 r->msg);
	} else {
		x->req.method = x->match.route->method;
		x->req.arg = x->match.route->arg;
		x->match.route->handler(x, &x->req, s->ctx);
	}
}

void http_request_begin(struct http_conn *c, const char *text, size_t len)
{
	static const char continue_text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http_exchange *x;
	const char *why, *expect;
	size_t n;

	x = http_exchange_new(c, text, len, &why);
	if (x == NULL) {
		http_conn_refuse(c, why != NULL ? 400 : 503,
				 why != NULL ? "invalid_value" : "unavailable",
				 why != NULL ? why : "Out of memory; try again in a moment.");
		return;
	}
	c->x = x;
	c->s->stats.n_requests++;
	http_conn_state(c, CONN_BODY);
	site_check(x);
	route_find(x);
	query_check(x);
	n = body_announced(x);
	expect = http_head_field(&x->head, "Expect");
	/*
	 * A short body is read even where it is for nothing, to keep the connection; a long one is
	 * not, and neither is one whose client asked first.
	 */
	if (x->refusal.status != 0 && (n > HTTP_DISCARD_MAX || (n > 0 && expect != NULL)))
		x->close = true;
	else if (n > 0 && expect != NULL && x->head.minor > 0)
		(void)!send(c->fd, continue_text, sizeof(continue_text) - 1,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n == 0 || (x->refusal.status != 0 && x->close))
		exchange_run(x);
}

static void body_too_large(struct http_exchange *x)
{
	request_refuse(x, 413, "body_too_large", NULL,
		       "The body has more than the %zu bytes allowed; send it in parts.",
		       x->s->limits.body);
}

/* Bytes that the body may still get; the bound may have changed meanwhile. */
static size_t body_room(const struct http_exchange *x)
{
	return x->s->limits.body - MIN(x->s->limits.body, x->body.len);
}

/* A piece of the body. False if it is refused, and with it the connection. */
static bool body_add(struct http_exchange *x, const char *data, size_t len)
{
	if (x->refusal.status != 0)
		return true;
	if (len > body_room(x))
		body_too_large(x);
	else if (body_charge(x, len))
		buf_add(&x->body, data, len);
	if (x->body.failed)
		request_refuse(x, 503, "unavailable", NULL,
			       "Out of memory; try again in a moment.");
	return x->refusal.status == 0;
}

static size_t body_plain(struct http_exchange *x, const char *data, size_t len, bool *ok,
			 bool *complete)
{
	len = (size_t)MIN(len, x->body_left);
	*ok = body_add(x, data, len);
	x->body_left -= len;
	*complete = x->body_left == 0;
	return len;
}

static size_t body_chunked(struct http_exchange *x, const char *data, size_t len, bool *ok,
			   bool *complete)
{
	size_t used, piece;

	*ok = true;
	switch (http_chunk_take(&x->chunks, data, len, &used, &piece)) {
	case HTTP_CHUNK_PIECE:
		*ok = body_add(x, data + used - piece, piece);
		break;
	case HTTP_CHUNK_END:
		*complete = true;
		break;
	case HTTP_CHUNK_MORE:
		/* A chunk that cannot fit is refused before it comes. */
		if (x->chunks.left <= body_room(x))
			break;
		*ok = false;
		body_too_large(x);
		break;
	case HTTP_CHUNK_BAD:
		*ok = false;
		request_refuse(x, 400, "invalid_value", NULL, "The body's chunks are malformed.");
		break;
	}
	return used;
}

size_t http_request_body(struct http_exchange *x, const char *data, size_t len)
{
	struct http_conn *c = x->conn;
	struct http_refusal why;
	bool ok = true, complete = false;
	size_t at = 0;

	while (ok && !complete && at < len)
		at += x->head.chunked ? body_chunked(x, data + at, len - at, &ok, &complete)
				      : body_plain(x, data + at, len - at, &ok, &complete);
	if (!ok) {
		why = x->refusal; /* x goes */
		http_conn_refuse(c, why.status, why.code, why.msg);
		return len;
	}
	if (complete)
		exchange_run(x);
	return at;
}
