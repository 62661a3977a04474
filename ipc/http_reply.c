#include "ipc/http_priv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ipc/codec.h"

/* ---- what the request carried --------------------------------------------------------------- */

/* "name" NUL "value" NUL in one piece. */
static struct http_header_line *line_new(const char *name, const char *value)
{
	size_t n = strlen(name) + 1, v = strlen(value) + 1;
	struct http_header_line *line = malloc(sizeof(*line) + n + v);

	if (line == NULL)
		return NULL;
	memcpy(line->name, name, n);
	memcpy(line->name + n, value, v);
	line->value = line->name + n;
	return line;
}

const char *http_query(struct http_exchange *x, const char *name)
{
	struct http_header_line *line;
	const char *raw;
	size_t len;

	for (line = x->queries; line != NULL; line = line->next)
		if (strcmp(line->name, name) == 0)
			return line->value;
	if (x->mhd == NULL)
		return NULL;
	raw = MHD_lookup_connection_value(x->mhd, MHD_GET_ARGUMENT_KIND, name);
	line = raw != NULL ? line_new(name, raw) : NULL;
	if (line == NULL)
		return NULL;
	/* judge_query_cb() saw to it that this works. */
	len = strlen(raw);
	http_unescape((char *)line->value, &len);
	((char *)line->value)[len] = '\0';
	line->next = x->queries;
	x->queries = line;
	return line->value;
}

void http_take_body(struct http_exchange *x, struct http_body *out)
{
	x->req.body = (struct ragd_str){ NULL, 0 };
	*out = (struct http_body){
		.share = share_ref(x->s->share),
		.charged = x->charged,
		.uid = x->req.caller->uid,
	};
	x->charged = 0;
	out->data = buf_steal(&x->body, &out->len);
}

void http_body_free(struct http_body *body)
{
	free(body->data);
	if (body->share != NULL)
		share_give(body->share, SHARE_BODIES, body->uid, body->charged);
	share_unref(body->share);
	*body = (struct http_body){ .data = NULL };
}

const char *http_request_header(struct http_exchange *x, const char *name)
{
	return x->mhd != NULL ? MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name) : NULL;
}

/* ---- the reply's head ----------------------------------------------------------------------- */

void http_header(struct http_exchange *x, const char *name, const char *value)
{
	struct http_header_line *line = line_new(name, value);

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

/* The handler is done with x. False if there is nobody to answer; then x is gone. */
static bool reply_begin(struct http_exchange *x)
{
	if (x->conn == NULL) {
		http_exchange_free(x);
		return false;
	}
	x->owed = false;
	return !x->dead;
}

static void reply_ready(struct http_exchange *x, int status, const char *type,
			struct MHD_Response *response)
{
	x->replied = true;
	x->status = status;
	x->response = response;
	x->moved_ms = (int64_t)uv_now(x->s->loop);
	if (response != NULL) {
		if (type != NULL)
			MHD_add_response_header(response, "Content-Type", type);
		MHD_add_response_header(response, "X-Request-Id", x->request_id);
		for (struct http_header_line *line = x->headers; line != NULL; line = line->next)
			MHD_add_response_header(response, line->name, line->value);
		if (x->s->state != HTTP_SERVING)
			MHD_add_response_header(response, "Connection", "close");
	}
	http_exchange_wake(x);
}

/* ---- in one piece --------------------------------------------------------------------------- */

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
	return x->out.len - x->out_at;
}

/* Called by libmicrohttpd when it has room. */
static ssize_t out_read_cb(void *cls, uint64_t pos, char *to, size_t max)
{
	struct http_exchange *x = cls;
	size_t n = MIN(max, http_out_waiting(x));

	(void)pos; /* it reads on where it stopped */
	if (x->dead)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n > 0) {
		memcpy(to, x->out.data + x->out_at, n);
		x->out_at += n;
		x->charged_reply -= n;
		share_give(x->s->share, SHARE_REPLIES, x->req.caller->uid, n);
		x->moved_ms = (int64_t)uv_now(x->s->loop);
		if (http_out_waiting(x) == 0) {
			if (x->out.cap > HTTP_BODY_WHOLE) {
				http_server_freed(x->s, x->out.cap);
				buf_fini(&x->out);
			}
			buf_clear(&x->out);
			x->out_at = 0;
		}
		return (ssize_t)n;
	}
	if (x->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	x->suspended = true;
	MHD_suspend_connection(x->mhd);
	return 0;
}

void http_reply(struct http_exchange *x, int status, const char *type, const void *body, size_t len)
{
	struct MHD_Response *response;

	if (!reply_begin(x))
		return;
	if (len > HTTP_BODY_WHOLE && !reply_charge(x, len)) {
		http_reply_error(x, 429, "queue_full", NULL,
				 "Too many bytes of replies wait to be read by your clients, or by "
				 "all; read them, and ask again.");
		return;
	}
	if (len <= HTTP_BODY_WHOLE) {
		response =
			MHD_create_response_from_buffer(len, (void *)body, MHD_RESPMEM_MUST_COPY);
	} else {
		buf_clear(&x->out);
		buf_add(&x->out, body, len);
		x->ended = true;
		response = x->out.failed ? NULL
					 : MHD_create_response_from_callback(len, 16384,
									     out_read_cb, x, NULL);
	}
	reply_ready(x, status, type, response);
}

void http_reply_json(struct http_exchange *x, int status, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);
	size_t len = text != NULL ? strlen(text) : 0;

	json_decref(body);
	if (text == NULL) {
		http_reply_error(x, 500, "internal", NULL, "The reply could not be made.");
		return;
	}
	http_reply(x, status, "application/json", text, len);
	free(text);
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
	x->stream = true;
	if (x->conn == NULL || x->dead)
		return;
	if (!header_is_set(x, "Cache-Control"))
		http_header(x, "Cache-Control", "no-store");
	reply_ready(
		x, status, type,
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, out_read_cb, x, NULL));
}

size_t http_stream_write(struct http_exchange *x, const void *data, size_t len)
{
	if (x->conn == NULL || x->dead)
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
		x->conn->doomed = true;
		x->s->any_doomed = true;
		http_server_wake(x->s);
	}
	http_exchange_wake(x);
	return http_out_waiting(x);
}

void http_stream_end(struct http_exchange *x)
{
	if (!reply_begin(x))
		return;
	x->ended = true;
	if (http_out_waiting(x) == 0)
		x->moved_ms = (int64_t)uv_now(x->s->loop);
	http_exchange_wake(x);
}

void http_on_gone(struct http_exchange *x, http_gone_cb cb, void *arg)
{
	x->gone_cb = cb;
	x->gone_arg = arg;
}
