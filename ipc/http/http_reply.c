#include "ipc/http/http_private.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ipc/codec/codec.h"

/* ---- the reply's head ----------------------------------------------------------------------- */

/* What is written into a head as it is must not begin a line of its own. */
static bool is_value(const char *s)
{
	return strpbrk(s, "\r\n") == NULL;
}

void http_header(struct http_exchange *x, const char *name, const char *value)
{
	struct http_header_line *line = is_value(value) ? http_line_new(name, value) : NULL;

	if (line == NULL)
		return;
	line->next = x->headers;
	x->headers = line;
}

static bool header_is_set(const struct http_exchange *x, const char *name)
{
	for (const struct http_header_line *line = x->headers; line != NULL; line = line->next)
		if (strcasecmp(line->name, name) == 0)
			return true;
	return false;
}

/*
 * Called when the handler is done with x. False if its client has left; then x may have been freed.
 */
static bool reply_begin(struct http_exchange *x)
{
	if (x->state == EXCHANGE_ORPHAN) {
		http_exchange_free(x);
		return false;
	}
	return x->state != EXCHANGE_OVER;
}

static void head_print(struct http_exchange *x, int status, const char *type)
{
	struct buf *b = &x->wire;

	http_stamp(x->s, b, status, type != NULL && is_value(type) ? type : NULL, x->request_id);
	for (struct http_header_line *line = x->headers; line != NULL; line = line->next)
		buf_printf(b, "%s: %s\r\n", line->name, line->value);
	if (x->close && !header_is_set(x, "Connection"))
		buf_adds(b, "Connection: close\r\n");
}

/* The reply begins: its head, but for what says how long it is, and the empty line. */
static void reply_start(struct http_exchange *x, int status, const char *type,
			enum exchange_state next)
{
	http_exchange_state(x, next);
	x->moved_ms = (int64_t)uv_now(x->s->loop);
	x->form = strcmp(x->head.method, "HEAD") == 0 ? REPLY_BARE : REPLY_PLAIN;
	x->close |= x->s->state != HTTP_SERVING || header_is_set(x, "Connection");
	head_print(x, status, type);
	http_conn_ready(x->conn);
}

/* ---- on its way ----------------------------------------------------------------------------- */

static bool reply_charge(struct http_exchange *x, size_t n)
{
	const struct ragd_caller *caller = x->req.caller;

	if (share_take(x->s->share, SHARE_REPLIES, caller->uid, n, caller->admin, caller->admin) !=
	    SHARE_OK)
		return false;
	x->charged_reply += n;
	return true;
}

size_t http_out_waiting(const struct http_exchange *x)
{
	return x->out.len - x->out_at + x->wire.len - x->wire_at;
}

/* n bytes of `out` were framed: they are no longer there. */
static void out_taken(struct http_exchange *x, size_t n)
{
	x->out_at += n;
	x->charged_reply -= n;
	share_give(x->s->share, SHARE_REPLIES, x->req.caller->uid, n);
	if (x->out_at < x->out.len)
		return;
	x->out_at = 0;
	if (x->out.cap > HTTP_PIECE) {
		http_memory_freed(x->s, x->out.cap);
		buf_fini(&x->out);
	}
	buf_clear(&x->out);
}

bool http_reply_frame(struct http_exchange *x)
{
	size_t n = MIN(x->out.len - x->out_at, HTTP_PIECE);

	buf_clear(&x->wire);
	x->wire_at = 0;
	if (n > 0 && x->form == REPLY_BARE) {
		out_taken(x, x->out.len - x->out_at);
	} else if (n > 0) {
		if (x->form == REPLY_CHUNKED)
			buf_printf(&x->wire, "%zx\r\n", n);
		buf_add(&x->wire, x->out.data + x->out_at, n);
		if (x->form == REPLY_CHUNKED)
			buf_adds(&x->wire, "\r\n");
		out_taken(x, n);
	}
	if (x->state == EXCHANGE_ENDED && x->out_at == x->out.len) {
		http_exchange_state(x, EXCHANGE_FRAMED);
		if (x->form == REPLY_CHUNKED)
			buf_adds(&x->wire, "0\r\n\r\n");
	}
	return x->wire.len > 0 && !x->wire.failed;
}

/* ---- in one piece --------------------------------------------------------------------------- */

void http_reply(struct http_exchange *x, int status, const char *type, const void *body, size_t len)
{
	if (!reply_begin(x))
		return;
	if (status >= 500 && x->s->failure_cb != NULL)
		x->s->failure_cb(&x->req, status, (struct ragd_str){ body, len }, x->s->ctx);
	if (len > HTTP_PIECE && !reply_charge(x, len)) {
		http_reply_error(x, 429, "queue_full", NULL,
				 "Too many bytes of replies wait to be read by your clients, or by "
				 "all; read them, and ask again.");
		return;
	}
	reply_start(x, status, type, EXCHANGE_ENDED);
	buf_printf(&x->wire, "Content-Length: %zu\r\n\r\n", len);
	if (len <= HTTP_PIECE) {
		if (x->form != REPLY_BARE)
			buf_add(&x->wire, body, len);
		http_exchange_state(x, EXCHANGE_FRAMED);
	} else {
		buf_add(&x->out, body, len);
	}
	x->wire.failed |= x->out.failed;
}

void http_reply_error(struct http_exchange *x, int status, const char *code, const char *param,
		      const char *fmt, ...)
{
	struct buf body = BUF_INIT;
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if ((status == 429 || status == 503) && !header_is_set(x, "Retry-After"))
		http_header(x, "Retry-After", "1");
	codec_error(&body, status, code, param, msg);
	http_reply(x, status, "application/json", body.data, body.len);
	buf_fini(&body);
}

/* ---- in pieces ------------------------------------------------------------------------------ */

void http_stream_start(struct http_exchange *x, int status, const char *type)
{
	bool chunked = x->head.minor > 0; /* HTTP/1.0 reads until the connection ends */

	if (x->state != EXCHANGE_WORKING)
		return;
	if (!header_is_set(x, "Cache-Control"))
		http_header(x, "Cache-Control", "no-store");
	reply_start(x, status, type, EXCHANGE_STREAMING);
	if (chunked && x->form == REPLY_PLAIN)
		x->form = REPLY_CHUNKED;
	buf_adds(&x->wire, chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
}

size_t http_stream_write(struct http_exchange *x, const void *data, size_t len)
{
	if (x->state != EXCHANGE_STREAMING)
		return 0;
	if (http_out_waiting(x) == 0)
		x->moved_ms = (int64_t)uv_now(x->s->loop);
	/* What was sent goes before the rest would have to be moved to make room. */
	if (x->out_at > 0 && x->out.len + len >= x->out.cap) {
		buf_consume(&x->out, x->out_at);
		x->out_at = 0;
	}
	if (reply_charge(x, len))
		buf_add(&x->out, data, len);
	else
		x->out.failed = true;
	if (x->out.failed || http_out_waiting(x) > HTTP_STREAM_MAX) {
		/* Not here: the handler is in the middle of its own work. */
		http_conn_state(x->conn, CONN_CLOSING);
	}
	http_conn_ready(x->conn);
	return http_out_waiting(x);
}

void http_stream_end(struct http_exchange *x)
{
	if (!reply_begin(x))
		return;
	http_exchange_state(x, EXCHANGE_ENDED);
	if (http_out_waiting(x) == 0)
		x->moved_ms = (int64_t)uv_now(x->s->loop);
	http_conn_ready(x->conn);
}

void http_on_gone(struct http_exchange *x, http_gone_cb cb, void *arg)
{
	x->gone_cb = cb;
	x->gone_arg = arg;
}
