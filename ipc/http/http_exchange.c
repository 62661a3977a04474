/* One request and its reply, from its head until nobody holds it any longer. */
#include "ipc/http/http_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

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

struct http_exchange *http_exchange_new(struct http_conn *c, const char *text, size_t len,
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

/* ---- what the request carried --------------------------------------------------------------- */

struct http_header_line *http_line_new(const char *name, const char *value)
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

/* The first name=value of that name, not decoded. */
static struct http_header_line *query_find(struct http_exchange *x, const char *name)
{
	size_t n = strlen(name), len;

	for (const char *q = x->query; q != NULL; q = q[len] == '&' ? q + len + 1 : NULL) {
		struct http_header_line *line;

		len = strcspn(q, "&");
		if (len <= n || q[n] != '=' || memcmp(q, name, n) != 0)
			continue;
		line = http_line_new(name, q + n + 1);
		if (line != NULL)
			((char *)line->value)[len - n - 1] = '\0';
		return line;
	}
	return NULL;
}

const char *http_query(struct http_exchange *x, const char *name)
{
	struct http_header_line *line;
	size_t len;

	for (line = x->queries; line != NULL; line = line->next)
		if (strcmp(line->name, name) == 0)
			return line->value;
	if (x->conn == NULL)
		return NULL;
	line = query_find(x, name);
	if (line == NULL)
		return NULL;
	/* http_request_begin() saw to it that this works. */
	len = strlen(line->value);
	http_query_decode((char *)line->value, &len);
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
	return x->conn != NULL ? http_head_field(&x->head, name) : NULL;
}

/* ---- its end -------------------------------------------------------------------------------- */

void http_exchange_end(struct http_conn *c)
{
	struct http_server *s = c->s;
	struct http_exchange *x = c->x;
	bool owed;

	if (x == NULL)
		return;
	c->x = NULL;
	share_give(s->share, SHARE_BODIES, c->peer.caller.uid, x->charged);
	share_give(s->share, SHARE_REPLIES, c->peer.caller.uid, x->charged_reply);
	http_memory_freed(s, x->charged + x->charged_reply);
	x->charged = x->charged_reply = 0;
	if (x->state != EXCHANGE_ARRIVING)
		s->stats.n_exchanges--;
	owed = x->state == EXCHANGE_WORKING || x->state == EXCHANGE_STREAMING;
	if (owed && x->gone_cb == NULL) {
		/* The handler finds out when it replies. */
		http_exchange_state(x, EXCHANGE_ORPHAN);
		x->conn = NULL;
		x->s = NULL;
		return;
	}
	http_exchange_state(x, EXCHANGE_OVER);
	if (owed)
		x->gone_cb(x, x->gone_arg);
	http_exchange_free(x);
}
