#include "ipc/http/http_private.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/util.h"
#include "ipc/http/http_site.h"

/* Bodies up to this find room where long ones have taken theirs. */
#define BODY_SMALL 65536

/* ---- what keeps a request from its handler -------------------------------------------------- */

static void refuse(struct http_exchange *x, int status, const char *code, const char *param,
		   const char *fmt, ...) RAGD_PRINTF(5, 6);

/* The first reason stands. */
static void refuse(struct http_exchange *x, int status, const char *code, const char *param,
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

static void judge_route(struct http_exchange *x)
{
	struct http_server *s = x->s;
	const char *path = x->req.path;

	switch (http_route_match(s->routes, s->n_routes, x->req.method, path,
				 (char *)path + strlen(path) + 1, &x->match)) {
	case HTTP_MATCH:
		if ((x->match.route->flags & HTTP_ROUTE_ADMIN) != 0 && !x->req.caller->admin)
			refuse(x, 403, "forbidden", NULL,
			       "This is for root and the user ragd runs as; you are uid %lu.",
			       (unsigned long)x->req.caller->uid);
		break;
	case HTTP_MATCH_NO_PATH:
		refuse(x, 404, "not_found", NULL,
		       "There is nothing at this path; docs/protocol.md lists what there is.");
		break;
	case HTTP_MATCH_NO_METHOD:
		http_header(x, "Allow", x->match.allow);
		refuse(x, 405, "method_not_allowed", NULL, "This path takes %s.", x->match.allow);
		break;
	case HTTP_MATCH_BAD_ESCAPE:
		refuse(x, 400, "invalid_value", NULL,
		       "The path has a %% without two hexadecimal digits, or a NUL; encode it "
		       "anew.");
		break;
	case HTTP_MATCH_BAD_UTF8:
		refuse(x, 400, "invalid_utf8", NULL,
		       "The path is not UTF-8 once it is decoded; encode it anew.");
		break;
	}
	memcpy(x->req.param, x->match.param, sizeof(x->req.param));
	x->req.n_params = x->match.n_params;
}

/* name=value&name=value: every value must be decodable, also of names that nobody asks for. */
static void judge_query(struct http_exchange *x)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
	char name[64], *copy;
	size_t len, n;

	for (const char *q = x->query; q != NULL; q = q[len] == '&' ? q + len + 1 : NULL) {
		len = strcspn(q, "&");
		n = strcspn(q, "=&");
		copy = strndup(q, len);
		if (copy == NULL) {
			refuse(x, 503, "unavailable", NULL,
			       "Out of memory; try again in a moment.");
			return;
		}
		/* The name goes into our answer: of other names than ours nothing is repeated. */
		snprintf(name, sizeof(name), "%.*s", strspn(q, letters) == n ? (int)n : 0, q);
		switch (http_query_decode(copy, &(size_t){ len })) {
		case HTTP_MATCH_BAD_UTF8:
			refuse(x, 400, "invalid_utf8", name,
			       "A parameter of the query is not UTF-8.");
			break;
		case HTTP_MATCH_BAD_ESCAPE:
			refuse(x, 400, "invalid_value", name,
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
		refuse(x, 429, "queue_full", NULL,
		       "Your requests have as many bytes as one user's may at a time; wait for "
		       "some of them.");
		return false;
	default:
		refuse(x, 429, "queue_full", NULL,
		       "All users' requests have as many bytes as there is room for; try again in "
		       "a second.");
		return false;
	}
}

/* What the head alone tells of the body. Returns the announced length, SIZE_MAX if unknown. */
static size_t judge_body(struct http_exchange *x)
{
	const struct http_head *h = &x->head;

	if (h->coded)
		refuse(x, 411, "length_required", NULL,
		       "Send the body with Content-Length or with Transfer-Encoding: chunked.");
	if (h->coded || h->chunked)
		return SIZE_MAX;
	if (h->length > x->s->limits.body)
		refuse(x, 413, "body_too_large", NULL,
		       "The body has %llu bytes, more than the %zu allowed; send it in parts.",
		       (unsigned long long)h->length, x->s->limits.body);
	x->body_left = h->length;
	return (size_t)MIN(h->length, SIZE_MAX);
}

static void judge_site(struct http_exchange *x)
{
	struct http_server *s = x->s;
	const struct http_site site = {
		.host = http_head_field(&x->head, "Host"),
		.target = x->head.target,
		.origin = http_head_field(&x->head, "Origin"),
		.sec_fetch_site = http_head_field(&x->head, "Sec-Fetch-Site"),
	};
	enum http_site_judged judged = http_site_judge(&site, (const char *const *)s->hosts,
						       (const char *const *)s->origins);

	if (judged == HTTP_SITE_OK)
		return;
	s->stats.n_foreign++;
	x->close = true;
	if (judged == HTTP_SITE_HOST)
		refuse(x, 403, "forbidden", NULL,
		       "The Host is a name other than localhost and ragd; allowed_hosts in the "
		       "configuration may add it.");
	else
		refuse(x, 403, "forbidden", NULL,
		       "Requests that a web page makes are not answered; allowed_origins in the "
		       "configuration may add its site.");
}

/* ---- one request ---------------------------------------------------------------------------- */

static void lines_free(struct http_header_line *line)
{
	struct http_header_line *next;

	for (; line != NULL; line = next) {
		next = line->next;
		free(line);
	}
}

void http_exchange_free(struct http_exchange *x)
{
	lines_free(x->headers);
	lines_free(x->queries);
	buf_fini(&x->body);
	buf_fini(&x->out);
	buf_fini(&x->wire);
	free(x);
}

/* "Text/HTML; charset=x" to "text/html". */
static void content_type_set(struct http_exchange *x)
{
	const char *type = http_head_field(&x->head, "Content-Type");
	size_t len = type != NULL ? strcspn(type, "; \t") : 0;

	if (len >= sizeof(x->content_type))
		len = 0; /* none that we know */
	for (size_t i = 0; i < len; i++)
		x->content_type[i] = (char)tolower((unsigned char)type[i]);
	x->req.content_type = x->content_type;
}

/* "http://host/path" is the same as "/path"; clients that think of a proxy send it. */
static const char *path_of(const char *target)
{
	static const char scheme[] = "http://";

	if (strncasecmp(target, scheme, sizeof(scheme) - 1) != 0)
		return target;
	target += sizeof(scheme) - 1;
	target += strcspn(target, "/?");
	return *target == '/' ? target : "/";
}

static struct http_exchange *exchange_new(struct http_conn *c, const char *text, size_t len,
					  const char **why)
{
	struct http_exchange *x = malloc(sizeof(*x) + 3 * len + 3);
	const char *path;
	char *copy;
	size_t n;

	*why = NULL;
	if (x == NULL)
		return NULL;
	memset(x, 0, sizeof(*x));
	memcpy(x->text, text, len);
	if (http_head_split(x->text, len, &x->head, why) != HTTP_HEAD_OK) {
		free(x);
		return NULL;
	}
	x->s = c->s;
	x->conn = c;
	x->close = x->head.close;
	path = path_of(x->head.target);
	n = strcspn(path, "?");
	copy = x->text + len + 1;
	memcpy(copy, path, n);
	copy[n] = '\0';
	x->query = path[n] == '?' ? path + n + 1 : NULL;
	x->req.path = copy;
	/* The route's spelling outlives the connection; others never get as far. */
	x->req.method = x->head.method;
	x->req.caller = &c->peer.caller;
	x->req.pid = c->peer.pid;
	http_request_id(c->s, x->request_id);
	x->req.request_id = x->request_id;
	content_type_set(x);
	return x;
}

/* The request is complete, or refused before it is: its handler, or the refusal in its place. */
static void exchange_run(struct http_exchange *x)
{
	struct http_server *s = x->s;
	const struct http_refusal *r = &x->refusal;

	x->dispatched = true;
	x->owed = true;
	s->stats.n_exchanges++;
	http_conn_state(x->conn, CONN_BUSY);
	x->req.body = buf_str(&x->body);
	x->req.received_us = clock_us();
	if (s->state != HTTP_SERVING && r->status == 0 &&
	    (x->match.route->flags & HTTP_ROUTE_ALWAYS) == 0)
		refuse(x, 503, "draining", NULL,
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

void http_exchange_begin(struct http_conn *c, const char *text, size_t len)
{
	static const char continue_text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http_exchange *x;
	const char *why, *expect;
	size_t n;

	x = exchange_new(c, text, len, &why);
	if (x == NULL) {
		http_conn_refuse(c, why != NULL ? 400 : 503,
				 why != NULL ? "invalid_value" : "unavailable",
				 why != NULL ? why : "Out of memory; try again in a moment.");
		return;
	}
	c->x = x;
	c->s->stats.n_requests++;
	http_conn_state(c, CONN_BODY);
	judge_site(x);
	judge_route(x);
	judge_query(x);
	n = judge_body(x);
	expect = http_head_field(&x->head, "Expect");
	/*
	 * A short body is read even where it is for nothing, to keep the connection; a long one is not,
	 * and neither is one whose client asked first.
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
	refuse(x, 413, "body_too_large", NULL,
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
		refuse(x, 503, "unavailable", NULL, "Out of memory; try again in a moment.");
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
		refuse(x, 400, "invalid_value", NULL, "The body's chunks are malformed.");
		break;
	}
	return used;
}

size_t http_exchange_body(struct http_exchange *x, const char *data, size_t len)
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

/* ---- its end -------------------------------------------------------------------------------- */

/* The handler will not be answered for: tell it, or let it find out by itself. */
static void exchange_gone(struct http_exchange *x)
{
	x->dead = true;
	if (!x->owed || x->gone_cb == NULL)
		return;
	x->owed = false;
	x->gone_cb(x, x->gone_arg);
}

void http_exchange_end(struct http_conn *c)
{
	struct http_server *s = c->s;
	struct http_exchange *x = c->x;

	if (x == NULL)
		return;
	c->x = NULL;
	share_give(s->share, SHARE_BODIES, c->peer.caller.uid, x->charged);
	share_give(s->share, SHARE_REPLIES, c->peer.caller.uid, x->charged_reply);
	http_memory_freed(s, x->charged + x->charged_reply);
	x->charged = x->charged_reply = 0;
	if (x->dispatched)
		s->stats.n_exchanges--;
	/* Whatever the handler still holds cannot be sent. */
	exchange_gone(x);
	x->conn = NULL;
	x->s = NULL;
	if (!x->owed)
		http_exchange_free(x);
}
