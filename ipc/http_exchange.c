#include "ipc/http_priv.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "ipc/http_site.h"

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

struct framing {
	unsigned n_lengths, n_codings, n_hosts;
};

static const char *request_header(struct http_exchange *x, const char *name)
{
	return MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name);
}

static void judge_route(struct http_exchange *x)
{
	struct http_server *s = x->s;
	const char *path = x->req.path;

	switch (http_route_match(s->routes, s->n_routes, x->req.method, path,
				 x->scratch + strlen(path) + 1, &x->match)) {
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

static enum MHD_Result judge_query_cb(void *cls, enum MHD_ValueKind kind, const char *key,
				      const char *value)
{
	struct http_exchange *x = cls;
	char name[64], *copy;
	size_t len;

	(void)kind;
	if (value == NULL)
		return MHD_YES;
	len = strlen(value);
	copy = malloc(len + 1);
	if (copy == NULL)
		return MHD_NO;
	memcpy(copy, value, len + 1);
	/* The name goes into our answer: of other names than ours nothing is repeated. */
	snprintf(name, sizeof(name), "%s",
		 key[strspn(key, "abcdefghijklmnopqrstuvwxyz_")] == '\0' ? key : "");
	switch (http_unescape(copy, &len)) {
	case HTTP_MATCH_BAD_UTF8:
		refuse(x, 400, "invalid_utf8", name, "A parameter of the query is not UTF-8.");
		break;
	case HTTP_MATCH_BAD_ESCAPE:
		refuse(x, 400, "invalid_value", name,
		       "A parameter of the query has a %% without two hexadecimal digits, or a "
		       "NUL.");
		break;
	default:
		break;
	}
	free(copy);
	return MHD_YES;
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

/* The bounds that the head alone tells of. Returns the announced length, SIZE_MAX if unknown. */
static size_t judge_body(struct http_exchange *x)
{
	const char *coding = request_header(x, MHD_HTTP_HEADER_TRANSFER_ENCODING);
	const char *length = request_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH);
	unsigned long long len;

	if (coding != NULL) {
		if (strcasecmp(coding, "chunked") != 0)
			refuse(x, 411, "length_required", NULL,
			       "Send the body with Content-Length or with Transfer-Encoding: "
			       "chunked.");
		return SIZE_MAX;
	}
	if (length == NULL)
		return 0;
	len = strtoull(length, NULL, 10); /* libmicrohttpd refused what is no number */
	if (len > x->s->limits.body)
		refuse(x, 413, "body_too_large", NULL,
		       "The body has %llu bytes, more than the %zu allowed; send it in parts.", len,
		       x->s->limits.body);
	return (size_t)len;
}

/* Two lengths, or a length and chunks: where would the next request begin? */
static enum MHD_Result judge_header_cb(void *cls, enum MHD_ValueKind kind, const char *key,
				       const char *value)
{
	struct framing *f = cls;

	(void)kind;
	(void)value;
	f->n_lengths += strcasecmp(key, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
	f->n_codings += strcasecmp(key, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
	f->n_hosts += strcasecmp(key, MHD_HTTP_HEADER_HOST) == 0;
	return MHD_YES;
}

static void judge_framing(struct http_exchange *x)
{
	struct framing f = { 0 };

	MHD_get_connection_values(x->mhd, MHD_HEADER_KIND, judge_header_cb, &f);
	if (f.n_lengths + f.n_codings > 1)
		refuse(x, 400, "invalid_value", NULL,
		       "The request says more than once how long its body is.");
	if (f.n_hosts > 1)
		refuse(x, 400, "invalid_value", NULL, "The request has more than one Host.");
}

static void judge_site(struct http_exchange *x, const char *url)
{
	struct http_server *s = x->s;
	const struct http_site site = {
		.host = request_header(x, MHD_HTTP_HEADER_HOST),
		.target = url,
		.origin = request_header(x, MHD_HTTP_HEADER_ORIGIN),
		.sec_fetch_site = request_header(x, "Sec-Fetch-Site"),
	};
	enum http_site_judged judged = http_site_judge(&site, (const char *const *)s->hosts,
						       (const char *const *)s->origins);

	if (judged == HTTP_SITE_OK || x->refusal.status != 0)
		return;
	s->stats.n_foreign++;
	if (judged == HTTP_SITE_HOST)
		refuse(x, 403, "forbidden", NULL,
		       "The Host is a name other than localhost and ragd; allowed_hosts in the "
		       "configuration may add it.");
	else
		refuse(x, 403, "forbidden", NULL,
		       "Requests that a web page makes are not answered; allowed_origins in the "
		       "configuration may add its site.");
}

static void judge_head(struct http_exchange *x, const char *url)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	if (info->header_size > x->s->limits.headers)
		refuse(x, 431, "headers_too_large", NULL,
		       "The request's head has %zu bytes, more than the %zu allowed.",
		       info->header_size, x->s->limits.headers);
	if (MHD_get_connection_values(x->mhd, MHD_HEADER_KIND, NULL, NULL) > HTTP_HEADERS_MAX)
		refuse(x, 431, "headers_too_large", NULL,
		       "The request has more than the %d headers allowed.", HTTP_HEADERS_MAX);
	judge_framing(x);
	judge_site(x, url);
	if (x->refusal.status != 0)
		http_header(x, "Connection", "close");
	judge_route(x);
	MHD_get_connection_values(x->mhd, MHD_GET_ARGUMENT_KIND, judge_query_cb, x);
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
	if (x->response != NULL)
		MHD_destroy_response(x->response);
	lines_free(x->headers);
	lines_free(x->queries);
	buf_fini(&x->body);
	buf_fini(&x->out);
	free(x);
}

/* "Text/HTML; charset=x" to "text/html". */
static void content_type_set(struct http_exchange *x)
{
	const char *type = request_header(x, MHD_HTTP_HEADER_CONTENT_TYPE);
	size_t len = type != NULL ? strcspn(type, "; \t") : 0;

	if (len >= sizeof(x->content_type))
		len = 0; /* none that we know */
	for (size_t i = 0; i < len; i++)
		x->content_type[i] = (char)tolower((unsigned char)type[i]);
	x->req.content_type = x->content_type;
}

/* "http://host/path" is the same as "/path"; clients that think of a proxy send it. */
static const char *path_of(const char *url)
{
	static const char scheme[] = "http://";

	if (strncasecmp(url, scheme, sizeof(scheme) - 1) != 0)
		return url;
	url = strchr(url + sizeof(scheme) - 1, '/');
	return url != NULL ? url : "/";
}

static struct http_exchange *exchange_new(struct http_conn *c, struct MHD_Connection *mhd,
					  const char *url, const char *method)
{
	const char *path = path_of(url);
	size_t len = strlen(path);
	struct http_exchange *x = calloc(1, sizeof(*x) + 2 * len + 2);

	if (x == NULL)
		return NULL;
	x->s = c->s;
	x->conn = c;
	x->mhd = mhd;
	memcpy(x->scratch, path, len + 1);
	x->req.path = x->scratch;
	/* The route's spelling outlives the connection; others never get as far. */
	x->req.method = method;
	x->req.caller = &c->peer.caller;
	x->req.pid = c->peer.pid;
	http_request_id(c->s, x->request_id);
	x->req.request_id = x->request_id;
	content_type_set(x);
	return x;
}

/* The head is complete. MHD_NO closes the connection without an answer. */
static enum MHD_Result exchange_begin(struct http_server *s, struct MHD_Connection *mhd,
				      const char *url, const char *method, void **ctx)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_conn *c = info->socket_context;
	struct http_exchange *x;
	size_t len;

	if (c->state == CONN_CLOSING)
		return MHD_NO;
	x = exchange_new(c, mhd, url, method);
	if (x == NULL)
		return MHD_NO;
	*ctx = x;
	c->x = x;
	s->stats.n_requests++;
	/* Pipelined requests come without an event of their own. */
	if (c->state == CONN_IDLE)
		http_conn_state(c, CONN_HEAD);
	http_conn_state(c, CONN_BODY);
	judge_head(x, url);
	len = judge_body(x);
	/*
	 * A short body is read even where it is for nothing, to keep the connection; a long one is not,
	 * and neither is one whose client asked first.
	 */
	if (x->refusal.status != 0 &&
	    (len > HTTP_DISCARD_MAX ||
	     (len > 0 && request_header(x, MHD_HTTP_HEADER_EXPECT) != NULL)))
		return http_exchange_dispatch(x);
	return MHD_YES;
}

static enum MHD_Result exchange_body(struct http_exchange *x, const char *data, size_t *size)
{
	size_t len = *size;

	*size = 0;
	if (x->refusal.status != 0)
		return MHD_YES;
	if (x->body.len + len > x->s->limits.body)
		refuse(x, 413, "body_too_large", NULL,
		       "The body has more than the %zu bytes allowed; send it in parts.",
		       x->s->limits.body);
	else if (body_charge(x, len))
		buf_add(&x->body, data, len);
	if (x->body.failed)
		refuse(x, 503, "unavailable", NULL, "Out of memory; try again in a moment.");
	if (x->refusal.status == 0)
		return MHD_YES;
	/* libmicrohttpd takes no reply until the body has ended, and it may never end. */
	http_conn_refuse(x->conn, x->refusal.status, x->refusal.code, x->refusal.msg);
	return MHD_NO;
}

/* The request is complete, or refused before it is. */
static enum MHD_Result exchange_run(struct http_exchange *x)
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
		x->match.route->handler(x, &x->req, s->ctx);
	}
	return MHD_YES;
}

/* Give libmicrohttpd the reply, or have it forget the connection until there is one. */
static enum MHD_Result exchange_go_on(struct http_exchange *x)
{
	enum MHD_Result rc;

	if (x->dead)
		return MHD_NO;
	if (!x->replied) {
		x->suspended = true;
		MHD_suspend_connection(x->mhd);
		return MHD_YES;
	}
	if (x->response == NULL)
		return MHD_NO; /* out of memory */
	rc = MHD_queue_response(x->mhd, (unsigned)x->status, x->response);
	MHD_destroy_response(x->response);
	x->response = NULL;
	return rc;
}

enum MHD_Result http_exchange_dispatch(struct http_exchange *x)
{
	exchange_run(x);
	return exchange_go_on(x);
}

enum MHD_Result http_request_cb(void *cls, struct MHD_Connection *mhd, const char *url,
				const char *method, const char *version, const char *data,
				size_t *size, void **ctx)
{
	struct http_exchange *x = *ctx;

	(void)version;
	if (x == NULL)
		return exchange_begin(cls, mhd, url, method, ctx);
	if (x->dead)
		return MHD_NO;
	if (*size > 0)
		return exchange_body(x, data, size);
	if (!x->dispatched)
		return http_exchange_dispatch(x);
	return exchange_go_on(x);
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

void http_exchange_wake(struct http_exchange *x)
{
	if (!x->suspended)
		return;
	x->suspended = false;
	MHD_resume_connection(x->mhd);
	x->s->dirty = true;
}

void http_exchange_lost(struct http_exchange *x)
{
	exchange_gone(x);
	http_exchange_wake(x);
}

void http_completed_cb(void *cls, struct MHD_Connection *mhd, void **ctx,
		       enum MHD_RequestTerminationCode code)
{
	struct http_server *s = cls;
	struct http_exchange *x = *ctx;
	struct http_conn *c;

	(void)mhd;
	(void)code;
	if (x == NULL)
		return;
	*ctx = NULL;
	c = x->conn;
	c->x = NULL;
	if (c->state != CONN_CLOSING)
		http_conn_state(c, CONN_IDLE);
	share_give(s->share, SHARE_BODIES, c->peer.caller.uid, x->charged);
	share_give(s->share, SHARE_REPLIES, c->peer.caller.uid, x->charged_reply);
	http_server_freed(s, x->charged + x->charged_reply);
	if (x->dispatched)
		s->stats.n_exchanges--;
	/* Whatever the handler still holds cannot be sent. */
	if (!x->dead)
		exchange_gone(x);
	if (s->state == HTTP_DRAINING)
		http_conn_drain(c);
	x->conn = NULL;
	x->mhd = NULL;
	x->s = NULL;
	if (!x->owed)
		http_exchange_free(x);
}
